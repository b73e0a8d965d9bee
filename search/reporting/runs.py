"""The runs that a report is about: all of one problem, each with a label of its own, and their evaluations as one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ChipgymError, shorten
from ...simulators import Indices
from ...simulators.core.parameter import Column
from ..difference import first_difference
from ..result import SearchResult

if TYPE_CHECKING:
    from ..store import Store

Source = SearchResult | str | os.PathLike[str]

# More curves in one chart cannot be told apart.
MOST_RUNS = 16


@dataclass(frozen=True, eq=False)
class Runs:
    """Searches of one problem, none of them empty.

    Attributes:
        results: the searches.
        labels: what each is called in charts; no two are the same.
    """

    results: tuple[SearchResult, ...]
    labels: tuple[str, ...]

    @cached_property
    def pool(self) -> Pool:
        """All evaluations, run after run."""
        tables = [result.table for result in self.results]
        return Pool(
            designs={name: np.concatenate([t.designs[name] for t in tables]) for name in tables[0].designs},
            metrics={name: np.concatenate([t.metrics[name] for t in tables]) for name in tables[0].metrics},
            objectives=np.concatenate([t.objectives for t in tables]),
            violation=np.concatenate([t.violation for t in tables]),
            run=np.repeat(np.arange(len(tables)), [len(t) for t in tables]),
            number=np.concatenate([np.arange(len(t)) for t in tables]),
        )


@dataclass(frozen=True, eq=False)
class Pool:
    """The evaluations of several runs as columns, each of length n.

    Attributes:
        designs: values by knob.
        metrics: by name, NaN where they mean nothing.
        objectives: minimised values, shape (n, k).
        violation: 0 where feasible.
        run: place of each one's run in the report.
        number: its place in that run.
    """

    designs: dict[str, Column]
    metrics: dict[str, Column]
    objectives: Column
    violation: Column
    run: Indices
    number: Indices

    def __len__(self) -> int:
        return len(self.violation)

    @cached_property
    def feasible(self) -> Indices:
        """Positions of the feasible ones whose objectives are numbers, each design once, in order."""
        good = np.flatnonzero((self.violation <= 0) & np.isfinite(self.objectives).all(axis=1))
        codes = np.stack([np.unique(c, return_inverse=True)[1] for c in self.designs.values()], axis=1)
        _, first = np.unique(codes[good], axis=0, return_index=True)
        return good[np.sort(first)]


def gather(sources: Source | Sequence[Source]) -> Runs:
    """Gather the runs that are named.

    Args:
        sources: results, and stores as paths or URLs: every run of a store that has evaluations, or the one whose
            number follows a "#", as in "runs/demo.db#2".

    Raises:
        ChipgymError: naming a store or run that there is not, a run without evaluations, runs of different problems,
            and more than `MOST_RUNS` runs.
    """
    given: list[Any] = list(sources) if isinstance(sources, list | tuple) else [sources]
    results = [result for source in given for result in _results(source)]
    if not results:
        raise ChipgymError("run: none given, expected a search's result or a store such as 'runs/demo.db'")
    if len(results) > MOST_RUNS:
        raise ChipgymError(
            f"run: {len(results)} runs are too many for one report, expected {MOST_RUNS} at most; "
            "name some by their number, as in runs/demo.db#1"
        )
    for result in results[1:]:
        _check_same_problem(results[0], result)
    return Runs(tuple(results), tuple(_labels(results)))


def place_name(source: Source) -> str:
    """Return what to call the place that a run comes from."""
    if isinstance(source, SearchResult):
        return source.store or "memory"
    return _split(os.fspath(source))[0]


def _results(source: Source) -> Iterator[SearchResult]:
    if isinstance(source, SearchResult):
        if not source.evaluations:
            raise ChipgymError(f"run: {shorten(source, 100)} has no evaluations yet")
        yield source
        return
    if not isinstance(source, str | os.PathLike):
        raise ChipgymError(f"run: {shorten(source)} is neither a search's result nor a store such as 'runs/demo.db'")
    from ..store import Store

    place, number = _split(os.fspath(source))
    store = Store(place)
    for run in _numbers(store, number):
        yield store.result(run)


def _numbers(store: Store, number: int | None) -> list[int]:
    """Return the run that is wanted, or all of a store that have evaluations."""
    runs = store.runs()
    wanted = [r.id for r in runs if r.evaluations and number in (None, r.id)]
    if wanted:
        return wanted
    if number is None:
        raise ChipgymError(f"run: {store.label} has no evaluations yet")
    if number in {r.id for r in runs}:
        raise ChipgymError(f"run: {number} of {store.label} has no evaluations yet")
    raise ChipgymError(
        f"run: {number} is not in {store.label}, which has {', '.join(str(r.id) for r in runs) or 'none'}"
    )


def _split(text: str) -> tuple[str, int | None]:
    """Split a text into a store and the number of a run, None where none is named."""
    place, mark, number = text.rpartition("#")
    if not mark or Path(os.path.expanduser(text)).is_file():
        return text, None
    if number.isdecimal():
        return place, int(number)
    if Path(os.path.expanduser(place)).is_file():
        raise ChipgymError(f"run: {shorten(number)} is not the number of a run, as in {place}#1")
    return text, None


def _check_same_problem(first: SearchResult, other: SearchResult) -> None:
    # Through JSON, so that tuples compare with the lists that they are stored as.
    ours, theirs = (json.loads(json.dumps(r.identity)) for r in (first, other))
    if ours != theirs:
        field, has, this = first_difference("", theirs, ours)
        raise ChipgymError(
            f"{field}: {other.store or 'the second run'} has {has}, {first.store or 'the first'} has {this}; "
            "a report is about runs of one problem, write one for each"
        )


def _labels(results: Sequence[SearchResult]) -> Iterator[str]:
    """Label runs by agent and seed, and where these do not tell them apart by settings and stores' names too."""
    plain = [f"{r.agent}, seed {r.seed}" for r in results]
    seen: set[str] = set()
    for result, label in zip(results, plain, strict=True):
        if plain.count(label) > 1:
            run = "" if result.provenance.run is None else f"#{result.provenance.run}"
            label += f" ({Path(result.store).name}{run})" if result.store else ""
        name, count = label, 2
        while name in seen:
            name, count = f"{label} ({count})", count + 1
        seen.add(name)
        yield name
