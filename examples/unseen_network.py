"""How far surrogates are from the simulator on a network that they have not seen, each network left out in turn.

    python examples/unseen_network.py [--networks alexnet resnet18 vgg16] [--designs 200] [--model ridge --model gnn]
        [--steps 200] [--members 1] [--folder runs]

Each network's designs are collected once, into a table in the folder. For every network, a model of each kind learns
from the tables of the others, and its mean relative error on this one is printed, with the median over networks and the
worst. As it stands it takes seconds, and the models are as rough as that; docs/surrogates.md has the figures of nine
networks with 3,000 designs each.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import chipgym
from chipgym.datasets import DesignTable
from chipgym.surrogates import FAMILIES, Surrogate, measure, split_tables

METRICS = ("latency_s", "energy_j")


def collected(folder: Path, networks: Sequence[str], designs: int) -> list[DesignTable]:
    """Return a table of each network, from the folder where it is there already."""
    tables = []
    for network in networks:
        path = folder / f"{network.replace(':', '-')}.parquet"
        if not path.exists():
            chipgym.collect("systolic", path, workload=network, samples=designs, seed=1)
        tables.append(chipgym.load_table(path))
    return tables


def errors_on(model: str, tables: Sequence[DesignTable], network: str, **options: int) -> tuple[np.ndarray, np.ndarray]:
    """Return mean relative errors of METRICS on a network that a model has not seen, and ranks within it."""
    split = split_tables(tables, "workloads", workloads=[network])
    found = measure(Surrogate(model, **options).fit(split.train), split.test).metrics
    return np.array([found[m].mape for m in METRICS]), np.array([found[m].spearman for m in METRICS])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=["alexnet", "resnet18", "vgg16"])
    parser.add_argument("--designs", type=int, default=200, help="of each network")
    parser.add_argument("--model", action="append", choices=FAMILIES, help="repeatable; ridge and gnn where left out")
    parser.add_argument("--steps", type=int, default=200, help="of the graph model's optimiser")
    parser.add_argument("--members", type=int, default=1, help="of the graph model")
    parser.add_argument("--folder", type=Path, default=Path("runs"), help="where the tables are")
    given = parser.parse_args()
    tables = collected(given.folder, given.networks, given.designs)
    for model in given.model or ("ridge", "gnn"):
        options = {"steps": given.steps, "members": given.members} if model == "gnn" else {}
        all_errors = []
        for network in given.networks:
            errors, ranks = errors_on(model, tables, network, **options)
            all_errors.append(errors)
            print(f"{model:9s}{network:15s}" + told(errors, ranks), flush=True)
        print(f"{model:9s}{'median':15s}" + told(np.median(all_errors, axis=0)))
        print(f"{model:9s}{'worst':15s}" + told(np.max(all_errors, axis=0)))


def told(errors: np.ndarray, ranks: np.ndarray | None = None) -> str:
    """Write errors of METRICS in per cent, and ranks where there are any."""
    texts = [f"{name} {100 * error:5.1f} %" for name, error in zip(METRICS, errors, strict=True)]
    if ranks is not None:
        texts = [f"{text}, rank {rank:.3f}" for text, rank in zip(texts, ranks, strict=True)]
    return "  ".join(texts)


if __name__ == "__main__":
    main()
