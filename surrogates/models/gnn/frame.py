"""What stands around the graph model's weights: the scale of its features, and how targets are put together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from ....datasets import OPERATOR_FEATURE_NAMES, SIZE_NAMES
from ....errors import ChipgymError
from ....simulators import Column
from ...target import Target
from .graph import OperatorGraph
from .rows import GraphRows

# What an operator's part of an amount may be taken to be proportional to, before anything is learned.
_WORKS: tuple[tuple[str, ...], ...] = (
    ("macs", "output_words"), ("macs",), ("input_words",), ("weight_words",), ("output_words",),
    ("input_words", "weight_words", "output_words"),
)  # fmt: skip
# Flags of how a target is put together: a sum, a mean that begins with work over time, and its scale.
_SUM, _RATE, _LOG1P, _LINEAR = 1, 2, 4, 8
# Designs of each network that the pairs' scale is taken from.
_ENOUGH = 256
# The scale of a feature that was always the same: another value of it then says nothing.
_CONSTANT = 1e9


@dataclass(frozen=True, eq=False)
class Frame:
    """Scales and readouts; a model's answers are two numbers, f for each operator and target, and a for each mean.

    A target that is an amount is Σ exp f over operators, as often as they occur. Any other is the mean of exp f (or of
    f, of a target learned as it is), with weights exp a times what the operator has of the first amount, its time. f is
    the answer times `width` and added to `level`; that of an amount begins with the logarithm of the work, such as
    multiply-accumulates, which explains best how networks differ in it, and that of a mean with work over time where
    this explains more than a constant does.

    Attributes:
        node_shift, node_scale: standardisation of operators' features, (f,).
        design_shift, design_scale: of designs', (d,).
        pair_shift, pair_scale: of pairs', (p,).
        level: (t,), in natural units of each target's scale.
        width: standard deviation of each target, (t,).
        centre: mean of each target, (t,).
        work: which of `_WORKS`, (t,), int8.
        readout: flags, (t,), int8.
    """

    node_shift: Column
    node_scale: Column
    design_shift: Column
    design_scale: Column
    pair_shift: Column
    pair_scale: Column
    level: Column
    width: Column
    centre: Column
    work: Column
    readout: Column

    @staticmethod
    def of(rows: GraphRows, z: Column, targets: Sequence[Target], amounts: Collection[str]) -> Frame:
        """Make the frame of designs with standardised targets z (n, t), of which `amounts` add up over operators."""
        used = np.unique(rows.graph)
        graphs = [rows.graphs[g] for g in used]
        pairs = []
        for g, graph in zip(used, graphs, strict=True):
            knobs = rows.knobs[rows.graph == g]
            found = rows.pairing.features(graph.sizes, knobs[:: max(1, len(knobs) // _ENOUGH)])
            pairs.append(found.reshape(-1, rows.pairing.width))
        readout = np.array([_flags(target, amounts) for target in targets], dtype=np.int8)
        summed = readout & _SUM > 0
        width, centre = (np.array([getattr(t, name) for t in targets]) for name in ("width", "centre"))
        # How far a network's mean of each target is from what it has of each work: equal on all where that is right.
        means = np.stack([(z[rows.graph == g] * width + centre).mean(axis=0) for g in used])
        shares = np.stack([np.log((_works(graph) * graph.counts[:, None]).sum(axis=0)) for graph in graphs])
        gaps = means[:, :, None] - shares[:, None, :]  # (networks, t, works)
        if summed.any():
            gaps[:, ~summed] += means[:, summed.argmax(), None, None]
        work = gaps.std(axis=0).argmin(axis=1)
        chosen = gaps[:, np.arange(len(targets)), work]
        rate = (readout == 0) & summed.any() & (chosen.std(axis=0) < means.std(axis=0))
        return Frame(
            *_standard(np.concatenate([graph.features for graph in graphs])),
            *_standard(rows.design),
            *_standard(np.concatenate(pairs)),
            np.where(summed | rate, chosen.mean(axis=0), centre),
            width,
            centre,
            work.astype(np.int8),
            np.where(rate, _RATE, readout).astype(np.int8),
        )

    @property
    def order(self) -> Column:
        """Numbers of the targets in the order of the answers, the amounts first, (t,)."""
        return np.argsort(self.readout & _SUM == 0, kind="stable")

    @property
    def amounts(self) -> int:
        """How many targets add up."""
        return int(np.count_nonzero(self.readout & _SUM))

    @property
    def rate(self) -> Column:
        """Which targets begin with work over time, (t,), bool."""
        found: Column = self.readout & _RATE > 0
        return found

    @property
    def log1p(self) -> Column:
        """Which targets are learned as ln(1 + y / unit), (t,), bool."""
        found: Column = self.readout & _LOG1P > 0
        return found

    @property
    def linear(self) -> Column:
        """Which targets are learned as they are, (t,), bool."""
        found: Column = self.readout & _LINEAR > 0
        return found

    @property
    def answers(self) -> int:
        """How many numbers a model gives for an operator on a design: f of the targets in order, a of the means."""
        return 2 * len(self.centre) - self.amounts

    def base(self, graph: OperatorGraph) -> Column:
        """Return what f begins with for each operator and target, (c, t)."""
        share = np.log(_works(graph))[:, self.work]
        return np.where(self.readout & (_SUM | _RATE), share, 0.0) + self.level

    def read(self, answers: Column, base: Column, log_counts: Column) -> Column:
        """Compute standardised targets (t,) of a design from operators' answers (c, answers); log_counts is (c, 1)."""
        t, amounts, order = len(self.centre), self.amounts, self.order
        f, a = answers[:, :t] * self.width[order] + base[:, order], answers[:, t:] + log_counts
        sums, means = _log_sum(f[:, :amounts] + log_counts), f[:, amounts:]
        if amounts:
            time = f[:, :1]
            a, means = a + time, means - np.where(self.rate[order[amounts:]], time, 0.0)
        weight = a - _log_sum(a)
        linear = self.linear[order[amounts:]]
        out = np.empty(t)
        out[order[:amounts]] = sums
        out[order[amounts:]] = np.where(linear, (np.exp(weight) * means).sum(axis=0), _log_sum(means + weight))
        out = np.where(self.log1p, np.logaddexp(0.0, out), out)
        standard: Column = (out - self.centre) / self.width
        return standard

    def arrays(self) -> dict[str, Column]:
        """Return all of the frame as arrays by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @staticmethod
    def from_arrays(arrays: Mapping[str, Column], designs: int, pairs: int, targets: int) -> Frame:
        """Make a frame of what `arrays` gave.

        Raises:
            ChipgymError: where it is not that of so many features and targets, or has what is no finite number.
        """
        lengths = {"node": len(OPERATOR_FEATURE_NAMES), "design": designs, "pair": pairs}
        for f in fields(Frame):
            array = arrays[f.name]
            shape = (lengths.get(f.name.partition("_")[0], targets),)
            kind = np.int8 if f.name in ("work", "readout") else np.float64
            if array.dtype != kind or array.shape != shape or not np.isfinite(array).all():
                raise ChipgymError(f"{f.name} is not of {shape} finite numbers")
            if (f.name.endswith("scale") or f.name == "width") and (array <= 0).any():
                raise ChipgymError(f"{f.name} is not positive")
        out = Frame(**{f.name: arrays[f.name] for f in fields(Frame)})
        if (out.work < 0).any() or (out.work >= len(_WORKS)).any():
            raise ChipgymError("work is none that there is")
        return out


def _flags(target: Target, amounts: Collection[str]) -> int:
    """Tell how a target is put together, as flags."""
    if target.scale == "linear":  # what is negative at times is no amount
        return _LINEAR
    return _SUM * (target.name in amounts) | _LOG1P * (target.scale == "log1p")


def _works(graph: OperatorGraph) -> Column:
    """Return each operator's part of each of `_WORKS`, (c, works)."""
    parts = [graph.sizes[:, [SIZE_NAMES.index(name) for name in names]].sum(axis=1) for names in _WORKS]
    return np.stack(parts, axis=1)


def _standard(features: Column) -> tuple[Column, Column]:
    """Return means and standard deviations, each (f,)."""
    scale = features.std(axis=0)
    return features.mean(axis=0), np.where(scale > 1e-9, scale, _CONSTANT)


def _log_sum(x: Column) -> Column:
    """Compute ln Σ exp x over operators, (t,)."""
    top = x.max(axis=0)
    out: Column = top + np.log(np.exp(x - top).sum(axis=0))
    return out
