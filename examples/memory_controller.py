"""A search for DRAM controllers: fast, frugal, and why."""

from __future__ import annotations

import argparse

import numpy as np

import chipgym


def main() -> None:
    """Look for controllers of short time and low power for server-like traffic, and say why the fastest is fast."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workload", default="cloud-2")
    parser.add_argument("--device", default="DDR4-2400")
    parser.add_argument("--budget", type=int, default=400)
    arguments = parser.parse_args()
    problem = chipgym.make_problem(
        "memory", workload=arguments.workload, device=arguments.device, objective="low_power_latency"
    )
    result = chipgym.optimize(problem, agent="nsga2", budget=arguments.budget, seed=0)
    print(f"{len(result.pareto)} controllers that no other beats in both:")
    for found in sorted(result.pareto, key=lambda f: f.metrics["latency_s"])[:8]:
        m, d = found.metrics, found.design
        print(f"  {m['latency_s'] * 1e6:7.1f} us {m['power_w']:5.2f} W  {d['page_policy']}, {d['scheduler']}")

    fastest = min(result.pareto, key=lambda f: f.metrics["latency_s"])
    for label, design in (("the fastest", fastest.design), ("the default", problem.space.default)):
        history = problem.simulator.history(design)
        waited = (history.requests.served - history.requests.stored) * history.cycle_s
        names, counts = np.unique(history.commands.command, return_counts=True)
        listed = ", ".join(f"{count} {name}" for name, count in zip(names, counts, strict=True))
        print(f"{label}: {listed}; requests wait {waited.mean() * 1e9:.0f} ns in the buffer")


if __name__ == "__main__":
    main()
