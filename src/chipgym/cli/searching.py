"""`chipgym search`: runs an agent on a problem, keeps every evaluation, and shows what it found."""

from __future__ import annotations

import hashlib
import json as json_text
import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..durable import check_writable, output_file
from ..errors import ChipgymError
from . import output, parse
from .designs import print_designs, write_designs
from .options import (
    BackendName,
    Constraints,
    Json,
    RayAddress,
    RayWorkers,
    SimulatorName,
    SimulatorOptions,
    SpaceRestrictions,
    WorkloadNames,
)
from .progress import ProgressReport

if TYPE_CHECKING:
    from ..search import SearchResult
    from ..simulators import Problem


def search_designs(
    simulator: SimulatorName,
    workload: WorkloadNames = None,
    objective: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WHAT",
            help="What to minimise: a preset such as edp, a metric, products, sums; repeat for a Pareto front.",
            show_default=False,
        ),
    ] = None,
    constraint: Constraints = None,
    space: SpaceRestrictions = None,
    agent: Annotated[str, typer.Option(metavar="NAME", help="See `chipgym list agents`.")] = "auto",
    agent_option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="A setting of the agent, such as population_size=20; repeatable.",
            show_default=False,
        ),
    ] = None,
    budget: Annotated[int, typer.Option(metavar="N", help="How many designs to evaluate.")] = 1000,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed gives the same search.")] = 0,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="SQLite file or database URL; where left out, a file in runs/ that belongs to this very problem.",
            show_default=False,
        ),
    ] = None,
    start: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KNOB=VALUE,…",
            help="A design to begin with, as in rows=64,cols=32; repeatable. Another start is another search.",
            show_default=False,
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Stop after this long; the same command goes on.", show_default=False),
    ] = None,
    jobs: Annotated[int, typer.Option(metavar="N", help="Processes that evaluate designs.")] = 1,
    backend: BackendName = "process",
    workers: RayWorkers = None,
    address: RayAddress = None,
    catch: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="An exception of the simulator, such as ValueError or package.module:CrashError, that makes a design"
            " infeasible instead of ending the search; repeatable.",
            show_default=False,
        ),
    ] = None,
    option: SimulatorOptions = None,
    csv: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Where the found designs go; <store>.pareto.csv where left out.", show_default=False
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Search a simulator's design space.

    A search that was interrupted, and one whose budget is raised, goes on where its store ends.
    """
    from ..search import agent_options, optimize

    problem = _problem(simulator, workload, objective, constraint, space, option)
    begin, caught = parse.start(problem.simulator, start or ()), parse.exceptions(catch or ())
    settings = parse.settings("--agent-option", agent_option or (), agent_options(agent), agent)
    # A store has one problem: the digest keeps apart those that differ in what the name does not say, as do those that
    # an agent with other settings finds, each in a file of its own.
    name = f"{simulator}-{_slug(problem.simulator.workload.name)}-{agent}-{seed}-{problem.digest[:8]}{_mark(settings)}"
    store = str(Path("runs", f"{name}.db")) if store is None else store
    if store and "://" not in store:
        store = os.path.expanduser(store)
    field = "--csv" if csv is not None or "://" in store else "--store"
    table = _writable(field, _beside(store, name) if csv is None else Path(os.path.expanduser(csv)), store)
    report = ProgressReport(tuple(o.name for o in problem.objectives), budget)
    try:
        with report:
            result = optimize(
                problem,
                agent,
                budget,
                seed,
                store,
                agent_options=settings or None,
                callback=report,
                start=begin or None,
                timeout=timeout,
                jobs=jobs,
                catch=caught,
                backend=backend,
                workers=workers,
                address=address,
            )
    except KeyboardInterrupt:
        raise output.UserInterruptError(_what_is_safe(report, _without_password(store))) from None
    try:
        write_designs(table, result)
        unwritten = None
    except ChipgymError as error:  # a search that took hours is shown all the same
        unwritten = error
    if json:
        output.as_json({**result.to_dict(), "csv": None if unwritten else str(table)})
    else:
        _print(result, problem, None if unwritten else table)
    if unwritten:
        raise unwritten


def _print(result: SearchResult, problem: Problem, table: Path | None) -> None:
    print_designs(result, problem)
    output.line("")
    output.line(f"{result.evaluations:,} designs evaluated (stopped: {result.stopped}); all of them in {result.store}")
    for sentence in result.explanation:
        output.line(sentence)
    if result.failed:
        example = result.failed[0]
        named = ", ".join(f"{name}={value}" for name, value in example.design.items())
        several = f"{len(result.failed):,} designs have" if len(result.failed) > 1 else "1 design has"
        output.line(f"{several} no metrics, such as {named}: {example.reason}")
    if result.stopped == "timeout":
        output.line("the same command goes on from there")
    if table is not None:
        output.line(f"{_counted(result)} in {table}")
    if result.store and "://" not in result.store:
        output.line(f"to see it: {shlex.join(['chipgym', 'report', result.store])}")


def _problem(
    simulator: str,
    workload: list[str] | None,
    objective: list[str] | None,
    constraint: list[str] | None,
    space: list[str] | None,
    option: list[str] | None,
) -> Problem:
    from ..simulators import bind_problem, make_simulator

    made = make_simulator(simulator, workload or None, **parse.simulator_settings(simulator, option or ()))
    return bind_problem(
        made,
        objective=objective or None,
        constraints=constraint or (),
        space=parse.restrictions(made, space or ()),
    )


def _mark(settings: Mapping[str, Any]) -> str:
    """Return what tells an agent's settings apart in a file name; nothing where none are given."""
    if not settings:
        return ""
    return "-" + hashlib.sha256(json_text.dumps(settings, sort_keys=True).encode()).hexdigest()[:4]


def _slug(name: str) -> str:
    """Write a workload's name as part of a file name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:80] or "workload"


def _beside(store: str, name: str) -> Path:
    return Path("runs", f"{name}.pareto.csv") if "://" in store else Path(f"{store}.pareto.csv")


def _writable(field: str, path: Path, store: str) -> Path:
    """Return the path, where a file can be written now: hours of search must not end at a table without a place.

    Raises:
        ChipgymError: naming the field that it follows from, where it is a folder, a device or the store itself, or no
            file can be made there.
    """
    place = output_file(path, "designs.csv", field, any_suffix=True)
    if place.absolute() == Path(store).absolute():
        raise ChipgymError(f"{field}: {place} is the store; choose another file")
    check_writable(place, field)
    return place


def _what_is_safe(report: ProgressReport, store: str) -> str:
    done = report.last.evaluations if report.last else 0
    # A batch may have been stored since the last report, so that the store can have a few more.
    safe = f"{done:,} designs or more are safe in {store}" if done else f"what was evaluated is safe in {store}"
    return f"{safe}; the same command goes on from there"


def _without_password(store: str) -> str:
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", store)


def _counted(result: SearchResult) -> str:
    n = len(result.pareto)
    if not n:
        return "no feasible design; the nearest miss"
    return "the best design" if n == 1 else f"{n:,} Pareto-optimal designs"
