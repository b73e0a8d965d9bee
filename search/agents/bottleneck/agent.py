"""Bottleneck-guided search: read what binds the best design, turn the knobs that loosen it, keep what helps."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar

import numpy as np

from ....errors import ChipgymError
from ....simulators import Bottleneck, Evaluation, Indices, Problem
from ....simulators.core.parameter import Column
from ..base import Agent
from ..history import History
from ..improvement import log_improvement
from ..knobs import Knobs
from ..neighborhoods import Exchange
from ..outcomes import losses
from .forecast import Forecast, measured_sides, score
from .parts import PartModel, knob_names, sides_of

# Decades below which a gain is not worth an evaluation while others may be had.
WORTHWHILE = 0.005
# Single changes that are combined in pairs, and rounds of changes on top of the best.
PAIRED = 16
ROUNDS = 12
# Grid steps that a proposal is from the best design, all knobs together: at first, at least and at most.
FIRST_REACH, LEAST_REACH, MOST_REACH = 4.0, 1.0, 24.0
# By how much the reach grows where a foretold gain comes true, and shrinks where it does not.
GROWN, SHRUNK = 1.5, 0.7
# Evaluations without a better design after which it looks further: at this reach, then twice as far, and so on.
PATIENCE, FAR_REACH = 8, 8.0
# Share of a foretold gain that has to come true for the reach to grow.
GOOD = 0.3


class BottleneckAgent(Agent):
    """A deterministic architect: no seed changes what it does as long as there is a change left to try.

    It begins with the default design. Of the best design so far it reads what binds (`Simulator.bottlenecks`): the
    parts of the metrics that the objective and the constraints are made of, and the knobs that each goes with. They
    foretell what other designs are worth (`PartModel`); what was measured corrects that (`corrections`). The design
    proposed is the best that is foretold within a number of grid steps, which grows where a foretold gain comes true
    and shrinks where it does not, as in trust-region methods (Conn, Gould and Toint, 2000).

    A simulator that does not break its answers down foretells nothing: measurements alone then tell what matters.
    Reading a breakdown runs the simulator once more on a design that was evaluated already, and counts for no
    evaluation. A table has the breakdown of the simulator that it was collected from, where that can be made again.

    The idea is that of Explainable-DSE (Dave, Nowatzki and Shrivastava, ASPLOS 2023) and of AutoDSE's coordinate search
    guided by bottlenecks (Sohrabizadeh et al., ACM TODAES 27(4), 2022).
    """

    batch = 1
    several_objectives: ClassVar[bool] = False
    seeded: ClassVar[bool] = False

    def __init__(self, problem: Problem, seed: int = 0) -> None:
        super().__init__(problem, seed)
        self._knobs, self._exchange = Knobs.of(problem.space), Exchange(problem.space)
        self._history = History(problem)
        self._losses = np.empty(0)
        self._sides: Column = np.empty((0, 1 + len(sides_of(problem))))
        self._best = -1
        self._metrics: Mapping[str, float] = {}  # of the best
        self._reach, self._stale = FIRST_REACH, 0
        self._reasons: list[str] = []

    def propose(self, n: int, rng: np.random.Generator) -> Indices:
        """Return the `n` designs foretold to be best that were not told yet, then mutations of the best."""
        space = self.problem.space
        first = space.default_indices[None] if self._best < 0 else np.empty((0, len(space.parameters)), dtype=np.int64)
        best = self._centre
        return self._history.novel.filled(
            n,
            rng,
            lambda k: first,
            lambda k: self._candidates(rng),
            lambda k: space.mutate(np.repeat(best[None], k, axis=0), rng),
        )

    def tell(self, designs: Indices, evaluation: Evaluation) -> None:
        """Compare with what was foretold, and take the best of all."""
        history, metrics = self._history, evaluation.metrics
        foretold = self._forecast.scores(designs)[0] if self._best >= 0 else None
        before = len(history)
        new = history.add(designs, evaluation)
        loss = losses(self.problem, evaluation)
        sides = measured_sides(self.problem, designs, evaluation)[new]
        self._losses = np.append(self._losses, loss[new])
        self._sides = np.vstack([self._sides, sides])
        for at, i in enumerate(new.tolist(), start=before):
            if foretold is not None:
                self._adapt(at, float(foretold[i]))
            self._stale += 1
            if self._stale % PATIENCE == 0:
                self._reach = min(FAR_REACH * (self._stale // PATIENCE), MOST_REACH)
            if self._best < 0 or self._losses[at] < self._losses[self._best]:
                if self._best >= 0:
                    self._reasons.append(self._reason(at))
                self._best, self._stale = at, 0
                self._metrics = {name: float(column[i]) for name, column in metrics.items()}
                self._forget("_bottlenecks", "_parts")
        self._forget("_forecast")

    def explanation(self) -> tuple[str, ...]:
        """Say which change of which knobs helped, and what it was for."""
        return tuple(self._reasons)

    def _forget(self, *names: str) -> None:
        """Have cached properties worked out anew: what they follow from has changed."""
        for name in names:
            self.__dict__.pop(name, None)

    def _adapt(self, at: int, foretold: float) -> None:
        """Set the reach by whether the gain that was foretold of the design told at `at` has come true."""
        here = self._score_of(self._best)
        gain, hoped = here - self._score_of(at), here - foretold
        if hoped <= 0:
            return
        if gain >= GOOD * hoped:
            self._reach = min(self._reach * GROWN, MOST_REACH)
        elif gain <= 0:
            self._reach = max(self._reach * SHRUNK, LEAST_REACH)

    def _reason(self, at: int) -> str:
        """Say what a design that is better than the best so far has changed, and why."""
        history = self._history
        before, row = history.rows[[self._best, at]]
        changed = ", ".join(f"{name} {what}" for name, what in knob_names(self.problem.space, before, row).items())
        cause = next((str(b) for b in self._binding if self._helps(b, before, row)), "what was measured says so")
        was = 10 ** (history.values[at, 0] - history.values[self._best, 0]) - 1
        feasible = history.violation[at] <= 0
        gain = f"{was:+.1%}" if np.isfinite(was) else "feasible" if feasible else "nearer to feasible"
        return f"evaluation {at + 1}: {cause}; {changed}: {gain}"

    def _helps(self, b: Bottleneck, before: Indices, after: Indices) -> bool:
        """Tell whether a change is one of those that loosen a bottleneck."""
        names = self.problem.space.names
        for remedy in b.remedies:
            if remedy.knob in names:
                j = names.index(remedy.knob)
                step = int(after[j]) - int(before[j])
                if step and (remedy.change == "try" or (step > 0) == (remedy.change == "raise")):
                    return True
        return False

    # --- the best design, and what it foretells -------------------------------------------------------------------

    @property
    def _centre(self) -> Indices:
        """The best design's row; the default's where nothing is told."""
        return self._history.rows[self._best] if self._best >= 0 else self.problem.space.default_indices

    @cached_property
    def _bottlenecks(self) -> tuple[Bottleneck, ...]:
        """What binds the best design, of all metrics."""
        try:
            return self.problem.simulator.bottlenecks(self.problem.space.design(self._centre))
        except ChipgymError:  # it is an architect's reading, not an evaluation: without one, measurements remain
            return ()

    @property
    def _binding(self) -> tuple[Bottleneck, ...]:
        """What binds the best design in this problem, the heaviest first."""
        try:
            return self.problem.bottlenecks(self.problem.space.design(self._centre))
        except ChipgymError:
            return ()

    @cached_property
    def _parts(self) -> PartModel:
        return PartModel(self.problem, self._centre, self._metrics, self._bottlenecks)

    @cached_property
    def _forecast(self) -> Forecast:
        return Forecast(self._parts, self._history, self._sides, self._best)

    def _score_of(self, at: int) -> float:
        return float(score(self._history.values[[at], 0], self._history.violation[[at]])[0])

    def _worth(self, rows: Indices) -> Column:
        """Return the logarithm of the expected gain of rows over the best, (n,), beyond what is worthwhile."""
        if self._best < 0:
            return np.zeros(len(rows))
        scores, spread = self._forecast.scores(rows)
        return log_improvement(self._score_of(self._best) - WORTHWHILE - scores, spread)

    # --- which designs are thought of -----------------------------------------------------------------------------

    def _candidates(self, rng: np.random.Generator) -> Indices:
        """Return new rows within reach of the best, best first: single changes, pairs, and chains of the best.

        Where none is within reach it is those beyond.
        """
        space, best = self.problem.space, self._centre
        single = self._changes(best, rng)
        tried = [single, self._paired(single)]
        current, most = best, -np.inf
        for _ in range(ROUNDS):  # coordinate ascent of what is foretold
            steps = self._changes(current, rng)
            if not len(steps):
                break
            worth = self._worth(steps)
            if worth.max() <= most:
                break
            most, current = float(worth.max()), steps[int(worth.argmax())]
            tried.append(steps)
        rows = self._history.novel.new(space.canonicalize(np.concatenate(tried)))
        near = self._knobs.steps(rows, best).sum(axis=1) <= self._reach
        rows = rows[near] if near.any() else rows
        return rows[np.argsort(-self._worth(rows), kind="stable")]

    def _changes(self, row: Indices, rng: np.random.Generator) -> Indices:
        """Return rows that differ from `row` in one knob, and in none by more than the reach from the best."""
        rows, _ = self._exchange(row[None], rng)
        return rows[(self._knobs.steps(rows, self._centre) <= self._reach).all(axis=1)]

    def _paired(self, single: Indices) -> Indices:
        """Return pairs of those single changes of the best that are worth most, shape (m, p)."""
        best = self._centre
        order = np.argsort(-self._worth(single), kind="stable")[:PAIRED]
        first, second = np.triu_indices(len(order), 1)
        one, other = single[order[first]], single[order[second]]
        return np.where(one != best, one, other)
