"""What the systolic simulator answers."""

from __future__ import annotations

from ..core import MetricSpec

METRICS = (
    MetricSpec("latency_s", "s", "time to run the workload once (its whole batch)"),
    MetricSpec("energy_j", "J", "energy of the chip, its DRAM interface and the DRAM devices for that run"),
    MetricSpec("power_w", "W", "energy over latency"),
    MetricSpec("area_mm2", "mm2", "placed area: arrays, vector lanes, SRAM, DRAM interface"),
    MetricSpec("cycles", "cycles", "computing and stalls"),
    MetricSpec("compute_cycles", "cycles", "on the arrays, and on the vector unit where it does not hide behind them"),
    MetricSpec("stall_cycles", "cycles", "waiting for DRAM"),
    MetricSpec("vector_cycles", "cycles", "the vector unit's part of the compute cycles"),
    MetricSpec("utilization", "", "multiply-accumulates over what all PEs could do in all cycles", goal="max"),
    MetricSpec("mapping_efficiency", "", "PEs with work over PEs, averaged over folds", goal="max"),
    MetricSpec("macs", "", "multiply-accumulates of the workload"),
    MetricSpec("dram_ifmap_reads", "words", "input words from DRAM, inputs of the vector unit included"),
    MetricSpec("dram_filter_reads", "words", "filter words from DRAM"),
    MetricSpec("dram_ofmap_writes", "words", "output words to DRAM, spilled partial sums included"),
    MetricSpec("dram_ofmap_reads", "words", "spilled partial sums read back"),
    MetricSpec("sram_ifmap_reads", "words", "input words into the array or the vector unit"),
    MetricSpec("sram_filter_reads", "words", "filter words into the array"),
    MetricSpec("sram_ofmap_writes", "words", "output words out of the array, one per fold over K"),
    MetricSpec("sram_ofmap_reads", "words", "partial sums read to be added to"),
    MetricSpec("array_energy_j", "J", "multiply-accumulates, registers and clock of the PEs"),
    MetricSpec("vector_energy_j", "J", "operations of the vector unit"),
    MetricSpec("sram_energy_j", "J", "SRAM reads and writes"),
    MetricSpec("dram_energy_j", "J", "words moved: DRAM devices and interface"),
    MetricSpec("static_energy_j", "J", "leakage, and standing power of the DRAM interface"),
)

#: Answered where a memory is in the loop (the simulator's option `memory`).
IN_LOOP = MetricSpec("dram_limited_latency_s", "s", "as latency_s, with a modelled memory in place of dram_bandwidth")
