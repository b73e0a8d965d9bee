"""A search whose designs are evaluated by the workers of a Ray cluster: systolic arrays with a modelled memory.

    python examples/ray_search.py --workers 4
    python examples/ray_search.py --address ray://head:10001

Without an address a cluster is started on this machine and ends with the search. The result is that of one process.
Kill the script and run it again: it goes on from its store.
"""

from __future__ import annotations

import argparse
import importlib.util

import chipgym


def show(progress: chipgym.search.Progress) -> None:
    """Print one line of progress, overwritten."""
    print(f"\r  {progress.evaluations}/{progress.budget}, {progress.rate:.1f} designs/s  ", end="", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workload", default="alexnet")
    parser.add_argument("--budget", type=int, default=200)
    parser.add_argument("--workers", type=int, help="as many as the cluster has CPUs where left out")
    parser.add_argument("--address", help="of a cluster that is there, such as ray://head:10001 or auto")
    parser.add_argument("--store", default="runs/ray.db")
    args = parser.parse_args()
    if importlib.util.find_spec("ray") is None:
        print("skipped: Ray is not installed (pip install 'chipgym[ray]')")
        return

    problem = chipgym.make_problem("systolic", args.workload, objective="edp", memory="DDR4-2400")
    result = chipgym.optimize(
        problem,
        agent="nsga2",
        budget=args.budget,
        store=args.store,
        agent_options={"population_size": 32},
        callback=show,
        backend="ray",
        workers=args.workers,
        address=args.address,
    )
    print(f"\r{result.evaluations} designs of {args.workload}, in {result.store}")
    print(f"best EDP {result.best.objectives[0]:.4g} J·s: {result.best.design}")


if __name__ == "__main__":
    main()
