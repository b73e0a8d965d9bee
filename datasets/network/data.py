"""Operators that bring data in or move it without arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ...errors import ChipgymError, shorten
from .operator import Operator, Shape, elements, integer


@dataclass(frozen=True, slots=True)
class Input(Operator):
    """One sample of the network's input."""

    shape: Shape
    arity: ClassVar[int] = 0

    def __post_init__(self) -> None:
        self._ints("shape", None)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        """Return the sample's shape; there are no inputs."""
        return self.shape


@dataclass(frozen=True, slots=True)
class LearnedTensor(Operator):
    """A trained tensor that enters the graph as an activation: a class token, a position embedding."""

    shape: Shape
    arity: ClassVar[int] = 0

    def __post_init__(self) -> None:
        self._ints("shape", None)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        """Return the tensor's shape; there are no inputs."""
        return self.shape

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        """Count the tensor's elements, all of which are trained."""
        return elements(self.shape)


@dataclass(frozen=True, slots=True)
class Embedding(Operator):
    """Rows of a trained (num_embeddings, dim) table looked up by the integers of (...,): (..., dim)."""

    num_embeddings: int
    dim: int

    def __post_init__(self) -> None:
        self._int("num_embeddings")
        self._int("dim")

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        """Return (..., dim) for integers of shape (...,)."""
        return (*inputs[0], self.dim)

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        """Count the numbers of the table."""
        return self.num_embeddings * self.dim


@dataclass(frozen=True, slots=True)
class Reshape(Operator):
    """The same elements, in row-major order, under another shape."""

    shape: Shape

    def __post_init__(self) -> None:
        self._ints("shape", None)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        """Return the new shape.

        Raises:
            ChipgymError: it does not hold the input's elements.
        """
        if elements(inputs[0]) != elements(self.shape):
            raise ChipgymError(f"Reshape shape: {self.shape} does not hold the elements of {inputs[0]}")
        return self.shape


@dataclass(frozen=True, slots=True)
class Transpose(Operator):
    """Axes reordered: output axis i is input axis `permutation[i]`."""

    permutation: tuple[int, ...]

    def __post_init__(self) -> None:
        self._ints("permutation", None, minimum=0)
        if sorted(self.permutation) != list(range(len(self.permutation))):
            raise ChipgymError(f"Transpose permutation: expected each axis once, got {self.permutation}")

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        """Return the input's shape with its axes reordered.

        Raises:
            ChipgymError: the input has another number of axes.
        """
        if len(inputs[0]) != len(self.permutation):
            raise ChipgymError(f"Transpose permutation: {self.permutation} does not fit an input of shape {inputs[0]}")
        return tuple(inputs[0][axis] for axis in self.permutation)


@dataclass(frozen=True, slots=True)
class Concat(Operator):
    """Two or more tensors joined along `axis`, equal in every other dimension."""

    axis: int

    def __post_init__(self) -> None:
        self._int("axis", minimum=0)

    def check_arity(self, inputs: tuple[Shape, ...]) -> None:
        """Raise ChipgymError for fewer than two inputs."""
        if len(inputs) < 2:
            raise ChipgymError(f"Concat takes at least 2 inputs, got {len(inputs)}")

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        """Return the joined shape, its `axis` the sum of the inputs'.

        Raises:
            ChipgymError: an input lacks the axis, or they differ outside it.
        """
        first, axis = inputs[0], self.axis
        for shape in inputs:
            if axis >= len(shape):
                raise ChipgymError(f"Concat axis: {axis} is not an axis of an input of shape {shape}")
            if shape[:axis] + shape[axis + 1 :] != first[:axis] + first[axis + 1 :]:
                raise ChipgymError(f"Concat inputs: {first} and {shape} differ outside axis {axis}")
        return (*first[:axis], sum(shape[axis] for shape in inputs), *first[axis + 1 :])


@dataclass(frozen=True, slots=True)
class Slice(Operator):
    """Positions `start` to `stop` (exclusive) along `axis`."""

    axis: int
    start: int
    stop: int

    def __post_init__(self) -> None:
        self._int("axis", minimum=0)
        self._int("start", minimum=0)
        self._int("stop")
        integer("Slice stop - start", self.stop - self.start)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        """Return the input's shape with `stop - start` positions along `axis`.

        Raises:
            ChipgymError: the positions are outside the input.
        """
        shape = inputs[0]
        if self.axis >= len(shape) or self.stop > shape[self.axis]:
            raise ChipgymError(f"Slice: axis {self.axis} from {self.start} to {self.stop} is outside shape {shape}")
        return (*shape[: self.axis], self.stop - self.start, *shape[self.axis + 1 :])


@dataclass(frozen=True, slots=True)
class Generic(Operator):
    """An operation without a type of its own: reads its inputs and writes a tensor of `shape`.

    `kind` names it for people ("Resize", "Gather"); `operations` is what each output element takes of a vector unit,
    0 where words only move.
    """

    kind: str
    shape: Shape
    operations: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.kind, str) or not self.kind:
            raise ChipgymError(f"Generic kind: expected a text, got {shorten(self.kind)}")
        self._ints("shape", None)
        self._int("operations", minimum=0)

    def check_arity(self, inputs: tuple[Shape, ...]) -> None:
        """Raise ChipgymError where there is no input."""
        if not inputs:
            raise ChipgymError("Generic takes at least 1 input, got 0")

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        """Return the shape that the operation was given."""
        return self.shape
