"""`chipgym collect`: evaluates a design space into a table, in parts that a killed run goes on from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import ChipgymError
from . import output, parse
from .options import Json, SimulatorName, SimulatorOptions, SpaceRestrictions
from .progress import CollectReport

if TYPE_CHECKING:
    from ..search import Collection


def collect_designs(
    simulator: SimulatorName,
    out: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="The table, a .parquet file; of several workloads a folder with a table of each.",
            show_default=False,
        ),
    ],
    workload: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A named workload, a shorthand such as mlp:16-64-5, or a file; the simulator's default where left out."
            " Repeatable: a table of each.",
            show_default=False,
        ),
    ] = None,
    exhaustive: Annotated[bool, typer.Option("--exhaustive", help="Evaluate every canonical design.")] = False,
    samples: Annotated[
        int | None,
        typer.Option(
            "--samples",
            "--n",
            metavar="N",
            help="Evaluate this many different designs (of each workload).",
            show_default=False,
        ),
    ] = None,
    agents: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Agents that propose the samples, as in random,nsga2; uniform draws where left out.",
            show_default=False,
        ),
    ] = None,
    objective: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT",
            help="What the agents search for, such as edp; repeatable for Pareto search; the simulator's default where"
            " left out.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed draws the same samples.")] = 0,
    space: SpaceRestrictions = None,
    option: SimulatorOptions = None,
    jobs: Annotated[int, typer.Option(metavar="N", help="Processes that search and evaluate.")] = 1,
    json: Json = False,
) -> None:
    """Collect evaluated designs into a table.

    A collection that was interrupted or killed goes on where it was when the same command runs again, to the same file.
    """
    from ..search import collect
    from ..simulators import make_simulator

    if exhaustive == (samples is not None):
        raise ChipgymError("--samples: give either --exhaustive or --samples N")
    settings = parse.simulator_settings(simulator, option or ())
    several = workload if workload and len(workload) > 1 else None
    first = workload[0] if workload else None
    made = make_simulator(simulator, first, **settings)
    restrictions = parse.restrictions(made, space or ())
    each = made.space.narrow(restrictions).canonical_size if samples is None else samples
    report = CollectReport(len(several or (first,)) * each)
    try:
        with report:
            found = collect(
                simulator,
                out,
                workload=several or first,
                samples=samples,
                seed=seed,
                agents=None if agents is None else [name.strip() for name in agents.split(",")],
                objective=objective or None,
                space=restrictions,
                jobs=jobs,
                callback=report,
                **settings,
            )
    except KeyboardInterrupt:
        raise output.UserInterruptError(_what_is_safe(report, out)) from None
    tables = found if isinstance(found, tuple) else (found,)
    if json:
        each_of = [_document(table) for table in tables]
        output.as_json({"out": out, "tables": each_of} if len(tables) > 1 else each_of[0])
        return
    for table in tables:
        output.line(_summary(table))
    if len(tables) > 1 and all(table.header.knobs == tables[0].header.knobs for table in tables):
        output.line(f"train a model on them with: chipgym train {out} --out model.npz")
    elif len(tables) > 1:  # a model is of one space
        output.line("their workloads have knobs of their own: train a model on each table")
    elif exhaustive:  # a search would soon ask for a design that was not drawn
        output.line(f"search it with: chipgym search tabular --workload {tables[0].path}")


def _what_is_safe(report: CollectReport, out: str) -> str:
    from ..search.collecting import parts_folder

    done = f"{report.last.done:,} of {report.last.total:,} designs are" if report.last else "what was evaluated is"
    return f"{done} safe in {parts_folder(out)}; the same command goes on from there"


def _summary(done: Collection) -> str:
    size = done.path.stat().st_size
    new = f"{done.evaluated:,} of them evaluated now" if done.evaluated else "there already"
    return f"{done.designs:,} designs ({new}) in {done.path}, {size:,} bytes, content {done.digest[:16]}…"


def _document(done: Collection) -> dict[str, Any]:
    return {
        **done.header.identity,
        "designs": done.designs,
        "evaluated": done.evaluated,
        "out": str(done.path),
        "bytes": done.path.stat().st_size,
        "digest": done.digest,
    }
