"""What the hls4ml simulator answers."""

from __future__ import annotations

from ..core import MetricSpec

METRICS = (
    MetricSpec("latency_s", "s", "from the first input to the last output, of the whole batch"),
    MetricSpec("cycles", "cycles", "clock cycles of that time"),
    MetricSpec("initiation_interval", "cycles", "from one sample to the next"),
    MetricSpec("lut", "", "look-up tables"),
    MetricSpec("ff", "", "flip-flops"),
    MetricSpec("dsp", "", "DSP slices"),
    MetricSpec("bram18", "", "18-Kb block RAMs"),
    MetricSpec("lut_utilization", "", "look-up tables over those of the device"),
    MetricSpec("ff_utilization", "", "flip-flops over those of the device"),
    MetricSpec("dsp_utilization", "", "DSP slices over those of the device"),
    MetricSpec("bram18_utilization", "", "block RAMs over those of the device"),
    MetricSpec("device_share", "", "the largest of these four: how much of the device the design takes up"),
)  # fmt: skip
