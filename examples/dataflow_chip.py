"""A better chip for decoding Llama 3 8B than SN40L, of no more area: hardware and mapping searched together.

    python examples/dataflow_chip.py [--budget 3000] [--agent nsga2]

Prints the time of a token, and the knobs in which the chip and the mapping that were found differ from SN40L's.
"""

from __future__ import annotations

import argparse

import chipgym

SERVING = {"input_tokens": 1024, "output_tokens": 128, "sockets": 8}


def main() -> None:
    """Search, and tell what was found from what there was."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=int, default=3000)
    parser.add_argument("--agent", default="nsga2")
    parser.add_argument("--batch", type=int, default=1)
    arguments = parser.parse_args()
    sn40l = chipgym.make_simulator("dataflow", "llama-3-8b", batch=arguments.batch, **SERVING).evaluate({})
    area = round(float(sn40l["area_mm2"][0]), 2)
    # What does not exist cannot be bought: memories of SN40L's capacity, and its software's time to start a section.
    space = {"hbm_gb": 64.0, "ddr_gb": 1536.0, "weight_tier": "hbm", "pp": 1, "tp": 8}
    problem = chipgym.make_problem(
        "dataflow", "llama-3-8b", objective="tpot", constraints=f"area_mm2 <= {area}", space=space, explore="joint",
        batch=arguments.batch, **SERVING,
    )  # fmt: skip
    result = chipgym.optimize(problem, agent=arguments.agent, budget=arguments.budget, seed=0)
    start, best = problem.space.default, result.best
    print(f"SN40L        {sn40l['tpot_s'][0] * 1e3:.3f} ms a token, {area:.0f} mm2, {sn40l['energy_j'][0]:.0f} J a run")
    print(
        f"{'found':12} {best.metrics['tpot_s'] * 1e3:.3f} ms a token, {best.metrics['area_mm2']:.0f} mm2, "
        f"{best.metrics['energy_j']:.0f} J a run"
    )
    unused = ("cut_", "share_")  # single cuts and shares are for tools to read
    for name, value in best.design.items():
        if value != start[name] and not name.startswith(unused):
            print(f"  {name:20} {start[name]} -> {value}")


if __name__ == "__main__":
    main()
