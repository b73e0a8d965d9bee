"""`chipgym report`: one HTML file about stored searches."""

from __future__ import annotations

from typing import Annotated

import typer

from . import output


def report_runs(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...",
            help="Stores, as paths or URLs: all runs of each, or one of them by its number, as in runs/demo.db#2.",
            show_default=False,
        ),
    ],
    out: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="The HTML file; <store>.report.html where left out.", show_default=False),
    ] = None,
    workload: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="The file that the workload was loaded from, where it is no longer where the store says; repeatable.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write a report of searches that opens in a browser.

    Searches of one problem are compared in one report. It shows the front, their progress, the knobs that matter, and
    one design at a time layer by layer.
    """
    from ..search import reporting

    place = reporting.default_place(runs[0]) if out is None else out
    output.line(f"report in {reporting.report(runs, place, workload=workload or None)}")
