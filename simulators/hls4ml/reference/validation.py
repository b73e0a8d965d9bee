"""The hls4ml simulator against the tool's own rules, and against Vivado HLS reports of single dense layers.

The rules are rows of `hls4ml`/reuse_factors.csv in the reference folder, what the hls4ml package answers. The reports
are of wa-hls4ml (see `reports`), which do not ship: where they are not in the folder, a line says so and whose.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ....errors import ChipgymError, shorten
from ...core.validation import Finding, read_reference
from ..lowering.reuse import legal_reuse_factors
from ..simulator import Hls4mlSimulator
from .calibrate import design_columns
from .reports import FILE, REFERENCE, SOURCE, Reports, read_reports

RULES = Path("hls4ml", "reuse_factors.csv")
PACKAGE = "hls4ml 1.3.0"
#: Errors (SMAPE, %) and R² that wa-hls4ml publishes of its graph network, and errors of its transformer, by our metric.
PEERS = {
    "bram18": (19.5, 0.51, 14.1), "dsp": (15.1, 0.89, 10.8), "ff": (11.6, 0.74, 2.9), "lut": (11.4, 0.73, 2.9),
    "cycles": (15.7, 0.89, 10.1), "initiation_interval": (13.4, 0.91, 14.1),
}  # fmt: skip

Column = np.ndarray[Any, np.dtype[Any]]


def validate(reference: Path) -> Sequence[Finding]:
    """Measure how far the simulator is from the package's rules and the reports in `reference`, as far as they exist.

    Raises:
        ChipgymError: where neither is there, or a table is malformed.
    """
    rules, reports = (reference / RULES).exists(), (reference / FILE).exists()
    if not rules and not reports:
        raise ChipgymError(f"reference: there is neither {reference / RULES} nor {reference / FILE}")
    found = [_rules(reference / RULES)] if rules else []
    if not reports:
        return [
            *found,
            Finding("Vivado HLS reports", np.nan, "", 0, REFERENCE, f"not in the folder; they are {SOURCE}"),
        ]
    rows = read_reports(reference)
    ours = simulate(rows)
    return [*found, *_exact(rows, ours), *_fitted(rows, ours), _success(rows, ours), *_peers(rows, ours)]


def simulate(reports: Reports) -> dict[str, Column]:
    """Return our metrics and `feasible` of each row, (n,)."""
    out = {name: np.empty(len(reports)) for name in (*reports.reported, "feasible")}
    for (d_in, d_out), rows in reports.shapes():
        answer = Hls4mlSimulator(f"mlp:{d_in}-{d_out}").evaluate(design_columns(reports.take(rows)))
        for name, column in out.items():
            column[rows] = answer[name]
    return out


def _rules(path: Path) -> Finding:
    rows = read_reference(path)
    try:
        shapes = [(int(row["n_in"]), int(row["n_out"])) for row in rows]
        theirs = [tuple(map(int, row["legal"].split())) for row in rows]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ChipgymError(f"reference: {path} is not a table of reuse factors ({shorten(str(error))})") from None
    off = sum(legal_reuse_factors(*shape) != legal for shape, legal in zip(shapes, theirs, strict=True))
    figure = off / max(len(rows), 1) * 100
    return Finding("legal reuse factors", figure, "% of shapes differ", len(rows), PACKAGE)


def _shared(reports: Reports) -> Column:
    return reports.success & reports.resource & (reports.reuse_factor > 1)


def _exact(reports: Reports, ours: dict[str, Column]) -> list[Finding]:
    """Count the rows that differ in what follows from rules; "shared" is strategy resource, reuse factor above 1."""
    shared = _shared(reports)
    wide = shared & (reports.weight_bits >= 8)
    whole = reports.success & (reports.reuse_factor == 1)
    compared = (
        ("initiation_interval", shared, 0, "shared", ""),
        ("cycles", shared, 0, "shared", ""),
        ("dsp", wide, 0, "shared, 8 bits or more", "weights of fewer bits are multiplied by in LUTs"),
        ("bram18", shared, 1, "shared", "a difference of one block is none"),
        ("cycles", whole, 0, "reuse factor 1", ""),
    )
    return [
        Finding(
            f"{name}, {where}",
            float(np.mean(np.abs(ours[name] - reports.reported[name])[rows] > slack) * 100),
            "% of rows differ",
            int(rows.sum()),
            REFERENCE,
            note,
        )
        for name, rows, slack, where, note in compared
    ]


def _fitted(reports: Reports, ours: dict[str, Column]) -> list[Finding]:
    """Compare what constants were fitted to, on these very rows: `constants.json` has the errors of shapes left out."""
    found = []
    for strategy, mask in (("latency", ~reports.resource), ("resource", reports.resource)):
        rows = mask & reports.success
        for name in ("lut", "ff"):
            error = np.abs(ours[name][rows] / reports.reported[name][rows] - 1) * 100
            figure = float(np.median(np.where(np.isnan(error), 100.0, error)))
            what = f"{name}, strategy {strategy}"
            note = "constants were fitted to these rows"
            found.append(Finding(what, figure, "% median error", int(rows.sum()), REFERENCE, note))
    return found


def _success(reports: Reports, ours: dict[str, Column]) -> Finding:
    right = (ours["feasible"] > 0) == reports.success
    balanced = np.mean([right[reports.success].mean(), right[~reports.success].mean()]) * 100
    note = "balanced: the mean over rows that were built and rows that were not"
    return Finding("whether synthesis succeeds", float(balanced), "% right", len(reports), REFERENCE, note)


def _peers(reports: Reports, ours: dict[str, Column]) -> list[Finding]:
    """Return the errors that surrogates are measured by, on rows that both sides call built."""
    both = reports.success & (ours["feasible"] > 0)
    found = []
    for name, (graph, graph_r2, transformer) in PEERS.items():
        y, x = reports.reported[name][both], ours[name][both]
        smape = float(np.mean(200 * np.abs(y - x) / (np.abs(y) + np.abs(x) + 1)))
        r2 = 1 - float(((y - x) ** 2).sum() / ((y - y.mean()) ** 2).sum())
        note = (
            f"R² {r2:.4f}; published on another test set (deeper synthetic networks): graph network {graph} % and "
            f"R² {graph_r2}, transformer {transformer} %"
        )
        found.append(Finding(f"{name}, SMAPE", smape, "%", int(both.sum()), REFERENCE, note))
    return found
