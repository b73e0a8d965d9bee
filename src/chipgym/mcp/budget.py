"""How many designs a server evaluates for its clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import ChipgymError


@dataclass
class Budget:
    """A number of evaluations that all problems of a server share.

    Attributes:
        limit: designs that may be evaluated, those that a store has already included; None for any number.
        spent: how many were.
    """

    limit: int | None
    spent: int = 0

    @property
    def left(self) -> int | None:
        """How many more designs may be evaluated; None for any number."""
        return None if self.limit is None else max(self.limit - self.spent, 0)

    def check(self, wanted: int) -> None:
        """Check that so many new designs may be evaluated.

        Raises:
            ChipgymError: saying how many are left; nothing has been evaluated then.
        """
        if self.left is None or wanted <= self.left:
            return
        what = f"{wanted} new design{'s' if wanted > 1 else ''}"
        raise ChipgymError(
            f"budget: {what} asked for, {self.left} of {self.limit} evaluations are left; "
            + ("designs that were evaluated are answered for nothing" if not self.left else f"nearest is {self.left}"),
            field="budget", value=wanted, expected=f"at most {self.left} new designs", nearest=self.left,
            code="budget_spent",
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Return what a client is told of it."""
        return {"limit": self.limit, "spent": self.spent, "left": self.left}
