"""Held-out designs, held-out workloads, or both: what a model has to say about what it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..datasets import DesignTable
from ..errors import ChipgymError, shorten, unknown
from .samples import Samples

#: What may be held out.
SPLITS = ("designs", "workloads", "both")


@dataclass(frozen=True, eq=False)
class Split:
    """Tables in two parts.

    Attributes:
        name: "designs", "workloads" or "both".
        train: what a model learns from.
        test: what it is measured on.
    """

    name: str
    train: tuple[DesignTable, ...]
    test: tuple[DesignTable, ...]


def split_tables(
    tables: DesignTable | Sequence[DesignTable],
    split: str,
    *,
    share: float = 0.25,
    seed: int = 0,
    workloads: Sequence[str] | None = None,
) -> Split:
    """Hold back a share of tables' designs, workloads, or both.

    A design that is held out is so on every workload. With "both", a model is measured on held-out designs of held-out
    workloads, and has seen neither.

    Args:
        tables: of one simulator and space.
        split: "designs", "workloads" or "both".
        share: of the designs, and of the workloads, that is held out; rounded, one at least.
        seed: of the draw.
        workloads: names of those to hold out, rather than drawing them.

    Raises:
        ChipgymError: for an unknown split or workload, a share that is none, and where nothing would be left.
    """
    samples = Samples.of(tables)
    if split not in SPLITS:
        raise unknown("split", split, SPLITS)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1:
        raise ChipgymError(f"share: {shorten(share)} is not between 0 and 1, such as 0.25")
    rng = np.random.default_rng(seed)
    designs = rng.permutation(int(samples.design.max()) + 1)
    kept_designs = np.isin(samples.design, designs[max(1, round(share * len(designs))) :])
    held = _held_workloads([t.header.workload for t in samples.tables], share, rng, workloads)
    kept_workloads = ~np.isin(samples.workload, held)
    train = np.ones(len(samples), dtype=bool)
    test = train.copy()
    if split in ("designs", "both"):
        train &= kept_designs
        test &= ~kept_designs
    if split in ("workloads", "both"):
        if len(samples.tables) < 2 + len(held):
            raise ChipgymError(
                f"split: holding {len(held)} of {len(samples.tables)} workloads out leaves a model fewer than two, of "
                "which it learns nothing of another; with one or two, designs can be held out"
            )
        train &= kept_workloads
        test &= ~kept_workloads
    if not train.any() or not test.any():
        raise ChipgymError(
            f"split: holding {split} out of {len(samples)} designs leaves none to learn from or none held"
        )
    return Split(split, samples.take(train).tables, samples.take(test).tables)


def _held_workloads(
    names: list[str], share: float, rng: np.random.Generator, wanted: Sequence[str] | None
) -> list[int]:
    """Return numbers of the workloads to hold out."""
    if wanted is None:
        order = rng.permutation(len(names))
        return [int(i) for i in order[: max(1, min(round(share * len(names)), len(names) - 1))]]
    for name in wanted:
        if name not in names:
            raise unknown("workload to hold out", name, names)
    return [names.index(name) for name in wanted]
