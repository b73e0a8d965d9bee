"""Fits the constants of `constants.json` to the reports of wa-hls4ml, and says how far shapes left out are then.

    python -m chipgym.simulators.hls4ml.reference.calibrate REFERENCE

fits to the table in the folder REFERENCE and writes the file. Every fit is a least-squares fit of relative errors that
is linear in the constants, of the very terms that `model/products.py` adds up; only the delay of a level of adders is
chosen from a grid. Constants are then kept to four digits.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...fpga.formulas import make_program
from ...fpga.formulas.terms import power_of_two
from ..model.products import sum_cycles
from ..tables.constants import ACCUMULATOR_BITS, DSP_BITS, Constants
from .reports import FILE, SOURCE, Column, Reports, read_reports

#: hls4ml's default input of the reports, and their clock.
INPUT_BITS, CLOCK_NS = 16, 5.0
#: Shapes are dealt into so many parts, each left out once.
PARTS = 8
#: Delays of a level of adders that are tried, in ns.
DELAYS_NS = np.round(np.arange(0.3, 1.5, 0.01), 2)

#: Unit and meaning of each constant.
MEANING = {
    "dsp_bits": ("bit", "weights up to this width have so few digits that no constant takes a DSP"),
    "dsp_decay": ("1/bit", "beyond it the part of constants that LUTs multiply by falls by this rate"),
    "level_delay_ns": ("ns", "of one level of multiplying and summing"),
    "unrolled_lut_input_bit": ("LUT", "per bit of an input of an unrolled product"),
    "unrolled_lut_product_bit": ("LUT", "per bit of a constant that LUTs multiply 16 bits by, its sum included"),
    "unrolled_lut_dsp_latency": ("LUT", "per constant that a DSP multiplies 16 bits by, strategy latency"),
    "unrolled_lut_dsp_resource": ("LUT", "the same, strategy resource"),
    "unrolled_ff_product_bit_latency": ("FF", "per bit of a constant that LUTs multiply by, strategy latency"),
    "unrolled_ff_product_bit_resource": ("FF", "the same, strategy resource"),
    "unrolled_ff_dsp_latency": ("FF", "per constant that a DSP multiplies by, strategy latency"),
    "unrolled_ff_dsp_resource": ("FF", "the same, strategy resource"),
    "unrolled_ff_held": ("FF", "per constant where multipliers take turns, strategy latency"),
    "shared_lut_control": ("LUT", "of a shared product, whatever its size"),
    "shared_lut_input_bit": ("LUT", "per bit of an input of a shared product"),
    "shared_lut_accumulator_bit": ("LUT", "per bit of an accumulator of a shared product"),
    "shared_lut_pair_bit": ("LUT", "per bit of a multiplier that serves two outputs in turn"),
    "shared_lut_choice_bit": ("LUT", "per bit and input of the choice among accumulators that a multiplier has"),
    "shared_lut_small_product": ("LUT", "per multiplier of weights too narrow for a DSP"),
    "shared_ff_control": ("FF", "of a shared product, whatever its size"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Calibration:
    """Constants, with their median relative errors: of the rows fitted to, and of shapes left out, both in percent."""

    constants: Constants
    fitted: Mapping[str, float]
    left_out: Mapping[str, float]


def calibrate(reports: Reports) -> Calibration:
    """Fit to all rows, and measure on each of `PARTS` parts of the shapes what fits to the others say of it."""
    shapes = list(reports.shapes())
    part = np.empty(len(reports), np.int64)
    for i, order in enumerate(np.random.default_rng(0).permutation(len(shapes))):
        part[shapes[order][1]] = i % PARTS
    errors: dict[str, list[Column]] = {}
    for left_out in range(PARTS):
        constants = fit(reports.take(part != left_out))
        for name, error in relative_errors(reports.take(part == left_out), constants).items():
            errors.setdefault(name, []).append(error)
    constants = fit(reports)
    return Calibration(
        constants,
        {name: _median(error) for name, error in relative_errors(reports, constants).items()},
        {name: _median(np.concatenate(parts)) for name, parts in errors.items()},
    )


def fit(reports: Reports) -> Constants:
    """Return the constants that fit these rows best."""
    done = reports.take(reports.success)
    shared = done.resource & (done.reuse_factor > 1)
    found = _fit_dsp(done.take(~shared & (done.reuse_factor == 1)))
    found["level_delay_ns"] = _fit_delay(done.take(~shared & (done.reuse_factor == 1)))
    found |= _fit_unrolled(done.take(~shared), found)
    found |= _fit_shared(done.take(shared))
    return Constants(**{name: float(f"{value:.4g}") for name, value in found.items()})


def _fit_dsp(rows: Reports) -> dict[str, float]:
    """Fit the part of constants in LUTs, an exponential of the width: its logarithm is a line."""
    part = rows.reported["dsp"] / (rows.d_in * rows.d_out)
    some = part > 0
    slope, at_zero = np.polyfit(rows.weight_bits[some], np.log1p(-part[some]), 1)
    return {"dsp_bits": float(-at_zero / slope), "dsp_decay": float(-slope)}


def _fit_delay(rows: Reports) -> float:
    """Return the delay with which most latencies are exact; the middle of those that are equally good."""
    program = make_program(
        ("d_in", "weight_bits", "delay"),
        lambda x: {"cycles": sum_cycles(x["d_in"], x["weight_bits"], CLOCK_NS, x["delay"])},
    )
    given = {"d_in": rows.d_in, "weight_bits": rows.weight_bits}
    exact = [
        np.mean(
            program.run({**given, "delay": np.full(len(rows), delay)}, len(rows))["cycles"] == rows.reported["cycles"]
        )
        for delay in DELAYS_NS
    ]
    return float(np.median(DELAYS_NS[np.array(exact) == max(exact)]))


def _fit_unrolled(rows: Reports, found: Mapping[str, float]) -> dict[str, float]:
    matrix = (rows.d_in * rows.d_out).astype(np.float64)
    with_dsp = np.maximum(0.0, -np.expm1(-found["dsp_decay"] * (rows.weight_bits - found["dsp_bits"])))
    in_luts, in_dsps = (1 - with_dsp) * rows.weight_bits * matrix, with_dsp * matrix
    lut = {
        "unrolled_lut_input_bit": float(INPUT_BITS) * rows.d_in,
        "unrolled_lut_product_bit": in_luts,
        "unrolled_lut_dsp_latency": in_dsps * ~rows.resource,
        "unrolled_lut_dsp_resource": in_dsps * rows.resource,
    }
    out = _least_squares(lut, rows.reported["lut"])
    ends = np.where(rows.resource, rows.d_out * ACCUMULATOR_BITS, rows.d_in * INPUT_BITS)
    stage = rows.reported["cycles"] > 0
    held = ~rows.resource & (rows.reuse_factor > 1) & (with_dsp > 0)
    turns = np.where(held, 1 / rows.reuse_factor, 1.0) * stage
    ff = {
        f"unrolled_ff_{what}_{strategy}": term * turns * mask
        for what, term in (("product_bit", in_luts), ("dsp", in_dsps))
        for strategy, mask in (("latency", ~rows.resource), ("resource", rows.resource))
    }
    ff["unrolled_ff_held"] = matrix * held * stage * (1 - 1 / rows.reuse_factor)
    return out | _least_squares(ff, rows.reported["ff"] - ends, rows.reported["ff"])


def _fit_shared(rows: Reports) -> dict[str, float]:
    multipliers = rows.d_in * rows.d_out / rows.reuse_factor
    each = rows.reuse_factor / rows.d_in
    many = np.array([power_of_two(float(n)) for n in rows.d_out])
    small, pair = rows.weight_bits < DSP_BITS, each == 2
    lut = {
        "shared_lut_control": np.ones(len(rows)),
        "shared_lut_input_bit": float(INPUT_BITS) * rows.d_in,
        "shared_lut_accumulator_bit": float(ACCUMULATOR_BITS) * rows.d_out,
        "shared_lut_pair_bit": ACCUMULATOR_BITS * multipliers * pair,
        "shared_lut_choice_bit": ACCUMULATOR_BITS * multipliers * many * ~pair,
        "shared_lut_small_product": multipliers * small,
    }
    out = _least_squares(lut, rows.reported["lut"])
    register = np.where(small | pair, rows.weight_bits, ACCUMULATOR_BITS) * ~(small & pair)
    rest = rows.reported["ff"] - ACCUMULATOR_BITS * rows.d_out - register * multipliers
    return out | _least_squares({"shared_ff_control": np.ones(len(rows))}, rest, rows.reported["ff"])


def _least_squares(terms: Mapping[str, Column], target: Column, scale: Column | None = None) -> dict[str, float]:
    """Fit factors of the terms with the smallest squares of errors relative to `scale`, the target where None."""
    scale = target if scale is None else scale
    matrix = np.stack([term / scale for term in terms.values()], axis=1)
    factors, *_ = np.linalg.lstsq(matrix, target / scale, rcond=None)
    return dict(zip(terms, map(float, factors), strict=True))


def relative_errors(reports: Reports, constants: Constants) -> dict[str, Column]:
    """Return relative errors of LUTs and flip-flops by strategy, in percent, of the rows whose synthesis succeeded."""
    from ..simulator import Hls4mlSimulator

    done = reports.take(reports.success)
    out: dict[str, Column] = {}
    ours = {name: np.empty(len(done)) for name in ("lut", "ff")}
    for (d_in, d_out), rows in done.shapes():
        simulator = Hls4mlSimulator(f"mlp:{d_in}-{d_out}")
        simulator.constants = constants
        answer = simulator.evaluate(design_columns(done.take(rows)))
        for name, column in ours.items():
            column[rows] = answer[name]
    for strategy, mask in (("latency", ~done.resource), ("resource", done.resource)):
        for name, column in ours.items():
            error = np.abs(column[mask] / done.reported[name][mask] - 1) * 100
            out[f"{name}, strategy {strategy}"] = np.where(np.isnan(error), 100.0, error)
    return out


def design_columns(reports: Reports) -> dict[str, Any]:
    """Return rows of one shape as columns of designs."""
    return {
        "reuse_factor": reports.reuse_factor,
        "weight_bits": reports.weight_bits,
        "strategy": np.where(reports.resource, "resource", "latency"),
        "io_type": "io_parallel",
    }


def _median(error: Column) -> float:
    return float(np.median(error)) if len(error) else float("nan")


def document(calibration: Calibration, rows: int) -> dict[str, Any]:
    """Return what `constants.json` holds."""
    errors = {"of the rows fitted to": calibration.fitted, f"of shapes left out, {PARTS} parts": calibration.left_out}
    return {
        "source": SOURCE,
        "rows": rows,
        "fit": "least squares of relative errors by chipgym.simulators.hls4ml.reference.calibrate",
        "median_error_percent": {
            of: {name: round(value, 2) for name, value in table.items()} for of, table in errors.items()
        },
        "constants": {
            name: {"value": value, "unit": MEANING[name][0], "meaning": MEANING[name][1]}
            for name, value in asdict(calibration.constants).items()
        },
    }


def main() -> None:
    """Fit to the table in a folder, and write `constants.json`."""
    parser = argparse.ArgumentParser(description="Fits the hls4ml simulator's constants to Vivado HLS reports.")
    parser.add_argument("reference", type=Path, help=f"folder with {FILE}")
    reports = read_reports(parser.parse_args().reference)
    text = json.dumps(document(calibrate(reports), len(reports)), indent=1)
    (Path(__file__).parents[1] / "tables" / "constants.json").write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
