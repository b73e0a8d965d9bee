"""The base of all operators: what each one answers about itself, and the checks its fields share.

Shapes are per sample: no operator sees the batch dimension, which the network carries.
"""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Sequence
from typing import Any, ClassVar

from ...errors import ChipgymError, shorten

Shape = tuple[int, ...]

#: No dimension, kernel size or batch beyond this: larger numbers are typing mistakes, and kernels index with int32.
MAX_DIMENSION = 2**31 - 1
#: No tensor has more elements than this, so that sums over a network stay exact in int64 and float64.
MAX_ELEMENTS = 2**48


class Operator:
    """One kind of operation with its attributes; subclasses are frozen dataclasses.

    Subclasses implement `infer`, and `macs` and `parameters` where those are not 0.
    """

    __slots__ = ()
    #: Number of inputs; operators that take a varying number override `check_arity`.
    arity: ClassVar[int] = 1
    #: Whether the operator is matrix products, which run on a multiply-accumulate array.
    matrix: ClassVar[bool] = False

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        """Return the output's shape for inputs of these shapes.

        Raises:
            ChipgymError: the inputs do not fit the operator.
        """
        raise NotImplementedError

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Count the multiply-accumulates for one sample; 0 for an operator without matrix products."""
        return 0

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        """Count the trained numbers that the operator owns (running statistics are not trained)."""
        return 0

    def attributes(self) -> dict[str, Any]:
        """Return the fields by name, as JSON-ready values."""
        # dataclasses.fields wants a dataclass, which every concrete operator is.
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}  # type: ignore[arg-type]

    @property
    def type_name(self) -> str:
        """The operator's name, e.g. "Conv2d"."""
        return type(self).__name__

    def check_arity(self, inputs: tuple[Shape, ...]) -> None:
        """Raise ChipgymError unless the number of inputs is right."""
        if len(inputs) != self.arity:
            raise ChipgymError(f"{self.type_name} takes {self.arity} input(s), got {len(inputs)}")

    # The checks below replace a field by its plain-int form, so that a numpy integer or a list passes and the content
    # hash sees one form of each value.
    def _int(self, field: str, minimum: int = 1) -> None:
        object.__setattr__(self, field, integer(f"{self.type_name} {field}", getattr(self, field), minimum))

    def _ints(self, field: str, length: int | None, minimum: int = 1) -> None:
        values = integers(f"{self.type_name} {field}", getattr(self, field), length, minimum)
        object.__setattr__(self, field, values)

    def _bool(self, field: str) -> None:
        value = getattr(self, field)
        if not isinstance(value, bool):
            raise ChipgymError(f"{self.type_name} {field}: expected True or False, got {shorten(value)}")


def integer(what: str, value: object, minimum: int = 1) -> int:
    """Return `value` as an int within [minimum, MAX_DIMENSION], or raise a ChipgymError that names `what`."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise ChipgymError(f"{what}: expected an integer, got {shorten(value)}") from None
    if not minimum <= number <= MAX_DIMENSION:
        raise ChipgymError(f"{what}: expected an integer from {minimum} to {MAX_DIMENSION}, got {shorten(number)}")
    return number


def integers(what: str, values: object, length: int | None = None, minimum: int = 1) -> tuple[int, ...]:
    """Return `values` as a tuple of ints of the given length (any when None).

    Raises:
        ChipgymError: naming `what`, for anything else or an int outside [minimum, MAX_DIMENSION].
    """
    count = "integers" if length is None else f"{length} integers"
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise ChipgymError(f"{what}: expected a tuple of {count}, got {shorten(values)}")
    if length is not None and len(values) != length:
        raise ChipgymError(f"{what}: expected a tuple of {count}, got {shorten(values)}")
    return tuple(integer(what, v, minimum) for v in values)


def elements(shape: Shape) -> int:
    """Return the number of elements of a tensor; 1 for a scalar."""
    return math.prod(shape)


def rank(kind: str, shape: Shape, minimum: int, layout: str) -> None:
    """Raise ChipgymError unless `shape` has at least `minimum` dimensions, in the layout named."""
    if len(shape) < minimum:
        raise ChipgymError(f"{kind} input: expected shape {layout}, got {shape}")
