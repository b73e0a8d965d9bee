"""`chipgym serve`: offers problems to programs that are not written in Python, language models first of all."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Annotated, Any

import typer

from ..errors import ChipgymError, count
from . import parse
from .options import SimulatorOptions, SpaceRestrictions, WorkloadNames
from .output import note


def serve_problems(
    mcp: Annotated[
        bool, typer.Option("--mcp", help="The Model Context Protocol over standard input and output.")
    ] = False,
    simulator: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Serve one problem on this simulator; clients choose where left out.",
            show_default=False,
        ),
    ] = None,
    workload: WorkloadNames = None,
    option: SimulatorOptions = None,
    objective: Annotated[
        list[str] | None,
        typer.Option(metavar="WHAT", help="What that problem minimises; repeatable.", show_default=False),
    ] = None,
    constraint: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="A limit of that problem; repeatable.", show_default=False)
    ] = None,
    space: SpaceRestrictions = None,
    budget: Annotated[int, typer.Option(metavar="N", help="How many designs may be evaluated in all.")] = 1000,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="SQLite file or database URL that keeps that problem's evaluations; a later server goes on from it.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve simulators to a language model or another program."""
    if not mcp:
        raise ChipgymError(
            "serve: say by which protocol; --mcp serves the tools list, describe, evaluate, explain, pareto, history "
            "and search by the Model Context Protocol over standard input and output"
        )
    limit = count("--budget", budget)
    pinned = None
    if simulator is None:
        given: dict[str, object] = {
            "--workload": workload,
            "--option": option,
            "--objective": objective,
            "--constraint": constraint,
        }
        given |= {"--space": space, "--store": store}
        for flag, value in given.items():
            if value:
                raise ChipgymError(f"{flag}: belongs to one problem; --simulator names its simulator")
    else:
        pinned = _request(simulator, workload, option, objective, constraint, space)
    problems, serve = _library()
    place = store if store is None or "://" in store else os.path.expanduser(store)
    with contextlib.redirect_stdout(sys.stderr):  # what a simulator prints is no part of the protocol
        made = problems.Problems(problems.Budget(limit), pinned, place)
    if sys.stdin.isatty():
        note("serving the Model Context Protocol on standard input and output: a program is meant to speak it")
    serve(made)


def _request(
    simulator: str,
    workload: list[str] | None,
    option: list[str] | None,
    objective: list[str] | None,
    constraint: list[str] | None,
    space: list[str] | None,
) -> dict[str, Any]:
    """Write the problem of the command line as a client would."""
    from ..simulators import make_simulator

    options = parse.simulator_settings(simulator, option or ())
    grids = {}
    if space:
        grids = parse.restrictions(make_simulator(simulator, workload or None, **options), space)
    return {
        "simulator": simulator,
        "workload": workload,
        "options": options,
        "objective": objective,
        "constraints": constraint,
        "space": grids,
    }


def _library() -> tuple[Any, Any]:
    """Import the server.

    Raises:
        ChipgymError: where the `mcp` package is not installed.
    """
    try:
        from ..mcp import problems
        from ..mcp.server import serve
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("chipgym"):
            raise
        raise ChipgymError(f"--mcp: needs {error.name}, which is not installed; pip install 'chipgym[mcp]'") from None
    return problems, serve
