"""The systolic simulator against SCALE-Sim 3.0.0, layer by layer and design by design.

The two map products onto the array in the same way, so that cycles, mapping and SRAM accesses must agree exactly, but
for two counts that SCALE-Sim itself has wrong: it reports one cycle less than its folds take (RTL of a small array
agrees with the full count), and in output-stationary runs R + C output writes too many per fold. DRAM traffic is
another matter: SCALE-Sim streams through a buffer that it wipes when full, this simulator tiles; what both must do is
fetch an operand that fits on chip once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ....datasets import Network
from ....datasets.loaders.scalesim import parse_scalesim
from ....errors import ChipgymError, shorten
from ...core.validation import Finding, read_reference
from ..simulator import SystolicSimulator

TABLE = Path("systolic", "scalesim_v3.csv")
REFERENCE = "SCALE-Sim 3.0.0"

_TEXT = ("workload", "layer", "mode", "dataflow", "bw_mode")
_CONV = ("ifmap_h", "ifmap_w", "filt_h", "filt_w", "channels", "num_filters", "stride")
_GEMM = ("M", "N", "K")
_COMPARED = (
    "sram_ifmap_reads", "sram_filter_reads", "sram_ofmap_writes", "dram_ifmap_reads", "dram_filter_reads",
    "dram_ofmap_writes",
)  # fmt: skip
_NUMBERS = (
    *_CONV, *_GEMM, "rows", "cols", "ifmap_kb", "filter_kb", "ofmap_kb", "compute_cycles", "mapping_eff_pct", *_COMPARED
)  # fmt: skip
_OURS = ("compute_cycles", "mapping_efficiency", *_COMPARED)

Columns = dict[str, np.ndarray[Any, np.dtype[Any]]]


def validate(reference: Path) -> Sequence[Finding]:
    """Measure how far the simulator is from SCALE-Sim's rows in `reference`/systolic/scalesim_v3.csv.

    Raises:
        ChipgymError: where the table is missing or malformed.
    """
    theirs = read_rows(reference / TABLE)
    ours = simulate_rows(theirs)
    return [*_exact(theirs, ours), *_compulsory(theirs, ours), *_ratios(theirs, ours), _stalls()]


def read_rows(path: Path) -> Columns:
    """Read the table's columns, each of shape (n,): texts, and float64 numbers.

    Raises:
        ChipgymError: naming the file, and the row and column that are wrong.
    """
    rows = read_reference(path, (*_TEXT, *_NUMBERS))
    columns: Columns = {name: np.array([row[name] or "" for row in rows]) for name in _TEXT}
    for name in _NUMBERS:
        columns[name] = np.array([_number(path, i, name, row[name]) for i, row in enumerate(rows, start=2)])
    return columns


def _number(path: Path, line: int, name: str, text: str | None) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ChipgymError(f"reference: {path}: line {line}: {name} is {shorten(text)}, expected a number")
    return value


def simulate_rows(rows: Columns) -> Columns:
    """Return this simulator's answers to the rows, at a DRAM bandwidth that never stalls; columns of shape (n,)."""
    n = len(rows["layer"])
    out = {name: np.full(n, np.nan) for name in _OURS}
    names = ("mode", *_CONV, *_GEMM)
    groups: dict[tuple[Any, ...], list[int]] = {}
    for i in range(n):
        groups.setdefault(tuple(rows[name][i].item() for name in names), []).append(i)
    for layer, positions in groups.items():
        simulator = SystolicSimulator(_network(dict(zip(names, layer, strict=True))))
        at = np.array(positions)
        answer = simulator.evaluate(
            {
                "rows": rows["rows"][at],
                "cols": rows["cols"][at],
                "dataflow": rows["dataflow"][at],
                "ifmap_sram_kb": rows["ifmap_kb"][at],
                "filter_sram_kb": rows["filter_kb"][at],
                "ofmap_sram_kb": rows["ofmap_kb"][at],
                "dram_bandwidth": np.full(len(at), np.inf),
            }
        )
        for name in _OURS:
            out[name][at] = answer[name]
    return out


def _network(layer: dict[str, Any]) -> Network:
    """Return a row's layer as the network that SCALE-Sim's topology line for it is."""
    if layer["mode"] == "conv":
        header = "Layer, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,"
        sizes = [layer[name] for name in _CONV]
    else:
        header, sizes = "Layer, M, N, K,", [layer[name] for name in _GEMM]
    line = ", ".join(f"{size:.0f}" for size in sizes)
    return parse_scalesim(f"{header}\nlayer, {line},\n", name="layer", file=str(TABLE))


def output_surplus(rows: Columns) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Count output writes that SCALE-Sim has beyond those that happen, (n,): R + C per fold where `os`, else 0."""
    folds = np.ceil(rows["M"] / rows["rows"]) * np.ceil(rows["N"] / rows["cols"])
    return np.where(rows["dataflow"] == "os", folds * (rows["rows"] + rows["cols"]), 0.0)


def operand_words(rows: Columns) -> Columns:
    """Return the size of each operand in words, by the metric that moves it, each of shape (n,)."""
    pixels = rows["ifmap_h"] * rows["ifmap_w"] * rows["channels"]
    return {
        "dram_ifmap_reads": np.where(rows["mode"] == "conv", pixels, rows["M"] * rows["K"]),
        "dram_filter_reads": rows["K"] * rows["N"],
        "dram_ofmap_writes": rows["M"] * rows["N"],
    }


def fits(rows: Columns, metric: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Tell whether an operand fits in half of its double buffer (one byte a word), shape (n,)."""
    kb = rows[metric.removeprefix("dram_").split("_")[0] + "_kb"]
    inside: np.ndarray[Any, np.dtype[np.bool_]] = operand_words(rows)[metric] <= kb * 1024 / 2
    return inside


def whole(rows: Columns, metric: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Tell whether a layer needs all of an operand, shape (n,): a strided convolution may skip pixels of its input."""
    needed: np.ndarray[Any, np.dtype[np.bool_]] = (rows["mode"] != "conv") | (rows["stride"] == 1)
    return needed if metric == "dram_ifmap_reads" else np.ones_like(needed)


def _exact(theirs: Columns, ours: Columns) -> list[Finding]:
    n = len(theirs["layer"])
    wrong = "% of rows that differ"
    expected = {
        "compute_cycles": (theirs["compute_cycles"] + 1, "SCALE-Sim reports one cycle less than its folds take"),
        "sram_ifmap_reads": (theirs["sram_ifmap_reads"], ""),
        "sram_filter_reads": (theirs["sram_filter_reads"], ""),
        "sram_ofmap_writes": (
            theirs["sram_ofmap_writes"] - output_surplus(theirs),
            "less the R + C writes per fold that SCALE-Sim counts too many in os runs",
        ),
    }
    found = [
        Finding(name, float(np.mean(ours[name] != value) * 100), wrong, n, REFERENCE, note)
        for name, (value, note) in expected.items()
    ]
    gap = np.abs(ours["mapping_efficiency"] * 100 - theirs["mapping_eff_pct"]).max()
    return [
        found[0],
        Finding("mapping_efficiency", float(gap), "percentage points, largest error", n, REFERENCE),
        *found[1:],
    ]


def _compulsory(theirs: Columns, ours: Columns) -> list[Finding]:
    out = []
    for name, words in operand_words(theirs).items():
        rows = fits(theirs, name) & whole(theirs, name)
        off = float(np.mean(ours[name][rows] != words[rows]) * 100) if rows.any() else math.nan
        note = "convolutions with stride 1 only: others may skip pixels" if name == "dram_ifmap_reads" else ""
        out.append(
            Finding(
                f"{name}, operand on chip", off, "% of rows off the operand's size", int(rows.sum()), REFERENCE, note
            )
        )
    return out


def _ratios(theirs: Columns, ours: Columns) -> list[Finding]:
    out = []
    for name in operand_words(theirs):
        # USER runs prefetch by bandwidth rather than by need, so that their reads say nothing about the layer.
        rows = ~fits(theirs, name) & (theirs["bw_mode"] == "CALC") & (theirs[name] > 0)
        note = "no row has an operand too large for its buffer"
        low = middle = high = math.nan
        if rows.any():
            low, middle, high = np.percentile(ours[name][rows] / theirs[name][rows], (5, 50, 95)).tolist()
            note = f"5 to 95 % of rows: {low:.3g} to {high:.3g}; "
            note += (
                "SCALE-Sim writes every partial sum of ws and is runs"
                if name == "dram_ofmap_writes"
                else "SCALE-Sim wipes its buffer when it is full and fetches again what it had"
            )
        out.append(
            Finding(f"{name}, operand too large", middle, "times SCALE-Sim's, median", int(rows.sum()), REFERENCE, note)
        )
    return out


def _stalls() -> Finding:
    return Finding("stall_cycles", math.nan, "", 0, REFERENCE, "not compared: SCALE-Sim counts its stalls twice")
