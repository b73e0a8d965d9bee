"""Print a published study as Markdown tables: gaps by agent and budget, default against tuned, parts of the variance.

Takes the arguments of the `chipgym compare` that made it, of which it uses these; what is missing is searched.

    python benchmarks/studies/tables.py --problems FILE --options FILE --seeds N --budget N,… --out DIR
"""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path
from typing import Any

from chipgym.search.study import Study, read_options, read_problems, run_study
from chipgym.search.study.figures import document

HEADER = "| agent | {} |\n|---|{}"


def main() -> None:
    """Read the arguments, load or make the study, and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", required=True)
    parser.add_argument("--options", required=True)
    parser.add_argument("--seeds", type=int, required=True)
    parser.add_argument("--budget", required=True)
    parser.add_argument("--most-designs", type=int)
    parser.add_argument("--within", type=float, default=0.01)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", required=True)
    given = parser.parse_args()
    agents = [name for name in tomllib.loads(Path(given.options).read_text("utf-8")) if name != "budget"]
    options, limits = read_options(given.options, agents)
    study = run_study(
        read_problems(given.problems).problems,
        given.out,
        agents=agents,
        seeds=given.seeds,
        budget=[int(text) for text in given.budget.split(",")],
        agent_options=options,
        agent_budgets=limits,
        most_designs=given.most_designs,
        jobs=given.jobs,
    )
    print_tables(study, given.within)


def print_tables(study: Study, within: float) -> None:
    """Print everything; `within` is the relative regret up to which a search has come to the optimum."""
    found = document(study, within=within)
    print(f"{found['searches']:,} searches, {found['runs']:,} runs, {found['evaluations']:,} evaluations\n")
    gaps_by_agent(study, found)
    tuned(found)
    variance(found)


def gaps_by_agent(study: Study, found: dict[str, Any]) -> None:
    """Print means over problems and seeds of each option set that is shown, and how many searches come near."""
    runs = study.runs()
    runs = runs[runs.configuration == 0] if found["left_out"] else runs
    labels = {(one.agent, one.number): one.label for one in study.configurations}
    sets = zip(runs.agent.astype(str), runs.configuration, strict=True)
    names = [agent if found["left_out"] else labels[agent, number] for agent, number in sets]
    near = runs.assign(name=names, near=runs.regret <= found["within"])
    table = near.groupby(["name", "budget"], observed=True).agg(gap=("gap", "mean"), near=("near", "mean"))
    wide = table.unstack("budget")
    budgets = found["budgets"]
    print(HEADER.format(" | ".join(f"gap at {b:,}, within" for b in budgets), "---:|" * len(budgets)))
    for name, row in wide.sort_values(("gap", budgets[0])).iterrows():
        searched = [b for b in budgets if row["gap"][b] == row["gap"][b]]
        cells = [f"{row['gap'][b]:.4f}, {row['near'][b]:.0%}" if b in searched else "–" for b in budgets]
        print(f"| {name} | {' | '.join(cells)} |")
    print()


def tuned(found: dict[str, Any]) -> None:
    """Print by budget the mean gap of each agent's defaults, tuned on the other problems, and in hindsight."""
    for part in found["hyperparameters"]:
        print(f"At {part['budget']:,} evaluations\n")
        print(HEADER.format("default | tuned elsewhere | in hindsight | worst set", "---:|" * 4))
        for row in part["agents"]:
            worst = max(row["each"])
            print(f"| {row['agent']} | {row['first']} | {row['tuned']} | {row['hindsight']} | {worst} |")
        print()


def variance(found: dict[str, Any]) -> None:
    """Print shares of the variance."""
    for part in found["variance"]:
        print(f"{part['name']} (without {', '.join(part['left_out']) or 'none'})\n")
        for one in part["parts"]:
            print(f"- {one['name']}: {one['share']:.1%}")
        print()


if __name__ == "__main__":
    main()
