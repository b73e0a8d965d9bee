"""What the memory simulator answers."""

from __future__ import annotations

from ..core import MetricSpec

METRICS = (
    MetricSpec("latency_s", "s", "time to serve the whole trace, from 0 to the last response"),
    MetricSpec("energy_j", "J", "energy of the DRAM devices, by DRAMPower's method"),
    MetricSpec("power_w", "W", "average power of the DRAM devices, until the last command is over"),
    MetricSpec("area_mm2", "mm2", "storage of the controllers, as flip-flops at 45 nm; no logic, no PHY, no DRAM"),
    MetricSpec("cycles", "cycles", "memory-clock cycles of that time"),
    MetricSpec(
        "read_latency_s", "s", "mean over reads, from standing at the controller to the response; 0 without reads"
    ),
    MetricSpec("read_latency_p50_s", "s", "median over reads"),
    MetricSpec("read_latency_p95_s", "s", "what 95 % of reads do not exceed"),
    MetricSpec("read_latency_p99_s", "s", "what 99 % of reads do not exceed"),
    MetricSpec("write_latency_s", "s", "mean over writes, as for reads; 0 without writes"),
    MetricSpec(
        "request_latency_s", "s", "mean over all requests, from leaving the requestor to the controller's response"
    ),
    MetricSpec("access_latency_s", "s", "mean over all requests, from arrival in the trace to the response received"),
    MetricSpec("bandwidth_gbps", "GB/s", "bytes of all bursts over the time to serve them", goal="max"),
    MetricSpec("queue_occupancy", "requests", "requests in the scheduler's buffer, averaged over time"),
    MetricSpec("buffer_bits", "bit", "what the controllers store: requests, data to write, refreshes owed"),
    MetricSpec("row_hits", "", "requests that found their row open", goal="max"),
    MetricSpec("row_misses", "", "requests that found their bank precharged"),
    MetricSpec("row_conflicts", "", "requests that found another row open"),
    MetricSpec("n_act", "", "activations"),
    MetricSpec("n_rd", "", "reads, those that precharge their bank included"),
    MetricSpec("n_wr", "", "writes, those that precharge their bank included"),
    MetricSpec("n_pre", "", "precharge commands, of one bank or of all; those that come with a read or write left out"),
    MetricSpec("n_ref", "", "all-bank refreshes"),
    MetricSpec("activate_energy_j", "J", "opening and closing rows"),
    MetricSpec("read_energy_j", "J", "reading bursts"),
    MetricSpec("write_energy_j", "J", "writing bursts"),
    MetricSpec("refresh_energy_j", "J", "refreshes"),
    MetricSpec("background_energy_j", "J", "standing by with and without open rows"),
)
