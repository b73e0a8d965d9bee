"""The HLS simulator against reports of Merlin with SDx and Vitis HLS, row by row of the reference tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...core.validation import Finding
from ..simulator import HlsSimulator
from .figures import Predicted, figures
from .reports import DEVICE, FOLDER, HARP, RESOURCES, TOOLS, Reports, read_reports

REFERENCE = "Merlin with {}"
SEEN = "constants are fitted on these rows; docs/hls.md has the errors on kernel families left out"
ABSENT = (
    f"its reports are not part of this project; --reference DIR with {FOLDER / HARP} of UCLA-VAST's HARP compares them"
)
_TITLES = {ours: theirs.replace("Vitis", "Vitis ").replace("SDx", "SDx ") for theirs, ours in TOOLS.items()}


def predict(reports: Reports) -> Predicted:
    """Return what the simulator says of reference rows."""
    sim = HlsSimulator(reports.kernel, tool=reports.tool, device=DEVICE)
    out = sim.evaluate(dict(reports.knobs))
    return Predicted(reports, out["cycles"], {r: np.asarray(out[f"{r}_utilization"]) for r in RESOURCES})


def validate(reference: Path) -> Sequence[Finding]:
    """Measure how far the simulator is from the reports in `reference`/fpga, by tool.

    The reports are others' and no part of this project: without that folder nothing is compared, and a finding says so.

    Raises:
        ChipgymError: the table is missing from the folder, or malformed.
    """
    if not (reference / FOLDER).is_dir():
        return [Finding("cycles and resources", math.nan, "", 0, REFERENCE.format("SDx and Vitis HLS"), ABSENT)]
    predicted = [predict(r) for r in read_reports(reference, HARP)]
    findings: list[Finding] = []
    for tool, title in _TITLES.items():
        mine = [p for p in predicted if p.reports.tool == tool]
        if not mine:
            continue
        found, against = figures(mine), REFERENCE.format(title)
        rows, labelled = found.rows, sum(p.reports.n for p in mine)
        findings += [
            Finding(f"{tool}: cycles, median error", found.median_error, "%", rows, against, SEEN),
            Finding(f"{tool}: cycles, RMSE of log2(1e7/cycles)/2", found.rmse, "", rows, against),
            Finding(f"{tool}: cycles, median Spearman of a kernel", found.spearman, "", rows, against),
            Finding(f"{tool}: feasible, balanced accuracy", found.balanced_accuracy, "%", labelled, against),
        ]
        for resource, error in found.utilization.items():
            quantity = f"{tool}: {resource} utilisation where reported, RMSE"
            findings.append(Finding(quantity, 100 * error, "% of device", rows, against))
    return findings
