"""Bayesian optimisation by BoTorch (Balandat et al., NeurIPS 2020) on a grid."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from botorch.acquisition.acquisition import AcquisitionFunction
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ....errors import count
from ....simulators import Evaluation, Indices, Problem
from ....simulators.core.parameter import Column
from ..base import Agent
from ..history import History
from ..local_search import climbed, several, starts
from ..neighborhoods import Exchange, Scale
from ..outcomes import ranked
from .models import acquisition, uncompiled

# Designs that the models are fitted to at most: their time grows with its cube.
MOST_FITTED = 300
# Random designs, of which so many of the best begin local searches; as many begin at designs told.
DRAWS, STARTS = 256, 4
# Rows that an acquisition function is asked of at a time.
AT_ONCE = 512


class BotorchAgent(Agent):
    """A Gaussian process for each objective and for the limits, and BoTorch's acquisition functions over them.

    One objective: constrained `qLogExpectedImprovement`; several: `qLogNoisyExpectedHypervolumeImprovement`. Objectives
    are modelled as log10, the limits as the signed excess beyond them. An ordered knob is its place on the grid,
    scaled to [0, 1], and another is one-hot. The designs of a batch are chosen one after the other, each with those
    before it as pending, by local searches over the grid.

    Args:
        problem: what is searched.
        seed: a whole number ≥ 0.
        n_startup_trials: random designs before the first model.
    """

    batch = 4

    def __init__(self, problem: Problem, seed: int = 0, *, n_startup_trials: int = 12) -> None:
        super().__init__(problem, seed)
        self._startup = count("n_startup_trials", n_startup_trials, 2)
        self._scale = Scale(problem.space)
        self._exchange = Exchange(problem.space)
        self._history = History(problem)

    def tell(self, designs: Indices, evaluation: Evaluation) -> None:
        """Remember what the models are fitted to."""
        self._history.add(designs, evaluation)

    def propose(self, n: int, rng: np.random.Generator) -> Indices:
        """Return what the acquisition function finds worth most, shape (n, p), or random rows."""
        rows = self.problem.space.sample(n, rng)
        if len(self._history) < self._startup or not self._scale.width:
            return rows
        with _alone(int(rng.integers(2**31))):
            found = self._found(n, rng)
        rows[: len(found)] = found
        return rows

    def _found(self, n: int, rng: np.random.Generator) -> Indices:
        """Return at most `n` new rows, chosen one after the other."""
        history = self._history
        cost = history.values.sum(axis=1)
        taken = history.selected(MOST_FITTED, cost, rng)
        function = acquisition(
            self._scale(history.rows[taken]),
            history.values[taken],
            history.excess[taken],
            history.feasible[taken],
            int(rng.integers(2**31)),
        )
        told = history.rows[ranked(cost, history.violation)]
        chosen: Indices = np.empty((0, self.problem.space.sizes.size), dtype=np.int64)
        for _ in range(n):
            draws = self.problem.space.sample(DRAWS, rng)

            def worth(rows: Indices) -> Column:
                return self._worth(function, rows)

            looked, value = climbed(worth, starts(worth, told, draws, STARTS), self._exchange, rng)
            new = history.new(looked) & ~(looked[:, None] == chosen[None]).all(axis=2).any(axis=1)
            best = several(looked[new], value[new], 1, rng)
            if not len(best):
                break
            chosen = np.concatenate([chosen, best])
            function.set_X_pending(torch.from_numpy(self._scale(chosen)))
        return chosen

    def _worth(self, function: AcquisitionFunction, rows: Indices) -> Column:
        """Return what an acquisition function makes of rows (n, p), shape (n,)."""
        inputs = torch.from_numpy(self._scale(rows))[:, None, :]
        with torch.no_grad():
            parts = [function(part) for part in torch.split(inputs, AT_ONCE)]
        return np.asarray(torch.cat(parts).nan_to_num(nan=-torch.inf).numpy())


@contextmanager
def _alone(seed: int) -> Iterator[None]:
    """Compute on one thread, with torch's generator seeded and put back, and without BoTorch's warnings.

    Several threads wait for each other in many small products, and the order of a sum, and so its last bit, would
    depend on them.
    """
    with threadpool_limits(limits=1), torch.random.fork_rng(devices=[]), warnings.catch_warnings(), uncompiled():
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        yield
