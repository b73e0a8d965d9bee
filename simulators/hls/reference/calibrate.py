"""Fits `tools.json` to reports of the tools, and prints the error, also on kernel families left out.

    python -m chipgym.simulators.hls.reference.calibrate REFERENCE [--write] [--no-cross-validation]

REFERENCE holds `fpga/merlin_vitis_bsd3.parquet` (HARP and GNN-DSE) and `fpga/hlsyn_ccbysa.parquet` (HLSyn).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from ....datasets import build_kernel
from ...fpga import load_fpga_device
from ...fpga.formulas.program import make_program
from ...fpga.formulas.terms import Term
from ..lowering.nest import make_nest
from ..model.latency import schedule
from ..model.resources import use
from ..tables.tools import Tool, load_tool, tool_names
from .calibration import calibrate, cross_validate, samples
from .figures import Figures, Predicted, figures
from .reports import DEVICE, HARP, HLSYN, Reports, read_reports

TABLE = Path(__file__).parents[1] / "tables" / "tools.json"


def predict(reports: Reports, tool: Tool) -> Predicted:
    """Return what the model with a tool's constants says of some rows."""
    nest, total = make_nest(build_kernel(reports.kernel)), load_fpga_device(DEVICE).resources
    knobs = reports.numbers()

    def make(terms: Mapping[str, Term]) -> dict[str, Term]:
        done = schedule(nest, terms, tool)
        return use(nest, done, tool) | {"cycles": done.cycles}

    out = make_program(tuple(knobs), make).run(knobs, reports.n)
    cycles = out.pop("cycles")
    return Predicted(reports, cycles, {name: column / total[name] for name, column in out.items()})


def show(title: str, found: Figures) -> None:
    """Write a line of figures."""
    shares = ", ".join(f"{r} {e:.3f} ({found.censored[r]:.0f} %)" for r, e in found.utilization.items())
    sys.stdout.write(
        f"{title}: {found.rows} rows, cycles {found.median_error:.1f} % median, RMSE {found.rmse:.3f}, "
        f"Spearman {found.spearman:.2f}, feasible {found.balanced_accuracy:.0f} %; utilisation {shares}\n"
    )
    sys.stdout.flush()


def by_kernel(fitted: list[Predicted], left_out: list[Predicted]) -> str:
    """Return the errors of cycles on valid rows by kernel and tool: fitted, and with the kernel's family left out."""
    lines = ["| kernel | tool | rows | median error | RMSE | Spearman |", "| --- | --- | --- | --- | --- | --- |"]
    for mine, other in zip(fitted, left_out, strict=True):
        if not len(mine.gap):
            continue
        rmse = [float((p.gap**2).mean() ** 0.5) for p in (mine, other)]
        rank = mine.spearman()
        lines.append(
            f"| {mine.reports.kernel} | {mine.reports.tool} | {len(mine.gap)} "
            f"| {mine.median_error():.0f}, {other.median_error():.0f} % | {rmse[0]:.2f}, {rmse[1]:.2f} "
            f"| {'' if rank != rank else f'{rank:.2f}, {other.spearman():.2f}'} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Fit, say how far off the result is, and write `tools.json` if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reference", type=Path)
    parser.add_argument("--write", action="store_true", help="write tools.json")
    parser.add_argument("--no-cross-validation", action="store_true")
    parser.add_argument("--kernels", type=Path, help="file for a table of errors by kernel and tool, in Markdown")
    args = parser.parse_args()
    harp, hlsyn = read_reports(args.reference, HARP), read_reports(args.reference, HLSYN)
    seen = {r.kernel for r in harp}
    reports = harp + [r for r in hlsyn if r.kernel not in seen]
    data = json.loads(TABLE.read_text(encoding="utf-8"))
    fitted, left_out = [], []
    for name in tool_names():
        group = samples(reports, name)
        tool = calibrate(group, load_tool(name))
        data["tools"][name] |= {k: tool.identity()[k] for k in ("fitted", "prices")}
        others = {} if args.no_cross_validation else cross_validate(group, load_tool(name))
        mine = [r for r in harp if r.tool == name]
        fitted += [predict(r, tool) for r in mine]
        left_out += [predict(r, others.get(r.family, tool)) for r in mine]
        show(f"{name} fitted", figures(fitted[-len(mine) :]))
        if others:
            show(f"{name} families left out", figures(left_out[-len(mine) :]))
    show("all fitted", figures(fitted))
    if not args.no_cross_validation:
        show("all families left out", figures(left_out))
        found = figures(left_out)
        data["cross_validation"] = {
            "rows": found.rows, "median_error_percent": round(found.median_error, 1), "rmse": round(found.rmse, 3),
            "spearman": round(found.spearman, 3),
            "utilization_rmse": {k: round(v, 3) for k, v in found.utilization.items()},
        }  # fmt: skip
    if args.kernels:
        args.kernels.write_text(by_kernel(fitted, left_out), encoding="utf-8")
    if args.write:
        TABLE.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
