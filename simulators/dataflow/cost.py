"""What a run takes: its time, energy by component, and the area of a chip.

Areas scale Plasticine's published ones (Prabhakar et al., ISCA 2017) by lanes, stages, capacity, bandwidth and node;
at Plasticine's own numbers they are its 112.8 mm². The areas and powers of SN10 and SN40L are not published: theirs are
estimates to compare designs by. Every constant is in technology.json, with its unit and source.
"""

from __future__ import annotations

import numpy as np

from ..core import Column, Columns
from .model import answers as a
from .run import Run
from .tables.chip import Chip
from .tables.constants import load_technology

#: Plasticine's numbers that its areas belong to.
_LANES, _STAGES, _PMU_KB, _BANKS, _UNITS, _NOC_GBPS, _DDR_GBPS = 16, 6, 256, 16, 128, 64.0, 51.2


def area_mm2(chip: Chip, columns: Columns) -> Column:
    """Area of one socket's chip, shape (n,)."""
    t = load_technology(chip.node)
    pcu = t["pcu_area"] * t["logic_area"] * t["operand_area"] / (_LANES * _STAGES)
    banks = 1 + t["bank_area"] * (columns["pmu_banks"] / _BANKS - 1)
    pmu = t["pmu_area"] * t["sram_area"] / _PMU_KB
    noc = t["noc_area"] * t["logic_area"] / (_UNITS * _NOC_GBPS)
    total: Column = (
        columns["pcus"] * columns["lanes"] * columns["stages"] * pcu
        + columns["pmus"] * columns["pmu_kb"] * pmu * banks
        + (columns["pcus"] + columns["pmus"]) * columns["noc_link_gbps"] * noc
        + columns["ddr_gbps"] * t["ddr_area"] / _DDR_GBPS
    )
    return total + columns["hbm_gbps"] * t["hbm_area"] if chip.has_hbm else total


def links_area_mm2(chip: Chip, columns: Columns) -> Column:
    """Area of the links to other sockets, shape (n,): a chip that stands alone has none."""
    area: Column = columns["link_gbps"] * load_technology(chip.node)["link_area"]
    return area


def energy_columns(chip: Chip, columns: Columns, totals: Column, area: Column, socket_s: Column) -> dict[str, Column]:
    """Energy by component, J, each of shape (n,).

    Args:
        totals: of all sockets and the whole run, (n, TOTALS); bytes of the mesh times hops.
        area: of a socket's chip, mm².
        socket_s: time of the run times the number of sockets.
    """
    t = load_technology(chip.node)
    volts = 1 + t["voltage_slope"] * (columns["clock_ghz"] / chip.values["clock_ghz"] - 1)
    square = np.square(volts)
    out = {
        "compute_energy_j": (totals[:, a.MACS] + t["op_energy"] * totals[:, a.OPS])
        * t["mac_energy"]
        * t["datapath"]
        * square,
        "sram_energy_j": totals[:, a.SRAM_BYTES] * t["sram_energy"] * t["energy"] * square,
        "noc_energy_j": totals[:, a.NOC_BYTES] * t["noc_energy"] * t["energy"] * square,
        "hbm_energy_j": totals[:, a.HBM_BYTES] * t["hbm_energy"],
        "ddr_energy_j": totals[:, a.DDR_BYTES] * t["ddr_energy"],
        "link_energy_j": totals[:, a.LINK_BYTES] * t["link_energy"],
    }
    out = {name: value * 1e-12 for name, value in out.items()}
    capacity = columns["ddr_gb"] + (columns["hbm_gb"] if chip.has_hbm else 0.0)
    return out | {
        "static_energy_j": area * socket_s * t["static_power"] * volts,
        "standby_energy_j": capacity * socket_s * t["standby_power"],
    }


def metric_columns(run: Run, columns: Columns, answers: a.Answers) -> dict[str, Column]:
    """Metric columns of n designs, each of shape (n,), from what the compiled model answers."""
    totals = answers.totals
    latency, first = totals[:, a.TIME], totals[:, a.FIRST_TOKEN]
    area = area_mm2(run.chip, columns) + (links_area_mm2(run.chip, columns) if run.sockets > 1 else 0.0)
    energy = energy_columns(run.chip, columns, totals, area, run.sockets * latency)
    joules = np.zeros(len(totals))
    for component in energy.values():  # one by one: `np.sum` adds in another order in batches of another size
        joules = joules + component
    peak = columns["pcus"] * columns["lanes"] * columns["stages"] * columns["clock_ghz"] * 1e9 * run.sockets
    return {
        "latency_s": latency,
        "ttft_s": first,
        "tpot_s": (latency - first) / max(run.tokens[1] - 1, 1),
        "tokens_per_s": run.tokens[1] * run.batch / latency,
        "samples_per_s": run.batch / latency,
        "energy_j": joules,
        "power_w": joules / latency,
        "area_mm2": area,
        "utilization": run.macs / (latency * peak),
        "sram_bytes": totals[:, a.SRAM_BYTES],
        "hbm_bytes": totals[:, a.HBM_BYTES],
        "ddr_bytes": totals[:, a.DDR_BYTES],
        "link_bytes": totals[:, a.LINK_BYTES],
        **energy,
        "sections": totals[:, a.SECTIONS],
        "hbm_used_gb": answers.needed[:, a.HBM],
        "ddr_used_gb": answers.needed[:, a.DDR],
    }
