"""Knobs as numbers: what models and measures of distance see of index rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...simulators import DesignSpace, Indices
from ...simulators.core.parameter import Column


@dataclass(frozen=True)
class Knobs:
    """The d knobs of a space that have a choice.

    There are two ways of seeing them. A model that takes any columns of numbers has `one_hot`. One with a lengthscale
    for each knob has `places`, of which `distances` knows that categories are equally far from each other.

    Attributes:
        columns: their positions in an index row, shape (d,).
        ordered: which have an order, shape (d,), bool; the others are categories.
        sizes: how many values each has, shape (d,).
    """

    columns: Indices
    ordered: np.ndarray[tuple[int], np.dtype[np.bool_]]
    sizes: Indices

    @staticmethod
    def of(space: DesignSpace) -> Knobs:
        """Take the knobs of a space that have more than one value."""
        columns = np.flatnonzero(space.sizes > 1)
        ordered = np.array([bool(space.parameters[j].ordinal) for j in columns], dtype=bool)
        return Knobs(columns, ordered, space.sizes[columns])

    def places(self, rows: Indices) -> Column:
        """Return index rows (n, p) as places from 0 to 1 on each knob's grid, shape (n, d)."""
        places: Column = rows[:, self.columns] / (self.sizes - 1.0)
        return places

    def one_hot(self, rows: Indices) -> Column:
        """Return index rows (n, p) as columns from 0 to 1, shape (n, width).

        First the places of knobs with an order or of two values, then one column for each category of the others.
        """
        single = self.ordered | (self.sizes == 2)
        places = self.places(rows)[:, single]
        out = np.empty((len(rows), places.shape[1] + len(self._categories)))
        out[:, : places.shape[1]] = places
        for column, (j, i) in enumerate(self._categories, start=places.shape[1]):
            out[:, column] = rows[:, j] == i
        return out

    @cached_property
    def _categories(self) -> list[tuple[int, int]]:
        """Position in a row and value of each category that has a column of its own."""
        several = ~self.ordered & (self.sizes > 2)
        knobs = zip(self.columns[several].tolist(), self.sizes[several].tolist(), strict=True)
        return [(j, i) for j, size in knobs for i in range(size)]

    def steps(self, rows: Indices, centre: Indices) -> Indices:
        """Return by knob how many grid steps rows (n, p) are from another, shape (n, d); another category is one."""
        apart = np.abs(rows - centre)[:, self.columns]
        steps: Indices = np.where(self.ordered, apart, np.minimum(apart, 1))
        return steps

    def squares(self, x: Column) -> Column:
        """Return the squared distance of each pair of places (n, d) in each knob, shape (d, n, n).

        That of different categories is 1.
        """
        gap = x.T[:, :, None] - x.T[:, None, :]
        squares: Column = np.where(self.ordered[:, None, None], gap * gap, gap != 0)
        return squares

    def distances(self, x: Column, others: Column, weights: Column) -> Column:
        """Return the weighted squared distances of places (n, d) to others (m, d), shape (n, m)."""
        root = np.sqrt(weights[self.ordered])
        a, b = x[:, self.ordered] * root, others[:, self.ordered] * root
        total: Column = np.maximum((a * a).sum(1)[:, None] + (b * b).sum(1)[None, :] - 2.0 * (a @ b.T), 0.0)
        for j in np.flatnonzero(~self.ordered):
            total += weights[j] * (x[:, j][:, None] != others[:, j][None, :])
        return total
