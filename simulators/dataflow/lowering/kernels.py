"""A kernel and an edge of an operator graph."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import columns as c
from ..model.policies import NO_COLLECTIVE

#: Name of the kernel that brings in what a graph reads.
INPUT = "input"


@dataclass(frozen=True)
class Kernel:
    """One kernel; the meaning of each number is at its column in `model/columns.py`. Bytes and rows are per sample.

    Attributes:
        positions: rows of its output that can come one after another.
        whole_sample: whether the first of them needs the whole sample, as that of a global average does.
    """

    name: str
    kind: int
    rows: float
    cols: float = 1.0
    inner: float = 1.0
    count: float = 1.0
    shared: bool = True
    ops: float = 0.0
    weights: float = 0.0
    stream: float = 0.0
    write: float = 0.0
    out: float = 0.0
    hold: float = 0.0
    split_rows: int = 1
    split_cols: int = 1
    split_inner: int = 1
    split_count: int = 1
    collect: int = NO_COLLECTIVE
    cache: bool = False
    experts: int = 0
    active: int = 0
    routed: float = 0.0
    far: bool = False
    send: float = 0.0
    positions: float = 1.0
    whole_sample: bool = False

    @property
    def macs(self) -> float:
        """Multiply-accumulates per sample."""
        return self.rows * self.cols * self.inner * self.count if self.kind == c.PRODUCT else 0.0

    def row(self) -> tuple[float, ...]:
        """Return it as a row of the matrix of kernels."""
        return (
            self.kind, self.rows, self.cols, self.inner, self.count, self.shared, self.ops, self.weights, self.stream,
            self.write, self.out, self.hold, self.split_rows, self.split_cols, self.split_inner, self.split_count,
            self.collect, self.cache, self.experts, self.active, self.routed, self.far, self.send,
        )  # fmt: skip


@dataclass(frozen=True)
class Edge:
    """Producer and consumer by number; with `barrier` the consumer needs the whole sample before its first tile."""

    producer: int
    consumer: int
    barrier: bool = False
