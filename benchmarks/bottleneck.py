"""Evaluations to within 5 % of the optimum: the agent that reads bottlenecks beside TPE.

    python benchmarks/bottleneck.py [--budget 100] [--seeds 3] [--only systolic] [--rivals tpe]

The optimum of a table, or of a small space, is that of all its designs. Elsewhere it is the best known: the least that
steepest descents over single changes find from the best of many draws, or any of the searches here. The agent has no
seed; a rival's figure is the median over seeds. Of designs that are infeasible none is within anything.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import chipgym
from chipgym.simulators import Problem

WITHIN = 0.05
#: Designs that descents for the best known optimum evaluate, how many they begin from, and draws to choose those among;
#: a space of no more designs than draws is evaluated whole.
DESCENT, STARTS, DRAWS = 20_000, 24, 20_000


@dataclass(frozen=True)
class Case:
    """A problem of the benchmark."""

    simulator: str
    workload: str
    objective: str
    constraints: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What a row is called."""
        within = f" within {', '.join(self.constraints)}" if self.constraints else ""
        return f"{self.simulator} {self.workload}: {self.objective}{within}"

    def problem(self) -> Problem:
        """Make the problem."""
        return chipgym.make_problem(
            self.simulator, workload=self.workload, objective=self.objective, constraints=self.constraints,
            **self.options,
        )  # fmt: skip


CASES = (
    *(
        Case("systolic", network, objective, within)
        for network in ("resnet18", "mobilenet_v2", "bert_base", "vgg16")
        for objective, within in (("edp", ("area_mm2 <= 5",)), ("latency_s", ("area_mm2 <= 10",)), ("energy_j", ()))
    ),
    Case("tabular", "systolic-resnet18", "edp", ("area_mm2 <= 10",)),
    *(
        Case("tabular", f"memory-{trace}", objective, within)
        for trace in ("cloud-1", "cloud-2", "random")
        for objective, within in (("edp", ("area_mm2 <= 0.1",)), ("latency_s", ()))
    ),
    *(Case("hls", kernel, "latency_s") for kernel in ("gemm-ncubed", "atax", "stencil", "mvt", "spmv-ellpack")),
    Case("hls", "gemm-ncubed", "latency_s", ("dsp <= 900",)),
    *(
        Case("hls4ml", network, objective, within, options)
        for network in ("jet_tagger", "mlp:64-128-64-10")
        for objective, within, options in (
            ("latency_share", (), {}),
            ("latency_s", ("dsp <= 200", "lut <= 60000"), {"granularity": "layer"}),
        )
    ),
    *(Case("dataflow", network, "latency") for network in ("llama-3-8b", "bert_base", "resnet50")),
    Case("dataflow", "llama-3-8b", "energy"),
)  # fmt: skip


def evaluations_to(problem: Problem, agent: str, budget: int, seed: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the least feasible objective so far after each evaluation of a search, `inf` before there is one."""
    table = chipgym.optimize(problem, agent, budget, seed).table
    values = np.where(table.violation <= 0, table.objectives[:, 0], np.inf)
    return np.minimum.accumulate(np.where(np.isnan(values), np.inf, values))


def best_known(problem: Problem) -> float:
    """Return the optimum of a table, or the least objective of restarted steepest descents."""
    if getattr(problem.simulator, "complete", False):
        return chipgym.search.ground_truth(problem).optimum
    rng = np.random.default_rng(0)
    space, least, spent = problem.space, np.inf, 0
    if space.canonical_size <= DRAWS:
        return float(min(_scores(problem, rows).min() for rows in space.canonical_rows()))
    starts = np.concatenate([space.default_indices[None, :], space.sample(DRAWS, rng)])
    scores = _scores(problem, starts)
    for row in starts[np.argsort(scores, kind="stable")[:STARTS]]:
        here, score = row, _scores(problem, row[None, :])[0]
        while spent < DESCENT:
            around = space.neighbors(here)
            found = _scores(problem, around)
            spent += len(around)
            if not found.min() < score:
                break
            score, here = found.min(), around[found.argmin()]
        least = min(least, score)
    return float(least)


def _scores(problem: Problem, rows: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return what a descent lessens: the objective, and far above all of them the violation."""
    evaluation = problem.evaluate(rows)
    out: np.ndarray[Any, np.dtype[np.float64]] = np.where(
        evaluation.violation > 0, 1e30 * (1 + np.minimum(evaluation.violation, 1e6)), evaluation.objectives[:, 0]
    )
    return out


def main() -> None:
    """Print a row for every problem, and how many are solved in 20 evaluations."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="", help="problems whose name has this in it")
    parser.add_argument("--rivals", default="tpe", help="agents with seeds, as in tpe,random")
    args = parser.parse_args()
    rivals = [name for name in args.rivals.split(",") if name]

    print(f"evaluations to within {WITHIN:.0%} of the best known (of {args.budget}), and the gap after 20 evaluations")
    needed: dict[str, list[float]] = {name: [] for name in ("bottleneck", *rivals)}
    for case in (c for c in CASES if args.only in c.name):
        problem = case.problem()
        curves = {"bottleneck": [evaluations_to(problem, "bottleneck", args.budget, 0)]}
        for rival in rivals:
            curves[rival] = [evaluations_to(problem, rival, args.budget, seed) for seed in range(args.seeds)]
        optimum = min(best_known(problem), *(float(c[-1]) for each in curves.values() for c in each))
        row = []
        for name, each in curves.items():
            first = [int(np.argmax(c <= optimum * (1 + WITHIN))) + 1 if c[-1] <= optimum * (1 + WITHIN) else np.inf
                     for c in each]  # fmt: skip
            needed[name].append(float(np.median(first)))
            gap = float(np.median([c[min(19, len(c) - 1)] / optimum - 1 for c in each]))
            row.append(f"{name} {needed[name][-1]:5.0f} ({gap:7.1%})")
        print(f"{case.name:75s} {'  '.join(row)}", flush=True)
    for name, counts in needed.items():
        solved = {n: sum(c <= n for c in counts) / max(len(counts), 1) for n in (20, 50, 100)}
        print(f"{name}: " + ", ".join(f"{share:.0%} within {n} evaluations" for n, share in solved.items()))


if __name__ == "__main__":
    main()
