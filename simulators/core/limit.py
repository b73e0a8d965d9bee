"""What a design must stay within: the words for why it cannot be built or used, and by how much."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit and what a design has of what is limited.

    Attributes:
        name: the knob, metric or product that is limited.
        value: what the design has.
        limit: what it may have at most, or with `upper` False at least.
        upper: whether the limit is a maximum.
        unit: of value and limit; empty for a plain number.
    """

    name: str
    value: float
    limit: float
    upper: bool = True
    unit: str = ""

    def __post_init__(self) -> None:
        for name in ("value", "limit"):  # plain numbers, wherever they come from
            object.__setattr__(self, name, float(getattr(self, name)))

    @property
    def broken(self) -> bool:
        """Whether the design is beyond the limit."""
        return self.value > self.limit if self.upper else self.value < self.limit

    def __str__(self) -> str:
        side = "above the limit of" if self.upper else "below the least of"
        return f"{self.name} is {self.value:.6g}, {side} {self.limit:.6g} {self.unit}".rstrip()
