"""What a design takes: a run's time and energy, and a chip's area, as metrics.

Areas scale Plasticine's published ones (Prabhakar et al., ISCA 2017) by lanes, stages, capacity, bandwidth and node;
at Plasticine's own numbers they are its 112.8 mm². The areas and powers of SN10 and SN40L are not published: theirs are
estimates to compare designs by. Every constant is in tables/technology.json, with its unit and source.
"""

from __future__ import annotations

from ..core import Column
from .model import answers as a
from .model.prices import Prices
from .run import Run
from .tables.chip import Chip
from .tables.constants import load_technology

#: Plasticine's numbers that its areas belong to.
_LANES, _STAGES, _PMU_KB, _BANKS, _UNITS, _NOC_GBPS, _DDR_GBPS = 16, 6, 256, 16, 128, 64.0, 51.2

#: Metrics that stand among a run's totals.
_TOTALS = {
    "area_mm2": a.AREA, "energy_j": a.ENERGY_J, "sram_bytes": a.SRAM_BYTES, "hbm_bytes": a.HBM_BYTES,
    "ddr_bytes": a.DDR_BYTES, "link_bytes": a.LINK_BYTES, "compute_energy_j": a.COMPUTE_J, "sram_energy_j": a.SRAM_J,
    "noc_energy_j": a.NOC_J, "hbm_energy_j": a.HBM_J, "ddr_energy_j": a.DDR_J, "link_energy_j": a.LINK_J,
    "static_energy_j": a.STATIC_J, "standby_energy_j": a.STANDBY_J, "sections": a.SECTIONS,
}  # fmt: skip


def prices_of(chip: Chip) -> Prices:
    """Return what the parts of a chip and the actions of a run cost in its node."""
    t = load_technology(chip.node)
    return Prices(
        pcu=t["pcu_area"] * t["logic_area"] * t["operand_area"] / (_LANES * _STAGES),
        pmu=t["pmu_area"] * t["sram_area"] / _PMU_KB,
        bank=t["bank_area"],
        banks=float(_BANKS),
        noc=t["noc_area"] * t["logic_area"] / (_UNITS * _NOC_GBPS),
        hbm=t["hbm_area"],
        ddr=t["ddr_area"],
        ddr_gbps=_DDR_GBPS,
        link=t["link_area"],
        op=t["op_energy"],
        mac_pj=t["mac_energy"],
        datapath=t["datapath"],
        sram_pj=t["sram_energy"],
        noc_pj=t["noc_energy"],
        node=t["energy"],
        hbm_pj=t["hbm_energy"],
        ddr_pj=t["ddr_energy"],
        link_pj=t["link_energy"],
        static_w=t["static_power"],
        standby_w=t["standby_power"],
        clock=float(chip.values["clock_ghz"]),
        slope=t["voltage_slope"],
    )


def metric_columns(run: Run, answers: a.Answers) -> dict[str, Column]:
    """Return the metric columns of n designs, each of shape (n,), from what the compiled model answers."""
    totals = answers.totals
    latency, first = totals[:, a.TIME], totals[:, a.FIRST_TOKEN]
    return {
        "latency_s": latency,
        "ttft_s": first,
        "tpot_s": (latency - first) / max(run.tokens[1] - 1, 1),
        "tokens_per_s": run.tokens[1] * run.batch / latency,
        "samples_per_s": run.batch / latency,
        "power_w": totals[:, a.ENERGY_J] / latency,
        "utilization": run.macs / (latency * totals[:, a.PEAK]),
        **{name: totals[:, at] for name, at in _TOTALS.items()},
        "hbm_used_gb": answers.needed[:, a.HBM],
        "ddr_used_gb": answers.needed[:, a.DDR],
    }
