"""Latency, energy and area of accelerators by pymoo's NSGA-II and NSGA-III, and the volume that each front dominates.

python examples/pymoo_front.py
"""

from __future__ import annotations

import argparse

from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.algorithms.moo.nsga3 import NSGA3
from pymoo.indicators.hv import HV
from pymoo.optimize import minimize
from pymoo.util.ref_dirs import get_reference_directions

import chipgym


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--generations", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    problem = chipgym.make_problem(
        "systolic", workload="resnet18", objective=["latency_s", "energy_j", "area_mm2"], constraints="area_mm2 <= 20"
    )
    ours = chipgym.search.pymoo_problem(problem)
    directions = get_reference_directions("das-dennis", 3, n_partitions=9)
    # Relative to the default design, so that each objective counts alike, up to ten times as bad.
    volume = HV(ref_point=[10.0, 10.0, 10.0])
    for algorithm in (NSGA2(pop_size=55, **ours.operators()), NSGA3(directions, **ours.operators())):
        found = minimize(ours, algorithm, ("n_gen", arguments.generations), seed=arguments.seed)
        name = type(algorithm).__name__
        print(f"{name}: {len(found.F)} designs, volume {volume(found.F / problem.reference):.1f} of 1000")
        fastest = found.F[:, 0].argmin()
        print(f"  fastest {found.F[fastest, 0] * 1e3:.3f} ms: {ours.designs(found.X[fastest])[0]}")


if __name__ == "__main__":
    main()
