"""What a study leaves in its folder for others: a table of its runs, and a report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...durable import check_writable, durable_file, output_file, writing
from ..agents.settings import number
from .figures import document
from .storage import RUNS
from .study import CLOSE, Study

if TYPE_CHECKING:
    import pandas


def write_runs(study: Study, path: str | os.PathLike[str]) -> pandas.DataFrame:
    """Write `Study.runs`, one row per search and budget, as a Parquet file, and return it.

    Raises:
        ChipgymError: where it cannot be written.
    """
    place = output_file(path, RUNS)
    check_writable(place)
    table = study.runs()
    with writing(place), durable_file(place) as file:
        table.to_parquet(file, index=False, compression="zstd")
    return table


def write_study_report(
    study: Study, path: str | os.PathLike[str], *, command: Sequence[str] = (), within: float = CLOSE
) -> Path:
    """Write one self-contained HTML file about a study, which opens without a network.

    It has gaps with bootstrap intervals, regret over evaluations, evaluations until near the optimum, performance
    profiles, a critical-difference diagram, defaults against tuned agents, and components of the variance.

    Args:
        study: what it is about.
        path: of the file, replaced where there is one; its folders are made.
        command: that makes the study, word by word, to be shown.
        within: relative regret up to which a search counts as having come to the optimum, from 0 to 1.

    Returns:
        The file's path.

    Raises:
        ChipgymError: `within` is out of its range, plotly is not installed, or the file cannot be written. Nothing is
            written then.
    """
    from ..reporting.page import page

    within = number("within", within, high=1.0)
    place = output_file(path, "study.html", any_suffix=True)
    check_writable(place)
    content = page(document(study, command, within), "study")
    with writing(place), durable_file(place) as file:
        file.write(content.encode(errors="replace"))
    return place
