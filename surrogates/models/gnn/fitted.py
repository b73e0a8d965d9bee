"""A fitted graph model: arrays, and what they predict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import ClassVar

import numpy as np

from ....datasets import OPERATOR_FEATURE_NAMES
from ....errors import ChipgymError
from ....simulators import Column
from .frame import Frame
from .graph import ROUNDS, OperatorGraph
from .rows import GraphRows

#: Names of a member's weights, see `weight_shapes`.
WEIGHTS = (
    *(f"{name}{i}" for i in range(1, ROUNDS + 1) for name in ("own", "producer", "consumer", "bias")),
    "nodes", "nodes_bias", "first", "second", "second_bias", "out", "out_bias", "skip",
)  # fmt: skip


def embedding_width(width: int) -> int:
    """Return the width of what message passing gives, where hidden layers are so wide."""
    return max(4, width // 2)


def weight_shapes(f: int, d: int, p: int, gates: int, o: int, w: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each of `WEIGHTS`.

    It is for f, d and p features of operators, designs and pairs, o answers and hidden layers of w.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    e = embedding_width(w)
    for i in range(1, ROUNDS + 1):
        into = f if i == 1 else e
        shapes |= {f"{name}{i}": (into, e) for name in ("own", "producer", "consumer")} | {f"bias{i}": (e,)}
    return shapes | {
        "nodes": (f + e, w), "nodes_bias": (w,), "first": (gates, d + p, w), "second": (w, w), "second_bias": (w,),
        "out": (w, o), "out_bias": (o,), "skip": (gates, f + e + d + p, o),
    }  # fmt: skip


@dataclass(frozen=True, eq=False)
class GnnEnsemble:
    """Members whose mean is the prediction and whose standard deviation is its spread.

    A member passes messages along a network's edges, h' = relu(own h + producer mean(h of producers) + consumer
    mean(h of consumers) + bias), `ROUNDS` times. Two hidden layers, with a linear one beside them (`skip`), then see an
    operator's features and embedding h, the design's features, and what both give together (`Pairing`), and answer
    what `Frame` puts together. The categorical values of a design, such as a dataflow, choose weights: those of `first`
    and `skip` are a sum of one for all designs and one for each value that the design has.

    Attributes:
        weights: by the names of `WEIGHTS`, each (members, ...), float32.
        frame: everything else.
    """

    weights: Mapping[str, Column]
    frame: Frame
    names: ClassVar = (*WEIGHTS, *(f.name for f in fields(Frame)))

    def predict(self, x: GraphRows) -> tuple[Column, Column]:
        """Return means and spreads, each (n, targets), of standardised targets.

        Each design is computed by itself, so that its answer does not depend on what is predicted beside it.
        """
        frame, members = self.frame, len(self.weights["second"])
        found = np.empty((members, len(x), len(frame.centre)))
        designs = (x.design - frame.design_shift) / frame.design_scale
        gates = x.gates
        for number in np.unique(x.graph):
            graph = x.graphs[number]
            base, log_counts = frame.base(graph), np.log(graph.counts)[:, None]
            known = [self._operators(m, graph) for m in range(members)]
            for i in np.flatnonzero(x.graph == number):
                pairs = x.pairing.features(graph.sizes, x.knobs[i : i + 1])[0]
                pairs = (pairs - frame.pair_shift) / frame.pair_scale
                # The design's features stand beside those of each pair.
                beside = np.hstack([np.broadcast_to(designs[i], (len(graph), designs.shape[1])), pairs])
                for m in range(members):
                    found[m, i] = frame.read(self._answers(m, known[m], gates[i], beside), base, log_counts)
        return found.mean(axis=0), found.std(axis=0)

    @cached_property
    def _precise(self) -> dict[str, Column]:
        """The weights as they are computed with."""
        return {name: array.astype(np.float64) for name, array in self.weights.items()}

    def _operators(self, m: int, graph: OperatorGraph) -> tuple[Column, Column]:
        """Compute operators' parts of the first hidden layer (c, w) and the answers (gates, c, o) for any design."""
        w = self._precise
        x = h = (graph.features - self.frame.node_shift) / self.frame.node_scale
        for i in range(1, ROUNDS + 1):
            read, fed = _mean(graph.producers, h), _mean(graph.consumers, h)
            h = h @ w[f"own{i}"][m] + read @ w[f"producer{i}"][m] + fed @ w[f"consumer{i}"][m] + w[f"bias{i}"][m]
            h = np.maximum(h, 0.0)
        both = np.hstack([x, h])
        return both @ w["nodes"][m] + w["nodes_bias"][m], both @ w["skip"][m][:, : both.shape[1]]

    def _answers(self, m: int, known: tuple[Column, Column], gates: Column, beside: Column) -> Column:
        """Compute the numbers of each operator on one design, (c, o)."""
        w = self._precise
        hidden = _silu(known[0] + beside @ np.tensordot(gates, w["first"][m], 1))
        hidden = _silu(hidden @ w["second"][m] + w["second_bias"][m])
        straight = beside @ np.tensordot(gates, w["skip"][m][:, -beside.shape[1] :], 1)
        out: Column = np.tensordot(gates, known[1], 1) + straight + hidden @ w["out"][m] + w["out_bias"][m]
        return out

    def arrays(self) -> dict[str, Column]:
        """Return all of the model as arrays by name."""
        return {**self.weights, **self.frame.arrays()}

    @staticmethod
    def from_arrays(arrays: Mapping[str, Column], designs: int, pairs: int, gates: int, targets: int) -> GnnEnsemble:
        """Make a model of what `arrays` gave.

        Raises:
            ChipgymError: where it is not that of so many features and targets, or has what is no finite number.
        """
        frame = Frame.from_arrays(arrays, designs, pairs, targets)
        if arrays["second"].ndim != 3 or not len(arrays["second"]):
            raise ChipgymError("second is not a matrix for each member")
        members, width, _ = arrays["second"].shape
        shapes = weight_shapes(len(OPERATOR_FEATURE_NAMES), designs, pairs, gates, frame.answers, width)
        for name in WEIGHTS:
            array, shape = arrays[name], (members, *shapes[name])
            if array.dtype != np.float32 or array.shape != shape or not np.isfinite(array).all():
                raise ChipgymError(f"{name} is not of {shape} finite numbers")
        return GnnEnsemble({name: arrays[name] for name in WEIGHTS}, frame)


def _mean(edges: Column, h: Column) -> Column:
    """Average over the edges that lead to each operator what they come from, 0 where there is none; (c, ...)."""
    total = np.zeros_like(h)
    np.add.at(total, edges[1], h[edges[0]])
    count = np.bincount(edges[1], minlength=len(h))
    out: Column = total / np.maximum(count, 1)[:, None]
    return out


def _silu(x: Column) -> Column:
    """Compute x σ(x), without an overflow far below 0."""
    out: Column = x * (0.5 * (1.0 + np.tanh(0.5 * x)))
    return out
