"""Tables of the toy simulator, for tests of what learns from them."""

from __future__ import annotations

from functools import cache

import numpy as np

import chipgym
from chipgym.datasets import DesignTable
from chipgym.simulators.tabular import header_of

# Few and small: what is learned from the toy is learned at once.
SETTINGS = {
    "ridge": {},
    "forest": {"trees": 8},
    "boosting": {"members": 3, "trees": 20},
    "gnn": {"members": 2, "width": 16, "steps": 100, "batch": 24, "rate": 0.02},
}


@cache
def table(workload: str = "mlp:16-64-5", simulator: str = "toy", **options) -> DesignTable:
    """Every design of a simulator on a workload, in memory."""
    made = chipgym.make_simulator(simulator, workload, **options)
    rows = np.concatenate(list(made.space.canonical_rows()))
    found = made.evaluate(rows)
    return DesignTable(
        header_of(made, made.space),
        rows.astype(np.int32),
        {m.name: found[m.name] for m in made.metrics},
        found["violation"],
    )


@cache
def systolic(workload: str, n: int = 300, seed: int = 0) -> DesignTable:
    """Some designs of the systolic simulator, in grid order."""
    made = chipgym.make_simulator("systolic", workload)
    rows = np.unique(made.space.sample(n, np.random.default_rng(seed)), axis=0)
    found = made.evaluate(rows)
    return DesignTable(
        header_of(made, made.space, len(rows), seed),
        rows.astype(np.int32),
        {m.name: found[m.name] for m in made.metrics},
        found["violation"],
    )
