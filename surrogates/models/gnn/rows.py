"""Designs on networks, as the graph model sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ....datasets import SIZE_NAMES
from ....simulators import Column, Columns
from ...encoding import Encoder
from ...samples import Samples
from .graph import OperatorGraph

# Sizes that a knob which counts something, such as rows of an array, divides; and that one which holds something does.
_COUNTED = tuple(SIZE_NAMES.index(name) for name in ("groups", "m", "k", "n"))
_HELD = tuple(SIZE_NAMES.index(name) for name in ("input_words", "weight_words", "output_words"))
# Units of knobs that count, and bytes of the units of those that hold.
_COUNT_UNITS = ("", "PEs", "lanes")
_BYTES = {"B": 1.0, "KB": 1024.0, "MB": 1024.0**2}


@dataclass(frozen=True)
class Pairing:
    """Which knobs meet which sizes of an operator; declared by the knobs' units, not by what any simulator does.

    Of M, N, K and groups over a knob that counts: log2 ⌈size / knob⌉, how many times an operator goes round, and
    log2 max(1, ⌊knob / size⌋), how often it fits. Of tensors over a knob that holds bytes: log2 max(1, words / knob),
    how often it is filled. A word is taken to be a byte; wider ones shift what is learned.

    Attributes:
        counts: names of knobs that count.
        holds: names of knobs that hold, with their unit in bytes.
        categorical: numbers of the design's features that are 0 or 1 for a value of a categorical knob.
    """

    counts: tuple[str, ...]
    holds: tuple[tuple[str, float], ...]
    categorical: tuple[int, ...]

    @staticmethod
    def of(encoder: Encoder) -> Pairing:
        """Make the pairing of a space's knobs: ordinal ones of positive values, more than one of them."""
        free = [p for p in encoder.space.parameters if p.ordinal and p.size > 1 and not isinstance(p.values[0], str)]
        positive = [p for p in free if all(float(v) > 0 for v in p.values)]
        whole = [p for p in positive if p.column_values.dtype.kind == "i"]
        return Pairing(
            tuple(p.name for p in whole if p.unit in _COUNT_UNITS),
            tuple((p.name, _BYTES[p.unit]) for p in positive if p.unit in _BYTES),
            encoder.categorical,
        )

    @property
    def width(self) -> int:
        """How many features it gives."""
        return 2 * len(self.counts) * len(_COUNTED) + len(self.holds) * len(_HELD)

    def knobs(self, columns: Columns, n: int) -> Column:
        """Return the paired knobs of designs, bytes for those that hold, (n, knobs)."""
        counts = [columns[name].astype(np.float64) for name in self.counts]
        holds = [columns[name].astype(np.float64) * unit for name, unit in self.holds]
        return np.stack([*counts, *holds], axis=1) if counts or holds else np.empty((n, 0))

    def features(self, sizes: Column, knobs: Column) -> Column:
        """Return features of operators' sizes (c, sizes) with designs' knobs (n, knobs): (n, c, width)."""
        n, c, split = len(knobs), len(sizes), len(self.counts)
        ratio = sizes[:, _COUNTED][None, :, :, None] / knobs[:, None, None, :split]
        times, fits = np.ceil(ratio), np.maximum(np.floor(1.0 / ratio), 1.0)
        filled = np.maximum(sizes[:, _HELD][None, :, :, None] / knobs[:, None, None, split:], 1.0)
        parts = [part.reshape(n, c, -1) for part in (times, fits, filled)]
        out: Column = np.log2(np.concatenate(parts, axis=2))
        return out


@dataclass(frozen=True, eq=False)
class GraphRows:
    """n designs, each on a network.

    Attributes:
        design: features of the designs, (n, d).
        knobs: paired knobs, (n, k).
        graph: number of each design's network, (n,).
        graphs: the networks.
        pairing: how knobs and operators meet.
    """

    design: Column
    knobs: Column
    graph: Column
    graphs: tuple[OperatorGraph, ...]
    pairing: Pairing

    @property
    def gates(self) -> Column:
        """1, and 0 or 1 for each categorical value, (n, gates)."""
        return np.hstack([np.ones((len(self), 1)), self.design[:, list(self.pairing.categorical)]])

    def __len__(self) -> int:
        return len(self.design)

    def __getitem__(self, chosen: Column) -> GraphRows:
        """Select some of the designs, by a mask (n,) or by their numbers."""
        return GraphRows(self.design[chosen], self.knobs[chosen], self.graph[chosen], self.graphs, self.pairing)


def graph_rows(encoder: Encoder, columns: Columns, n: int, graph: OperatorGraph) -> GraphRows:
    """Return designs on one network, from complete columns of values.

    Raises:
        ChipgymError: for a value of a categorical knob that is not on the grid.
    """
    folded, _ = encoder.space.columns(columns)
    pairing = Pairing.of(encoder)
    design = encoder.designs(columns, n)
    return GraphRows(design, pairing.knobs(folded, n), np.zeros(n, dtype=np.int64), (graph,), pairing)


def sample_rows(samples: Samples, graphs: Mapping[str, OperatorGraph]) -> GraphRows:
    """Return designs of tables, each on the graph of its workload's name."""
    tables = samples.tables
    parts = [graph_rows(samples.encoder, t.designs(), len(t), graphs[t.header.workload]) for t in tables]
    return GraphRows(
        np.concatenate([part.design for part in parts]),
        np.concatenate([part.knobs for part in parts]),
        samples.workload,
        tuple(graphs[t.header.workload] for t in tables),
        parts[0].pairing,
    )
