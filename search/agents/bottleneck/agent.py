"""Bottleneck-guided search: read what binds the best design, turn the knobs that loosen it, keep what helps."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar

import numpy as np

from ....errors import ChipgymError
from ....simulators import Bottleneck, Evaluation, Indices, Problem
from ....simulators.core.objective import limited_values
from ....simulators.core.parameter import Column
from ...keys import row_keys
from ..base import Agent
from .measured import Corrections
from .parts import PartModel, knob_names, sides_of

# Decades over the reference that an objective is told apart within.
DECADES = 30.0
# Designs nearest the best whose measurements correct the model.
MEASURED = 160
# Decades below which a gain is not worth an evaluation while others may be had.
WORTHWHILE = 0.005
# Decades that being beyond a limit by once the limit costs.
PENALTY = 10.0
# Single changes that are combined in pairs, and rounds of changes on top of the best.
PAIRED = 16
ROUNDS = 12
# Grid steps that a proposal is from the best design, all knobs together: at first, at least and at most.
FIRST_REACH, LEAST_REACH, MOST_REACH = 4.0, 1.0, 24.0
# Evaluations without a better design after which it looks further: at this reach, then twice as far, and so on.
PATIENCE, FAR_REACH = 8, 8.0
# Share of a foretold gain that has to come true for the reach to grow.
GOOD = 0.3
# Largest logarithm of what is beyond a limit.
_FAR = 20.0
# Rounds of mutations of the best design once nothing near it is left.
MUTATIONS = 40


class BottleneckAgent(Agent):
    """A deterministic architect: no seed changes what it does as long as there is a change left to try.

    It begins with the default design. Of the best design so far it reads what binds (`Simulator.bottlenecks`): the
    parts of the metrics that the objective and the constraints are made of, and the knobs that each goes with. They
    foretell what other designs are worth (`PartModel`); what was measured corrects that (`Corrections`). The design
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
        self._rows: Indices = np.empty((0, len(problem.space.parameters)), dtype=np.int64)
        self._logs, self._violation = np.empty(0), np.empty(0)
        self._limits = sides_of(problem)
        self._sides = np.empty((0, 1 + len(self._limits)))  # of the simulator's other limits, and each of these
        self._seen: set[bytes] = set()
        self._best = -1
        self._reach, self._stale = FIRST_REACH, 0
        self._metrics: Mapping[str, float] = {}  # of the best
        self._reasons: list[str] = []

    def propose(self, n: int, rng: np.random.Generator) -> Indices:
        """Return the `n` designs foretold to be best that were not told yet, then mutations of the best."""
        space = self.problem.space
        found: list[Indices] = []
        if self._best < 0:
            found.append(space.default_indices[None, :].copy())
        taken = {*self._seen, *(key for rows in found for key in row_keys(rows))}
        if (missing := n - sum(map(len, found))) > 0:
            rows = self._candidates(taken)
            found.append(rows[np.argsort(self._scores(rows), kind="stable")[:missing]])
            taken.update(row_keys(found[-1]))
        if (missing := n - sum(map(len, found))) > 0:
            found.append(self._mutations(missing, taken, rng))
        return np.concatenate(found)

    def tell(self, designs: Indices, evaluation: Evaluation) -> None:
        """Compare with what was foretold, and take the best of all."""
        problem, metrics = self.problem, evaluation.metrics
        values, violation = self._decades(evaluation.objectives[:, 0]), evaluation.violation
        limited = limited_values(self._limits, metrics, problem.space.decode(designs))
        sides = np.stack([metrics["violation"], *(c.excess(limited) for c in self._limits)], axis=1)
        # What capacities account for is foretold by them.
        known = np.nan_to_num(np.maximum(sides[:, 1 + len(problem.constraints) :], 0.0), nan=0.0).sum(axis=1)
        sides[:, 0] = np.maximum(sides[:, 0] - known, 0.0)
        for i, row in enumerate(designs):
            here = {name: float(column[i]) for name, column in metrics.items()}
            self._tell(row, here, float(values[i]), float(violation[i]), _side(sides[i]))

    def explanation(self) -> tuple[str, ...]:
        """Say which change of which knobs helped, and what it was for."""
        return tuple(self._reasons)

    def _tell(self, row: Indices, metrics: Mapping[str, float], log: float, violation: float, sides: Column) -> None:
        (key,) = row_keys(row[None, :])
        if key in self._seen:
            return
        first = self._best < 0
        better = first or _rank(violation, log) < _rank(self._violation[self._best], self._logs[self._best])
        if not first:
            self._learn(row, log, violation)
        self._seen.add(key)
        self._rows = np.concatenate([self._rows, row[None, :]])
        self._logs, self._violation = np.append(self._logs, log), np.append(self._violation, violation)
        self._sides = np.concatenate([self._sides, sides[None, :]])
        self._stale += 1
        if self._stale % PATIENCE == 0:
            self._reach = min(FAR_REACH * (self._stale // PATIENCE), MOST_REACH)
        if better:
            self._stale = 0
            if not first:
                self._reasons.append(self._reason(row, log, violation))
            self._best, self._metrics = len(self._rows) - 1, metrics
        self.__dict__.pop("_model", None)
        self.__dict__.pop("_bottlenecks", None) if better else None
        self.__dict__.pop("_part_model", None) if better else None

    def _learn(self, row: Indices, log: float, violation: float) -> None:
        """Set the reach by whether a gain that was foretold has come true."""
        foretold = float(self._foretold(row[None, :])[0][0])
        here = self._score_of(self._logs[self._best], self._violation[self._best])
        gain, hoped = here - self._score_of(log, violation), here - foretold
        if hoped <= 0:
            return
        if gain >= GOOD * hoped:
            self._reach = min(self._reach * 1.5, MOST_REACH)
        elif gain <= 0:
            self._reach = max(self._reach * 0.7, LEAST_REACH)

    def _reason(self, row: Indices, log: float, violation: float) -> str:
        before = self._rows[self._best]
        changed = ", ".join(f"{name} {what}" for name, what in knob_names(self.problem.space, before, row).items())
        cause = next((str(b) for b in self._binding if self._helps(b, before, row)), "what was measured says so")
        was = 10 ** (log - self._logs[self._best]) - 1
        gain = f"{was:+.1%}" if np.isfinite(was) else "feasible" if violation <= 0 else "nearer to feasible"
        return f"evaluation {len(self._rows)}: {cause}; {changed}: {gain}"

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

    def _decades(self, objectives: Column) -> Column:
        """Return objectives (n,) in decades over the reference; NaN where there is none."""
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log10(np.maximum(objectives, 0.0) / self.problem.reference[0])
        out: Column = np.clip(logs, -DECADES, DECADES)
        return out

    @cached_property
    def _bottlenecks(self) -> tuple[Bottleneck, ...]:
        """What binds the best design, of all metrics."""
        try:
            return self.problem.simulator.bottlenecks(self.problem.space.design(self._rows[self._best]))
        except ChipgymError:  # it is an architect's reading, not an evaluation: without one, measurements remain
            return ()

    @property
    def _binding(self) -> tuple[Bottleneck, ...]:
        """What binds the best design in this problem, the heaviest first."""
        try:
            return self.problem.bottlenecks(self.problem.space.design(self._rows[self._best]))
        except ChipgymError:
            return ()

    @cached_property
    def _part_model(self) -> PartModel:
        return PartModel(self.problem, self._rows[self._best], self._metrics, self._bottlenecks)

    @cached_property
    def _model(self) -> tuple[Corrections, tuple[Corrections, ...]]:
        """What corrects the objective, and each side that designs must stay on, around the best design."""
        centre, space, parts = self._rows[self._best], self.problem.space, self._part_model
        nearest = np.argsort(_steps(space.sizes, self._ordinal, self._rows, centre), kind="stable")[:MEASURED]
        rows = self._rows[nearest]

        def corrected(errors: Column) -> Corrections:
            known = np.isfinite(errors)
            return Corrections(space, centre, rows[known], errors[known])

        objective = corrected(self._logs[nearest] - self._base - parts.objective(rows))
        sides = self._sides[nearest] - self._sides_foretold(rows)
        return objective, tuple(corrected(column) for column in sides.T)

    def _sides_foretold(self, rows: Indices) -> Column:
        """Return what the parts say of each side, (n, sides); that of the best where they say nothing."""
        parts, here = self._part_model, self._sides[self._best]
        sides = np.concatenate([parts.beyond(rows)[:, None], parts.excess(rows)], axis=1)
        out: Column = np.where(np.isfinite(sides), _side(sides), np.nan_to_num(here))
        return out

    @property
    def _base(self) -> float:
        """The best design's objective in decades; 0 where it has none."""
        log = self._logs[self._best]
        return float(log) if np.isfinite(log) else 0.0

    @cached_property
    def _ordinal(self) -> Column:
        return np.array([bool(p.ordinal) for p in self.problem.space.parameters])

    def _foretold(self, rows: Indices) -> tuple[Column, Column]:
        """Return the scores that are foretold of rows, less where better, and how unsure they are, each (n,)."""
        objective, sides = self._model
        add, spread = objective.at(rows)
        logs = self._base + self._part_model.objective(rows) + add
        foretold = self._sides_foretold(rows)
        beyond = np.zeros(len(rows))
        for c, side in enumerate(sides):
            beyond += np.maximum(np.sinh(np.clip(foretold[:, c] + side.at(rows)[0], 0.0, _FAR)) / 2, 0.0)
        return logs + PENALTY * _share(beyond), spread

    def _scores(self, rows: Indices) -> Column:
        if self._best < 0:
            return np.zeros(len(rows))
        score, spread = self._foretold(rows)
        here = self._score_of(self._logs[self._best], self._violation[self._best])
        return -_improvement(here - WORTHWHILE - score, spread)

    def _score_of(self, log: float, violation: float) -> float:
        return (log if np.isfinite(log) else 0.0) + PENALTY * float(_share(np.array([violation]))[0])

    def _candidates(self, taken: set[bytes]) -> Indices:
        """Return rows within reach of the best that were not taken: single changes, pairs, and chains of the best."""
        space = self.problem.space
        best = self._rows[self._best] if self._best >= 0 else space.default_indices
        single = self._changes(best, best)
        if not len(single):
            return single
        tried = [single]
        order = np.argsort(self._scores(single), kind="stable")
        pairs = []
        for at, i in enumerate(order[:PAIRED]):
            for k in order[at + 1 : PAIRED]:
                pair = np.where(single[i] != best, single[i], single[k])
                pairs.append(pair)
        if pairs:
            tried.append(space.canonicalize(np.array(pairs)))
        current, score = best, np.inf
        for _ in range(ROUNDS):  # coordinate descent of what is foretold
            steps = self._changes(current, best)
            if not len(steps):
                break
            scores = self._scores(steps)
            if scores.min() >= score:
                break
            score, current = float(scores.min()), steps[int(scores.argmin())]
            tried.append(steps)
        rows = _once(np.concatenate(tried))
        rows = rows[_steps(space.sizes, self._ordinal, rows, best) <= max(self._reach, 1.0)]
        fresh = [i for i, key in enumerate(row_keys(rows)) if key not in taken]
        if not fresh:  # all within reach is known: whatever single change or pair is left
            rows = _once(np.concatenate(tried))
            fresh = [i for i, key in enumerate(row_keys(rows)) if key not in taken]
        out: Indices = rows[fresh]
        return out

    def _changes(self, row: Indices, best: Indices) -> Indices:
        """Return rows that differ from `row` in one knob and are within reach of `best`, canonical."""
        space = self.problem.space
        found = []
        for j, p in enumerate(space.parameters):
            if p.size == 1:
                continue
            low, high = 0, p.size
            if p.ordinal:
                far = int(max(self._reach, 1.0))
                low, high = max(0, int(best[j]) - far), min(p.size, int(best[j]) + far + 1)
            for at in range(low, high):
                if at != row[j]:
                    other = row.copy()
                    other[j] = at
                    found.append(other)
        if not found:
            return np.empty((0, len(space.parameters)), dtype=np.int64)
        rows = _once(space.canonicalize(np.array(found)))
        out: Indices = rows[(rows != row).any(axis=1)]
        return out

    def _mutations(self, n: int, taken: set[bytes], rng: np.random.Generator) -> Indices:
        """Return `n` mutations of the best design, new ones as far as some turn up."""
        space = self.problem.space
        best = self._rows[self._best] if self._best >= 0 else space.default_indices
        rows = space.mutate(np.repeat(best[None, :], n, axis=0), rng)
        for _ in range(MUTATIONS):
            keys = row_keys(rows)
            first = {key: i for i, key in reversed(list(enumerate(keys)))}
            old = [i for i, key in enumerate(keys) if key in taken or first[key] != i]
            if not old:
                break
            rows[old] = space.mutate(rows[old], rng)
        return rows


def _improvement(gain: Column, spread: Column) -> Column:
    """Return the logarithm of the expected improvement of a normal gain, (n,), by an approximation far from 0."""
    z = np.clip(gain / np.maximum(spread, 1e-9), -30.0, 30.0)
    # The density times what is left of the hazard's bound far below 0; the plain sum of both terms elsewhere.
    density = np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)
    below = 0.5 * (1.0 + np.tanh(0.7978845608 * (z + 0.044715 * z**3)))
    plain = np.maximum(density + z * below, 1e-300)
    far = -0.5 * z * z - np.log(np.sqrt(2.0 * np.pi) * (z * z + 1.0))
    out: Column = np.log(np.maximum(spread, 1e-9)) + np.where(z < -3.0, far, np.log(plain))
    return np.where(z >= 30.0, np.log(np.maximum(gain, 1e-300)), out)


def _rank(violation: float, log: float) -> tuple[float, float]:
    """Return what is less where a design is better: every feasible one before all others."""
    return (violation, 0.0) if violation > 0 else (0.0, log if np.isfinite(log) else np.inf)


def _side(excess: Column) -> Column:
    """Return how far beyond a limit a design is on a scale that errors are alike on, 0 at the limit."""
    out: Column = np.arcsinh(2.0 * np.minimum(excess, 1e6))
    return out


def _share(violation: Column) -> Column:
    """Return v / (1 + v), from 0 to 1."""
    out: Column = np.where(np.isfinite(violation), violation / (1 + np.nan_to_num(violation)), 1.0)
    return out


def _once(rows: Indices) -> Indices:
    """Return rows without repeats, each where it came first."""
    first: dict[bytes, int] = {}
    for i, key in enumerate(row_keys(rows)):
        first.setdefault(key, i)
    out: Indices = rows[list(first.values())]
    return out


def _steps(sizes: Indices, ordinal: Column, rows: Indices, centre: Indices) -> Column:
    """Return how many grid steps rows are from a design, (n,); another category is one."""
    apart = np.abs(rows - centre)
    out: Column = np.where(ordinal, apart, np.minimum(apart, 1)).sum(axis=1)
    return out
