"""What measuring adds to a foretold quantity: a Gaussian process of where the foretelling was wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....simulators import DesignSpace, Indices
from ....simulators.core.parameter import Column
from ..process import GaussianProcess, conditioned

# Grid steps over which what was measured still tells of its neighbours, and steps that another category is away.
LENGTH = 2.0
CATEGORY = 2.0
# Share of the variance that single knobs explain; the rest is theirs together.
_ALONE = 0.7
# Variance of what no kernel explains, over that of the process.
_NOISE = 1e-3
# Least standard deviation that errors are taken to have, in the unit of what is corrected.
_LEAST = 0.1


def corrections(space: DesignSpace, centre: Indices, rows: Indices, errors: Column) -> GaussianProcess:
    """Learn the errors of a model, measured at some designs, to tell those of others.

    Args:
        space: that the designs are of.
        centre: where the model is right, shape (p,).
        rows: that were measured, shape (n, p).
        errors: measured minus foretold, shape (n,).

    Returns:
        A process over index rows, whose mean is to be added to what is foretold.
    """
    scale = max(_LEAST, float(np.sqrt(np.mean(errors**2))) if len(errors) else 0.0)
    # The errors' scale is that of the process, whose variance is therefore 1.
    return conditioned(CentredKernel.around(space, centre), _NOISE, rows, errors, 0.0, scale, np.inf)


@dataclass(frozen=True)
class CentredKernel:
    """A sum of a kernel per knob, centred at a design where nothing is wrong, and their product.

    A knob whose effect was misjudged once is misjudged in other company too (additive kernels: Duvenaud, Nickisch and
    Rasmussen, NeurIPS 2011). Lengths are fixed: a handful of designs around one tell nothing of them, for which the
    Matérn kernel of whole searches has them learnt.

    Attributes:
        centre: the design, shape (p,).
        tables: by knob how alike two of its values are, (size, size), 1 of the same; by position in a row.
    """

    centre: Indices
    tables: dict[int, Column]

    @staticmethod
    def around(space: DesignSpace, centre: Indices) -> CentredKernel:
        """Make the kernel of the knobs of a space that have a choice."""
        knobs = {j: p for j, p in enumerate(space.parameters) if p.size > 1}
        return CentredKernel(centre, {j: _similarity(p.size, bool(p.ordinal)) for j, p in knobs.items()})

    def __call__(self, a: Indices, b: Indices) -> Column:
        """Return the covariance of rows (n, p) and (m, p) over the variance, shape (n, m)."""
        alone, together = np.zeros((len(a), len(b))), np.ones((len(a), len(b)))
        for j, table in self.tables.items():
            centre, x, y = self.centre[j], a[:, j], b[:, j]
            if (x == centre).all():  # so of most knobs, of which a space may have many: alone it is 0
                together *= table[centre, y][None, :]
                continue
            near = table[x[:, None], y[None, :]]
            alone += near - table[x, centre][:, None] - table[centre, y][None, :] + 1.0
            together *= near
        out: Column = _ALONE * alone / 2 + (1 - _ALONE) * together
        return out

    def own(self, a: Indices) -> Column:
        """Return the variance at rows over that of the process, (n,)."""
        alone = np.zeros(len(a))
        for j, table in self.tables.items():
            alone += 2.0 * (1.0 - table[a[:, j], self.centre[j]])
        out: Column = _ALONE * alone / 2 + (1 - _ALONE)
        return out


def _similarity(size: int, ordinal: bool) -> Column:
    """Return how alike two values of a knob are, (size, size): 1 of the same."""
    at = np.arange(size)
    apart = np.abs(at[:, None] - at[None, :]) if ordinal else CATEGORY * (at[:, None] != at[None, :])
    out: Column = np.exp(-0.5 * (apart / LENGTH) ** 2)
    return out
