"""What binds a systolic design: parts of its time, energy and area, and the knobs that each goes with.

The strengths are those of first-order models, at the design's own shares. They tell which way to go and which knob
goes first, not where a step ends: an array that has more PEs than a layer's dimensions leaves them idle.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..core import Breakdown, Column, Columns, Design, Limit
from ..core.bottleneck import Bottleneck, Remedy, remedy_of, shares
from .cost import AREA, LEAKAGE, READ, SRAMS, CostModel
from .space import DATAFLOWS

# How DRAM traffic of an operand goes with its SRAM where it does not fit: the square root, as blocked matrix products
# have it (Hong and Kung, STOC 1981), and half of that, since most layers' operands do fit.
_TRAFFIC_POWER = 0.25
# Stalls go faster than bandwidth: transfers hide behind computing first.
_STALL_POWER = 1.5
# An array more shares the folds of a layer, the last of which are seldom even.
_ARRAYS_POWER = 0.9
# How SRAM reads go with the array's sides, each of which shares an operand among its PEs.
_SHARING_POWER = 0.4
# Relative step at which prices are differentiated.
_STEP = 1.25

_OPERANDS = {
    "ifmap_sram_kb": ("dram_ifmap_reads",),
    "filter_sram_kb": ("dram_filter_reads",),
    "ofmap_sram_kb": ("dram_ofmap_writes", "dram_ofmap_reads"),
}
_SRAM_READS = {
    "ifmap_sram_kb": ("sram_ifmap_reads", "dram_ifmap_reads"),
    "filter_sram_kb": ("sram_filter_reads", "dram_filter_reads"),
    "ofmap_sram_kb": ("sram_ofmap_reads", "sram_ofmap_writes"),
}


def systolic_bottlenecks(
    cost: CostModel, columns: Columns, total: Mapping[str, float], layers: Breakdown, limits: tuple[Limit, ...]
) -> tuple[Bottleneck, ...]:
    """Return what binds one design.

    Args:
        cost: prices of the chip.
        columns: the design, each of shape (1,).
        total: its metrics.
        layers: the same by layer.
        limits: that it breaks.
    """
    design = {name: column[0] for name, column in columns.items()}
    area = shares("area_mm2", *_area(cost, columns))
    if limits:
        return (*(_limit(limit) for limit in limits), *area)
    return (*_time(design, total, layers), *_energy(cost, columns, design, total, layers), *area)


def _limit(limit: Limit) -> Bottleneck:
    change = "lower" if limit.upper else "raise"
    remedy = Remedy(limit.name, "lower" if limit.upper else "raise", f"{change} it to {limit.limit:g} {limit.unit}")
    return Bottleneck(limit.name, limit.name, abs(limit.value / limit.limit - 1), "", (remedy,), broken=True)


def _used(design: Design, total: Mapping[str, float]) -> float:
    """Return the share of its PEs' cycles on the array that a design computes in."""
    cycles = max(total["compute_cycles"] - total["vector_cycles"], 1.0)
    return float(min(1.0, total["macs"] / (design["rows"] * design["cols"] * design["num_arrays"] * cycles)))


def _time(design: Design, total: Mapping[str, float], layers: Breakdown) -> tuple[Bottleneck, ...]:
    array = layers["compute_cycles"] - layers["vector_cycles"]
    parts = {"computing": array, "vector unit": layers["vector_cycles"], "waiting for DRAM": layers["stall_cycles"]}
    used = _used(design, total)
    others = tuple(flow for flow in DATAFLOWS if flow != design["dataflow"])
    clock = Remedy("clock_mhz", "raise", "every cycle is shorter")
    words = {sram: sum(total[name] for name in names) for sram, names in _OPERANDS.items()}
    moved = max(sum(words.values()), 1.0)
    remedies = {
        "computing": (
            Remedy("rows", "raise", "more PEs, as far as layers fill them", strength=used),
            Remedy("cols", "raise", "more PEs, as far as layers fill them", strength=used),
            Remedy("num_arrays", "raise", "arrays share the folds of a layer", strength=_ARRAYS_POWER),
            clock,
            Remedy("dataflow", "try", "another operand stays, which fills the array otherwise", others, (1 - used) / 2),
        ),
        "vector unit": (
            Remedy("cols", "raise", "a lane per column"),
            Remedy("num_arrays", "raise", "a vector unit per array"),
            clock,
        ),
        "waiting for DRAM": (
            Remedy("dram_bandwidth", "raise", "more words arrive in a cycle", strength=_STALL_POWER),
            *(
                Remedy(sram, "raise", "larger tiles are fetched less often", strength=words[sram] / moved)
                for sram in sorted(words, key=lambda sram: -words[sram])
                if words[sram] > 0
            ),
            clock,
            Remedy("dataflow", "try", "another operand stays and is not fetched again", others, 0.25),
        ),
    }
    where = {name: _most(layers, amounts) for name, amounts in parts.items()}
    return shares("latency_s", {name: float(amounts.sum()) for name, amounts in parts.items()}, remedies, where)


def _most(layers: Breakdown, amounts: Column) -> str:
    return layers.names[int(np.argmax(amounts))] if len(amounts) and amounts.max() > 0 else ""


def _energy(
    cost: CostModel, columns: Columns, design: Design, total: Mapping[str, float], layers: Breakdown
) -> tuple[Bottleneck, ...]:
    names = {
        "PEs": "array_energy_j", "vector unit": "vector_energy_j", "SRAM": "sram_energy_j", "DRAM": "dram_energy_j",
        "leakage and standby": "static_energy_j",
    }  # fmt: skip
    volts = _power(cost, "clock_mhz", columns["clock_mhz"])
    supply = remedy_of("clock_mhz", volts[0], "a slower clock needs less voltage")
    used = _used(design, total)
    idle = cost.prices.clock_share * (1 - used)
    reads = {sram: sum(total[name] for name in names) for sram, names in _SRAM_READS.items()}
    words = {sram: sum(total[name] for name in names) for sram, names in _OPERANDS.items()}
    read, moved = max(sum(reads.values()), 1.0), max(sum(words.values()), 1.0)
    slopes = {sram: _power(cost, sram, columns[sram])[READ] for sram in SRAMS}
    remedies = {
        "PEs": (
            *supply,
            *(r for side in ("rows", "cols") for r in remedy_of(side, idle, "fewer idle PEs are clocked")),
        ),
        "vector unit": supply,
        "SRAM": (
            *supply,
            *(
                r
                for sram in SRAMS
                for r in remedy_of(sram, slopes[sram] * reads[sram] / read, "a word of a smaller SRAM costs less")
            ),
            *(
                Remedy(side, "raise", "more PEs share a word that is read", strength=_SHARING_POWER * used)
                for side in ("rows", "cols")
            ),
        ),
        "DRAM": tuple(
            Remedy(sram, "raise", "larger tiles are fetched less often", strength=_TRAFFIC_POWER * words[sram] / moved)
            for sram in sorted(words, key=lambda sram: -words[sram])
            if words[sram] > 0
        ),
        "leakage and standby": _static(cost, columns, design, total, used, volts[1]),
    }
    parts = {name: total[metric] for name, metric in names.items()}
    where = {name: _most(layers, layers[metric]) for name, metric in names.items()}
    return shares("energy_j", parts, remedies, where)


def _static(
    cost: CostModel,
    columns: Columns,
    design: Design,
    total: Mapping[str, float],
    used: float,
    leakage_slope: float,
) -> tuple[Remedy, ...]:
    """Return what lowers power at rest times the time it lasts: each knob by what it adds to the one and the other."""
    prices = cost.prices
    lanes = design["cols"] * design["num_arrays"]
    watts = {
        "pes": lanes * design["rows"] * prices.pe_leakage,
        "lanes": lanes * prices.lane_leakage,
        **{sram: float(cost.sram_prices(8, columns[sram].astype(np.float64))[0, LEAKAGE]) for sram in SRAMS},
        "dram": prices.standing_per_gbps * _gbps(cost, design),
    }
    whole = max(sum(watts.values()), 1e-30)
    part = {name: amount / whole for name, amount in watts.items()}
    stalls = total["stall_cycles"] / total["cycles"]
    computing = (total["compute_cycles"] - total["vector_cycles"]) / total["cycles"]
    why = "power at rest against the time it lasts"
    powers = {
        "rows": part["pes"] - computing * used,
        "cols": part["pes"] + part["lanes"] - computing * used,
        "num_arrays": part["pes"] + part["lanes"] - computing * _ARRAYS_POWER,
        **{sram: part[sram] - stalls / len(SRAMS) for sram in SRAMS},
        "dram_bandwidth": part["dram"] - _STALL_POWER * stalls,
        "clock_mhz": (1 - part["dram"]) * leakage_slope + part["dram"] - 1.0,
    }
    return tuple(r for knob, power in powers.items() for r in remedy_of(knob, power, why))


def _area(cost: CostModel, columns: Columns) -> tuple[dict[str, float], dict[str, tuple[Remedy, ...]]]:
    """Return the area by part, mm2, and what makes each smaller."""
    design = {name: column[0] for name, column in columns.items()}
    prices, lanes = cost.prices, float(design["cols"] * design["num_arrays"])
    sides = ("rows", "cols", "num_arrays")
    parts = {"PEs": lanes * float(design["rows"]) * prices.pe_area, "vector lanes": lanes * prices.lane_area}
    remedies = {
        "PEs": tuple(Remedy(side, "lower", "fewer PEs") for side in sides),
        "vector lanes": tuple(Remedy(side, "lower", "fewer lanes") for side in sides[1:]),
        "DRAM interface": tuple(Remedy(name, "lower", "a slower PHY") for name in ("dram_bandwidth", "clock_mhz")),
    }
    for sram, width in zip(SRAMS, (cost.operand_bits, cost.operand_bits, cost.sum_bits), strict=True):
        name = sram.removesuffix("_kb").replace("_sram", " SRAM")
        parts[name] = float(cost.sram_prices(width, columns[sram].astype(np.float64))[0, AREA])
        remedies[name] = (Remedy(sram, "lower", "fewer bits"),)
    parts["DRAM interface"] = prices.phy_area_per_gbps * _gbps(cost, design)
    return parts, remedies


def _gbps(cost: CostModel, design: Design) -> float:
    """Return the peak of the DRAM interfaces, GB/s; 0 where they never stall, which costs nothing."""
    if not np.isfinite(design["dram_bandwidth"]):
        return 0.0
    return float(3.0 * design["dram_bandwidth"] * cost.prices.bytes_per_word * design["clock_mhz"] * 1e6 / 1e9)


def _power(cost: CostModel, knob: str, value: Column) -> list[float]:
    """Return the powers with which prices go with a knob around its value: of `sram_prices`, or `clock_prices`."""
    now = value.astype(np.float64)
    around = np.concatenate([now / _STEP, now])
    rows = cost.clock_prices(around) if knob == "clock_mhz" else cost.sram_prices(cost.operand_bits, around)
    with np.errstate(divide="ignore", invalid="ignore"):
        powers = np.log(rows[1] / rows[0]) / np.log(_STEP)
    return [float(p) for p in np.nan_to_num(powers)]
