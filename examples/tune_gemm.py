"""Pragmas of a matrix product under a budget of DSP slices, without the vendor's tools."""

from __future__ import annotations

import argparse

import chipgym


def main() -> None:
    """Look for the fastest gemm within some DSP slices, and say what the slices bought."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kernel", default="gemm-ncubed")
    parser.add_argument("--tool", default="vitis-2020.2")
    parser.add_argument("--device", default="xcvu9p")
    parser.add_argument("--dsp", type=int, default=900, help="DSP slices that the design may take")
    parser.add_argument("--budget", type=int, default=600)
    arguments = parser.parse_args()
    problem = chipgym.make_problem(
        "hls",
        workload=arguments.kernel,
        tool=arguments.tool,
        device=arguments.device,
        constraints=[f"dsp <= {arguments.dsp}"],
    )
    result = chipgym.optimize(problem, agent="nsga2", budget=arguments.budget, seed=0)
    plain = problem.simulator.evaluate({})
    found = result.best
    print(f"{arguments.kernel} with {arguments.tool}, at most {arguments.dsp} DSP slices of {arguments.device}")
    print(f"  no pragmas: {plain['cycles'][0]:>10,.0f} cycles, {plain['dsp'][0]:.0f} DSP")
    print(f"  found:      {found.metrics['cycles']:>10,.0f} cycles, {found.metrics['dsp']:.0f} DSP")
    changed = {knob: value for knob, value in found.design.items() if value != problem.space.default[knob]}
    print("  pragmas:   ", ", ".join(f"{knob}={value}" for knob, value in changed.items()))


if __name__ == "__main__":
    main()
