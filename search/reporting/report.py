"""Writing a report: what there is to say, put into the page, in one file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ...durable import check_writable, durable_file, output_file, writing
from ...errors import ChipgymError
from .document import document
from .page import page
from .runs import Source, gather, place_name


def report(
    results: Source | Sequence[Source],
    path: str | os.PathLike[str],
    *,
    workload: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
) -> Path:
    """Write one self-contained HTML file about one or several searches of a problem.

    It opens without a network. It has the trade-off or Pareto front, the search's progress, parallel coordinates, the
    importance of knobs, and the commands that make the runs again. Where its simulator tells layers apart, a chosen
    design is there layer by layer and on a roofline.

    Args:
        results: what `optimize` returned, or a store as a path or URL (all of its runs; the one whose number follows a
            "#", as in "runs/demo.db#2"), or a list of these.
        path: of the file, replaced where there is one; its folders are made.
        workload: the file that the workload was loaded from, or a list of several workloads' names and files, for a run
            read from a store where it is no longer where it was.

    Returns:
        The file's path.

    Raises:
        ChipgymError: plotly is not installed; there is no such run, or it has no evaluations; runs of different
            problems, or of another version of their simulator; the file cannot be written. Nothing is written then.
    """
    place = output_file(path, "report.html", any_suffix=True)
    runs = gather(results)
    stores = {Path(r.store).absolute() for r in runs.results if r.store and "://" not in r.store}
    if place.absolute() in stores:
        raise ChipgymError(f"out: {place} is the store; choose another file")
    check_writable(place)
    content = page(document(runs, _names(workload)))
    with writing(place), durable_file(place) as file:
        file.write(content.encode(errors="replace"))  # half of a letter, as a file's name may have
    return place


def _names(workload: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None) -> tuple[str, ...]:
    given = [] if workload is None else [workload] if isinstance(workload, str | os.PathLike) else list(workload)
    return tuple(os.fspath(place) for place in given)


def default_place(source: Source) -> Path:
    """Return where the report of a run belongs: beside its store's file, in runs/ where that is no file."""
    place = place_name(source)
    return Path("runs", "report.html") if "://" in place else Path(f"{os.path.expanduser(place)}.report.html")
