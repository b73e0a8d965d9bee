"""A loop-nest kernel: what a high-level synthesis tool is given."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ...errors import ChipgymError, shorten, unknown
from .checks import check_extent, check_name, settle
from .features import kernel_features
from .loop import Array, Loop

#: The label of the loop of one iteration that stands for the whole kernel.
ROOT = "top"


@dataclass(frozen=True, eq=False)
class Kernel:
    """Loops over arrays, with the pragmas that each loop offers as knobs.

    Attributes:
        name: for people.
        arrays: what the loops read and write.
        loops: in program order.
        statements: what stands outside all loops, as the body of a loop of one iteration; None where nothing does.
        origin: where the facts come from; no part of the kernel's identity.

    Raises:
        ChipgymError: a label comes twice, or an access names an array, dimension or loop that is not there.
    """

    name: str
    arrays: tuple[Array, ...]
    loops: tuple[Loop, ...]
    statements: Loop | None = None
    origin: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        check_name(self.name, "kernel name")
        settle(self, "arrays", f"kernel {self.name}", Array)
        settle(self, "loops", f"kernel {self.name}", Loop)
        if not self.loops:
            raise ChipgymError(f"kernel {self.name}: no loops, expected at least one")
        if self.statements is not None and not isinstance(self.statements, Loop):
            raise ChipgymError(f"statements of kernel {self.name}: {shorten(self.statements)} is not of type Loop")
        check_extent(f"kernel {self.name}", len(self.arrays), self.root)
        for what, names in (
            ("array", [a.name for a in self.arrays]),
            ("loop", [ROOT, *(loop.label for loop in self.walk())]),
        ):
            for name, times in Counter(names).items():
                if times > 1:
                    raise ChipgymError(f"kernel {self.name}: two {what}s are called {name!r}")
        self._check(self.root, ())

    def __repr__(self) -> str:
        return f"Kernel(name={self.name!r}, loops={len(list(self.walk()))})"

    def _check(self, loop: Loop, around: tuple[str, ...]) -> None:
        shapes = {a.name: a.shape for a in self.arrays}
        labels = around if loop.label == ROOT else (*around, loop.label)
        for access in loop.accesses:
            if access.array not in shapes:
                raise unknown(f"array in {access} of loop {loop.label}:", access.array, shapes)
            if len(access.index) != len(shapes[access.array]):
                raise ChipgymError(
                    f"kernel {self.name}: {access} has {len(access.index)} indices, "
                    f"expected {len(shapes[access.array])} for {access.array}"
                )
            for index in access.affine:
                for label in index.counters if index else ():
                    if label not in labels:
                        raise unknown(f"loop around {access} of loop {loop.label}:", label, labels)
        for inner in loop.loops:
            self._check(inner, labels)

    @cached_property
    def root(self) -> Loop:
        """The whole kernel as a loop of one iteration."""
        return replace(self.statements or Loop(ROOT, 1), loops=self.loops)

    def walk(self) -> Iterator[Loop]:
        """Yield every loop, outermost first, in program order."""
        for loop in self.loops:
            yield from loop.walk()

    def array(self, name: str) -> Array:
        """Return the array called `name`."""
        return next(a for a in self.arrays if a.name == name)

    @cached_property
    def digest(self) -> str:
        """sha256 in hex of what is computed; name and origin are left out."""
        content = {"arrays": [_plain(a) for a in self.arrays], "root": _plain(self.root)}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Kernel) and (self.name, self.digest) == (other.name, other.digest)

    def __hash__(self) -> int:
        return hash((self.name, self.digest))

    def features(self) -> dict[str, float]:
        """Compute the numbers that describe the kernel, under the keys `KERNEL_FEATURE_NAMES`, all finite."""
        return kernel_features(self.arrays, self.root)


def _plain(part: Any) -> Any:
    """Return dataclasses, tuples and mappings as JSON has them; an access as its text."""
    if hasattr(part, "index") and hasattr(part, "array"):
        return str(part)
    if hasattr(part, "__dataclass_fields__"):
        return {name: _plain(getattr(part, name)) for name in part.__dataclass_fields__}
    if isinstance(part, tuple):
        return [_plain(one) for one in part]
    if hasattr(part, "items"):
        return {key: value for key, value in part.items() if value}
    return part
