"""What the HLS simulator answers."""

from __future__ import annotations

from ..core import MetricSpec

#: Known of a design that does not fit its device too.
RESOURCES = ("lut", "ff", "dsp", "bram18")

#: Of a loop, by `evaluate_loops`.
LOOP_METRICS = (
    MetricSpec("cycles", "cycles", "of all its runs, what it holds included; 0 where it is unrolled"),
    MetricSpec("runs", "", "how often it starts"),
    MetricSpec("iterations", "", "of one run, after unrolling"),
    MetricSpec("interval", "cycles", "between iterations of a pipelined loop"),
    MetricSpec("copies", "", "iterations side by side"),
)

METRICS = (
    MetricSpec("latency_s", "s", "time of one run of the kernel"),
    MetricSpec("cycles", "cycles", "clock cycles of one run, as the synthesis report gives them", cost=False),
    MetricSpec("lut", "", "look-up tables", cost=False),
    MetricSpec("ff", "", "flip-flops", cost=False),
    MetricSpec("dsp", "", "DSP slices", cost=False),
    MetricSpec("bram18", "", "block RAMs of 18 kbit", cost=False),
    MetricSpec("lut_utilization", "", "share of the device's look-up tables", cost=False),
    MetricSpec("ff_utilization", "", "share of the device's flip-flops", cost=False),
    MetricSpec("dsp_utilization", "", "share of the device's DSP slices", cost=False),
    MetricSpec("bram18_utilization", "", "share of the device's block RAMs", cost=False),
)
