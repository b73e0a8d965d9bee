"""What binds a design, which knobs loosen it, and a search that follows that advice.

    python examples/what_binds.py [--budget 30]

An accelerator runs MobileNetV2. The default design's bottlenecks are printed with their remedies; then the agent that
reads them searches, says what it changed and why, and is compared with as many random designs.
"""

from __future__ import annotations

import argparse

import chipgym


def main() -> None:
    """Print bottlenecks, a search by them, and what it found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=int, default=30)
    args = parser.parse_args()

    problem = chipgym.make_problem("systolic", workload="mobilenet_v2", objective="energy_j")
    print("The default design:")
    for bottleneck in problem.bottlenecks({}):
        print(f"  {bottleneck}")
        for remedy in bottleneck.remedies[:2]:
            print(f"    {remedy.change} {remedy.knob}: {remedy.why}")

    found = chipgym.optimize(problem, agent="bottleneck", budget=args.budget)
    print(f"\n{args.budget} evaluations by them:")
    for line in found.explanation:
        print(f"  {line}")
    random = chipgym.optimize(problem, agent="random", budget=args.budget)
    best, rival = (result.best.objectives[0] for result in (found, random))
    print(f"\n{best:.3g} J; of {args.budget} random designs the best takes {rival:.3g} J")


if __name__ == "__main__":
    main()
