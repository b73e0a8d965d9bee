"""`chipgym compare`: agents and option sets on problems, many seeds each, measured against the optimum."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import ChipgymError, shorten
from . import output, parse
from .options import BackendName, Constraints, Json, RayAddress, RayWorkers, SimulatorOptions, SpaceRestrictions
from .progress import CompareReport

if TYPE_CHECKING:
    from ..search.study import ProblemFile, Study

# Agents and option sets that the screen shows, the best first.
MOST_ROWS = 30


def compare_agents(
    simulator: Annotated[
        str | None,
        typer.Argument(
            metavar="SIMULATOR",
            help="A registered simulator; see `chipgym list simulators`. Left out with --problems.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        str,
        typer.Option(metavar="DIR", help="The study's folder: its searches, runs.parquet and report.html."),
    ] = "",
    workload: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A named workload, a shorthand, or a file; the simulator's default where left out. Repeatable: each is"
            " a problem.",
            show_default=False,
        ),
    ] = None,
    objective: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WHAT", help="What to minimise, such as edp. Repeatable: each is a problem.", show_default=False
        ),
    ] = None,
    constraint: Constraints = None,
    space: SpaceRestrictions = None,
    option: SimulatorOptions = None,
    problems: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Problems from a JSON or TOML file instead.", show_default=False),
    ] = None,
    agents: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Agents, as in random,nsga2; see `chipgym list agents`. Those of --options where left out.",
            show_default=False,
        ),
    ] = None,
    options: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Hyperparameters, JSON or TOML: by agent a list of option sets, or a grid; and `budget` by agent,"
            " beyond which it is not searched.",
            show_default=False,
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(metavar="N", help="Searches of each agent and option set on a problem.")] = 10,
    budget: Annotated[
        str,
        typer.Option(metavar="N,…", help="Evaluations of a search; several, as in 20,50,200, are compared at each."),
    ] = "100",
    no_optimum: Annotated[
        bool, typer.Option("--no-optimum", help="Compare with the best that any search finds, not with the optimum.")
    ] = False,
    most_designs: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="How many designs a simulator may evaluate for the optimum; 1,000,000 where left out.",
            show_default=False,
        ),
    ] = None,
    within: Annotated[
        float,
        typer.Option(metavar="SHARE", help="Regret up to which a search counts as having come to the optimum."),
    ] = 0.01,
    jobs: Annotated[int, typer.Option(metavar="N", help="Processes that search.")] = 1,
    backend: BackendName = "process",
    workers: RayWorkers = None,
    address: RayAddress = None,
    json: Json = False,
) -> None:
    """Compare agents on problems whose optimum is known.

    A comparison that was interrupted or killed goes on where it was when the same command runs again.
    """
    from ..search.agents.settings import number
    from ..search.reporting.page import plotly_script
    from ..search.study import read_options, run_study
    from ..search.study.results import write_runs, write_study_report
    from ..search.study.storage import REPORT, RUNS
    from ..search.study.study import CLOSE

    if not out:
        raise ChipgymError("--out: give a folder for the study, such as runs/study")
    named = None if agents is None else [name.strip() for name in agents.split(",")]
    sets, limits = read_options(options, named) if options is not None else ({}, {})
    chosen = list(sets) if named is None else named
    if not chosen:
        raise ChipgymError("--agents: give the agents to compare, as in random,nsga2")
    found = _problems(simulator, workload, objective, constraint, space, option, problems)
    budgets = [_budget(text) for text in budget.split(",")]
    within = number("--within", within, high=1.0)
    plotly_script()  # hours of searches must not end at a report that cannot be written
    report = CompareReport()
    try:
        with report:
            study = run_study(
                found.problems,
                out,
                agents=chosen,
                seeds=seeds,
                budget=budgets,
                agent_options=sets,
                agent_budgets=limits,
                jobs=jobs,
                backend=backend,
                workers=workers,
                address=address,
                callback=report,
                optimum=not no_optimum,
                most_designs=most_designs,
                best_known=found.best_known if no_optimum else None,
            )
    except KeyboardInterrupt:
        raise output.UserInterruptError(_what_is_safe(report, out)) from None
    except ChipgymError as error:
        said = str(error).replace("optimum=False", "--no-optimum").replace("most_designs=", "--most-designs ")
        raise ChipgymError(said.replace("most_designs:", "--most-designs:")) from error
    place = Path(os.path.expanduser(out))
    table = write_runs(study, place / RUNS)
    flags = {
        "workload": workload,
        "objective": objective,
        "constraint": constraint,
        "space": space,
        "option": option,
        "problems": problems,
        "agents": agents,
        "options": options,
        "seeds": seeds,
        "budget": budget,
        "no-optimum": no_optimum,
        "most-designs": most_designs,
        "within": None if within == CLOSE else within,
        "out": out,
    }
    write_study_report(study, place / REPORT, command=_command(simulator, flags), within=within)
    if json:
        output.as_json(_document(study, len(table), place))
    else:
        _print(study, len(table), place, within)


def _command(simulator: str | None, flags: Mapping[str, Any]) -> list[str]:
    """Spell the command word by word; how many processes made a study is no part of it."""
    words = ["chipgym", "compare", *([] if simulator is None else [simulator])]
    for name, value in flags.items():
        if value is True:
            words.append(f"--{name}")
        elif value not in (None, False):
            for one in value if isinstance(value, list) else [value]:
                words += [f"--{name}", str(one)]
    return words


def _problems(
    simulator: str | None,
    workload: list[str] | None,
    objective: list[str] | None,
    constraint: list[str] | None,
    space: list[str] | None,
    option: list[str] | None,
    file: str | None,
) -> ProblemFile:
    """Make the problems: those of a file, or each workload with each objective."""
    from ..search.study import ProblemFile, named_problems, read_problems
    from ..simulators import bind_problem, make_simulator

    if file is not None:
        beside = [simulator, workload, objective, constraint, space, option]
        if any(part for part in beside):
            raise ChipgymError(
                f"--problems: {shorten(file)} says simulators, workloads, objectives, constraints, spaces and options; "
                "leave the others out"
            )
        return read_problems(file)
    if simulator is None:
        raise ChipgymError("SIMULATOR: give one, such as systolic, or --problems FILE")
    settings = parse.simulator_settings(simulator, option or ())
    made = [make_simulator(simulator, name, **settings) for name in workload or (None,)]
    found = [
        bind_problem(
            one,
            objective=what,
            constraints=constraint or (),
            space=parse.restrictions(one, space or ()),
        )
        for one in made
        for what in objective or (None,)
    ]
    return ProblemFile(named_problems(found), {})


def _budget(text: str) -> int:
    value = parse.number(text)
    if not isinstance(value, int):
        raise ChipgymError(f"--budget: {shorten(text)} is not a whole number from 1, or several as in 20,50,200")
    return value


def _what_is_safe(report: CompareReport, out: str) -> str:
    done = f"{report.last.done:,} of {report.last.total:,} searches" if report.last else "what was searched"
    return f"{done} are safe in {out}; the same command goes on from there"


def _print(study: Study, runs: int, place: Path, within: float) -> None:
    from ..search.study.storage import REPORT, RUNS
    from ..search.study.study import closeness

    gaps = study.gaps(study.budgets)
    close = closeness(within)
    rows: list[tuple[str, int, float, float]] = []
    for number, one in enumerate(study.configurations):
        mine = gaps[:, number, :, study.budgets.index(one.budget)]
        rows.append((one.label, one.budget, float(mine.mean()), float((mine <= close).mean())))
    rows.sort(key=lambda row: (-row[1], row[2]))
    known = "the optimum" if all(t.exact for t in study.truths.values()) else "the best that was found"
    several = f"{len(study.truths)} problems, " if len(study.truths) > 1 else ""
    output.table(
        ["agent", "budget", "mean gap (decades)", f"within {100 * within:g} %"],
        [[label, budget, f"{gap:.4f}", f"{share:.0%}"] for label, budget, gap, share in rows[:MOST_ROWS]],
        title=f"{several}{study.seeds} seeds: gap to {known}",
    )
    if len(rows) > MOST_ROWS:
        output.line(f"and {len(rows) - MOST_ROWS:,} more")
    output.line("")
    output.line(f"{len(study.searches):,} searches; {runs:,} runs (of a search up to a budget) in {place / RUNS}")
    output.line(f"report in {place / REPORT}")


def _document(study: Study, runs: int, place: Path) -> dict[str, Any]:
    from ..search.study.storage import REPORT, RUNS

    gaps = study.gaps(study.budgets)
    return {
        "out": str(place),
        "runs": str(place / RUNS),
        "report": str(place / REPORT),
        "searches": len(study.searches),
        "rows": runs,
        "problems": {name: {"optimum": t.optimum, "exact": t.exact} for name, t in study.truths.items()},
        "agents": [
            {
                "agent": one.agent,
                "options": dict(one.options),
                "mean_gap": {
                    str(budget): float(gaps[:, number, :, j].mean())
                    for j, budget in enumerate(study.budgets)
                    if budget <= one.budget
                },
            }
            for number, one in enumerate(study.configurations)
        ],
    }
