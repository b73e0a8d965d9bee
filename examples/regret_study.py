"""Compares search agents on a table whose optimum is known: simple regret over evaluations, with confidence bands.

    python examples/regret_study.py --folder runs/study --jobs 2

Random search, NSGA-II, TPE and a Gaussian process search the energy-delay product of ResNet-18 on systolic arrays
within 10 mm², thirty seeds each. Interrupt it and run it again: it goes on where it was.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import chipgym
from chipgym.search.study import DEFAULT_AGENTS, StudyProgress, run_study
from chipgym.search.study.plot import save_plot


def show(progress: StudyProgress) -> None:
    """Print one line of progress, overwritten."""
    print(
        f"\r  {progress.done}/{progress.total} searches, last {progress.agent} {progress.seed:<6}", end="", flush=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", default="systolic-resnet18", help="a table by name, or a .parquet file")
    parser.add_argument("--objective", default="edp")
    parser.add_argument("--constraint", default="area_mm2 <= 10", help="empty for none")
    parser.add_argument("--agents", nargs="+", default=list(DEFAULT_AGENTS))
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--budget", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("runs/study"))
    args = parser.parse_args()

    constraints = [args.constraint] if args.constraint else []
    problem = chipgym.make_problem("tabular", args.table, objective=args.objective, constraints=constraints)
    study = run_study(
        problem,
        args.folder,
        agents=args.agents,
        seeds=args.seeds,
        budget=args.budget,
        # The default population is half of the budget here.
        agent_options={"nsga2": {"population_size": 20}} if "nsga2" in args.agents else None,
        jobs=args.jobs,
        callback=show,
    )
    study.to_pandas().to_csv(args.folder / "curves.csv", index=False)
    save_plot(study, args.folder / "regret.png")
    truth = study.truth
    print(f"\r{len(truth.values):,} feasible of {truth.designs:,} designs; optimum {truth.optimum:.4g}{'':<20}")
    print(f"{'agent':<10}{'mean regret':>14}{'95 % interval':>22}{'found the optimum':>20}")
    for agent, band in study.bands().items():
        hits = sum(truth.rank(curve)[-1] == 1 for curve in study.incumbents[agent])
        interval = f"{band.low[-1]:.2%} to {band.high[-1]:.2%}"
        print(f"{agent:<10}{band.mean[-1]:>14.2%}{interval:>22}{hits:>14} of {args.seeds}")
    print(f"curves: {args.folder / 'curves.csv'}; plot: {args.folder / 'regret.png'}")


if __name__ == "__main__":
    main()
