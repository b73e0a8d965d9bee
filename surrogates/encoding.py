"""Designs and workloads as rows of numbers that a model learns from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..datasets import Workload
from ..errors import ChipgymError, shorten, unknown
from ..simulators import Column, Columns, DesignSpace, Parameter

#: How the names of features begin that are the logarithm of a size.
SIZE_PREFIX = "log10_"


@dataclass(frozen=True)
class Encoder:
    """Turns columns of values and the features of a workload into features of a model.

    An ordinal knob is one number, its base-2 logarithm where the whole grid is positive; a categorical knob is a 0 or 1
    for each value of its grid. A knob with a single value is left out, and an inactive one stands at its default. The
    workload's features follow as they are.

    Attributes:
        space: of the designs; what a value may be.
        workload_features: names of the workload's features, in order.
    """

    space: DesignSpace
    workload_features: tuple[str, ...]

    @cached_property
    def design_names(self) -> tuple[str, ...]:
        """Names of the features that a design gives."""
        names: list[str] = []
        for p in self._free:
            if p.ordinal:
                names.append(f"log2_{p.name}" if _logarithmic(p) else p.name)
            else:
                names += [f"{p.name}={value}" for value in p.values]
        return tuple(names)

    @property
    def categorical(self) -> tuple[int, ...]:
        """Numbers of the features that are 0 or 1 for a value of a categorical knob."""
        width = [1 if p.ordinal else p.size for p in self._free]
        wide = np.repeat([not p.ordinal for p in self._free], width)
        return tuple(int(i) for i in np.flatnonzero(wide))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all features, those of the design first."""
        return (*self.design_names, *self.workload_features)

    @property
    def sizes(self) -> Column:
        """Which of the features are the logarithm of a size of the workload, as their names say, (s,)."""
        first = len(self.design_names)
        return np.array(
            [first + i for i, name in enumerate(self.workload_features) if name.startswith(SIZE_PREFIX)], dtype=np.int64
        )

    def designs(self, columns: Columns, n: int) -> Column:
        """Return features of complete columns of values, shape (n, d).

        Raises:
            ChipgymError: for a value of a categorical knob that is not on the grid, with the nearest that is.
        """
        folded, _ = self.space.columns(columns)
        places = dict(zip(self._categories.names, self._categories.positions(folded, n).T, strict=True))
        out: list[Column] = []
        for p in self._free:
            if p.name in places:
                out += [(places[p.name] == i).astype(np.float64) for i in range(p.size)]
            else:
                column = folded[p.name].astype(np.float64)
                out.append(np.log2(column) if _logarithmic(p) else column)
        return np.stack(out, axis=1) if out else np.empty((n, 0))

    def with_workload(self, designs: Column, features: Mapping[str, float]) -> Column:
        """Return features of designs (n, d) on one workload, shape (n, d + w)."""
        row = [features[name] for name in self.workload_features]
        return np.hstack([designs, np.tile(row, (len(designs), 1))])

    def check(self, workload: Workload) -> dict[str, float]:
        """Return the features of a workload.

        Raises:
            ChipgymError: where it has others than the model was trained with, or one that is no finite number.
        """
        found = workload.features()
        where = f"workload {workload.name}: of another kind than the model was trained with"
        for name in found:
            if name not in self.workload_features:
                raise ChipgymError(f"{where}; {unknown('feature', name, self.workload_features)}")
        for name in self.workload_features:
            if name not in found:
                raise ChipgymError(f"{where}; it has no feature {name}")
            if not math.isfinite(found[name]):
                raise ChipgymError(f"workload {workload.name}: {name} is {shorten(found[name])}, expected a number")
        return found

    @cached_property
    def _free(self) -> tuple[Parameter, ...]:
        return tuple(p for p in self.space.parameters if p.size > 1)

    @cached_property
    def _categories(self) -> DesignSpace:
        """The categorical knobs by themselves, for their values' places."""
        return DesignSpace(tuple(replace(p, condition=None) for p in self._free if not p.ordinal))


def _logarithmic(p: Parameter) -> bool:
    return all(not isinstance(v, str) and v > 0 for v in p.values)
