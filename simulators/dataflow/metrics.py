"""What the dataflow simulator answers, of a run and of each of its sections and kernels."""

from __future__ import annotations

from ..core import MetricSpec

METRICS = (
    MetricSpec("latency_s", "s", "time of the whole run: prefill and all tokens, or one forward pass of the batch"),
    MetricSpec("ttft_s", "s", "time to the first token of every sequence, or to the network's output"),
    MetricSpec("tpot_s", "s", "mean time of a further token; 0 where none is written"),
    MetricSpec("tokens_per_s", "1/s", "tokens written, of all sequences, over the run; 0 of none", goal="max"),
    MetricSpec("samples_per_s", "1/s", "sequences or samples over the run", goal="max"),
    MetricSpec("energy_j", "J", "energy of all sockets and their memories for the run"),
    MetricSpec("power_w", "W", "energy over latency, all sockets"),
    MetricSpec("area_mm2", "mm2", "one socket's chip, scaled from Plasticine's published areas", cost=False),
    MetricSpec("utilization", "", "multiply-accumulates of the network over what all PCUs could do", goal="max"),
    MetricSpec("sram_bytes", "bytes", "read and written by kernels in the memory units"),
    MetricSpec("hbm_bytes", "bytes", "to and from HBM, all sockets"),
    MetricSpec("ddr_bytes", "bytes", "to and from DDR, all sockets"),
    MetricSpec("link_bytes", "bytes", "between sockets"),
    MetricSpec("compute_energy_j", "J", "multiply-accumulates and vector operations, with their pipelines"),
    MetricSpec("sram_energy_j", "J", "memory units"),
    MetricSpec("noc_energy_j", "J", "the mesh"),
    MetricSpec("hbm_energy_j", "J", "HBM and its interface"),
    MetricSpec("ddr_energy_j", "J", "DDR and its interface"),
    MetricSpec("link_energy_j", "J", "links between sockets"),
    MetricSpec("static_energy_j", "J", "leakage and clocks of the chips"),
    MetricSpec("standby_energy_j", "J", "HBM and DDR at rest, by their capacity"),
    MetricSpec("sections", "", "sections that the network is cut into, those of equal blocks once", cost=False),
    MetricSpec("hbm_used_gb", "GB", "held in one socket's HBM", cost=False),
    MetricSpec("ddr_used_gb", "GB", "held in one socket's DDR", cost=False),
)

LAYER_METRICS = (
    MetricSpec("latency_s", "s", "all runs of a section, in all passes and microbatches"),
    MetricSpec("macs", "", "multiply-accumulates of all sockets; those that several do count for each"),
    MetricSpec("hbm_bytes", "bytes", "to and from HBM, all sockets"),
    MetricSpec("ddr_bytes", "bytes", "to and from DDR, all sockets"),
    MetricSpec("utilization", "", "time that PCUs are busy over all their time", goal="max"),
)

SECTION_METRICS = (
    MetricSpec("latency_s", "s", "one run of the section, its start included"),
    MetricSpec("runs", "", "times that it runs in one pass of a microbatch"),
    MetricSpec("pipeline_s", "s", "tiles through its kernels"),
    MetricSpec("compute_s", "s", "its slowest kernel, all tiles"),
    MetricSpec("fill_s", "s", "filling, draining and stalls: the pipeline beyond its slowest kernel"),
    MetricSpec("hbm_s", "s", "HBM at its bandwidth"),
    MetricSpec("ddr_s", "s", "DDR at its bandwidth"),
    MetricSpec("link_s", "s", "links between sockets at their bandwidth"),
    MetricSpec("noc_s", "s", "the mesh at its bandwidth"),
    MetricSpec("setup_s", "s", "weights that are loaded before it begins"),
    MetricSpec("sync_s", "s", "starting it"),
    MetricSpec("pcus", "", "PCUs that have a kernel"),
    MetricSpec("pmus", "", "PMUs that hold something"),
    MetricSpec("sram_mb", "MB", "held in SRAM"),
    MetricSpec("tiles", "", "tiles of a microbatch"),
    MetricSpec("utilization", "", "time that PCUs are busy over all their time", goal="max"),
)

KERNEL_METRICS = (
    MetricSpec("section", "", "number of its section", cost=False),
    MetricSpec("pcus", "", "PCUs that it has", cost=False),
    MetricSpec("tile_s", "s", "one tile"),
    MetricSpec("compute_s", "s", "one tile on its PCUs"),
    MetricSpec("pmu_s", "s", "one tile's operands from the memory units"),
    MetricSpec("noc_s", "s", "one tile over the mesh"),
    MetricSpec("link_s", "s", "one tile between sockets"),
    MetricSpec("utilization", "", "share of its section's time that it works", goal="max"),
)
