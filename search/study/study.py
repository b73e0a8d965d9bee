"""What a study found: searches of problems by agents under configurations, and how far each is from the optimum."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ChipgymError, unknown
from ...simulators import Indices
from ...simulators.core.parameter import Column
from ..regret import GroundTruth
from .configurations import Configuration
from .searches import Mask, Searches
from .summary import Band, mean_band

if TYPE_CHECKING:
    import pandas

#: Relative regret up to which a search counts as having found the optimum.
CLOSE = 0.01


@dataclass(frozen=True, eq=False)
class Study:
    """Searches of one problem or several.

    `on(problem)` is the study of one of them alone, and what `truth`, `incumbents`, `regret`, `bands` and `to_pandas`
    are of. `runs` has all problems.

    Attributes:
        truths: by name, each problem and the objective of all of its designs.
        configurations: what was compared: agents with their options. Configurations are named by their `label`, which
            is the agent's name where it has one set of options.
        budgets: evaluations at which they are compared, ascending.
        seeds: how many searches there are of each configuration on each problem: seeds 0, 1, ….
        searches: all of them, `problem` and `configuration` being numbers of the two above.
    """

    truths: Mapping[str, GroundTruth]
    configurations: tuple[Configuration, ...]
    budgets: tuple[int, ...]
    seeds: int
    searches: Searches

    def __repr__(self) -> str:
        return f"Study({len(self.searches)} searches, {len(self.truths)} problems, {', '.join(self.labels)})"

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the configurations."""
        return tuple(one.label for one in self.configurations)

    @property
    def truth(self) -> GroundTruth:
        """The study's problem and its optimum.

        Raises:
            ChipgymError: where it has several.
        """
        if len(self.truths) != 1:
            raise ChipgymError(f"problem: the study has {len(self.truths)}; take one of {', '.join(self.truths)} by on")
        return next(iter(self.truths.values()))

    def on(self, problem: str) -> Study:
        """Return the study of one of its problems.

        Raises:
            ChipgymError: for a problem that is not part of the study.
        """
        if problem not in self.truths:
            raise unknown("problem of the study", problem, self.truths)
        rows = self.searches.problem == list(self.truths).index(problem)
        searches = self.searches.take(rows)
        searches = replace(searches, problem=np.zeros(len(searches), dtype=np.int64))
        return replace(self, truths={problem: self.truths[problem]}, searches=searches)

    # --- one problem ---------------------------------------------------------------------------------------------

    @cached_property
    def incumbents(self) -> Mapping[str, Column]:
        """By configuration, the least feasible objective after each evaluation, (seeds, budget).

        It is `inf` before the first feasible design. A search that ended early keeps its last.
        """
        assert self.truth
        out = {}
        for number, one in enumerate(self.configurations):
            mine = self.searches.take(self.searches.configuration == number)
            out[one.label] = mine.incumbents(np.arange(1, one.budget + 1))
        return out

    def regret(self, agent: str) -> Column:
        """Return simple regret as a fraction of the optimum, shape (seeds, budget).

        Before its first feasible design a search is taken to hold the worst one, so that means stay finite.

        Args:
            agent: a configuration's label: the agent's name where it has one set of options.

        Raises:
            ChipgymError: for one that is not part of the study, and where there are several problems.
        """
        if agent not in self.labels:
            raise unknown("agent of the study", agent, self.labels)
        return np.minimum(self.incumbents[agent], self.truth.worst) / self.truth.optimum - 1.0

    def bands(self) -> dict[str, Band]:
        """Compute by configuration the mean of `regret` over seeds with its 95 % bootstrap interval."""
        return {label: mean_band(self.regret(label), np.random.default_rng(0)) for label in self.labels}

    def to_pandas(self) -> pandas.DataFrame:
        """Return one row per configuration, seed and evaluation (from 1): incumbent, regret (relative), rank."""
        import pandas as pd

        parts = []
        for label, curves in self.incumbents.items():
            seeds, budget = curves.shape
            columns = {
                "seed": np.repeat(np.arange(seeds), budget),
                "evaluation": np.tile(np.arange(1, budget + 1), seeds),
                "incumbent": curves.ravel(),
                "regret": self.regret(label).ravel(),
                "rank": self.truth.rank_of(curves.ravel()),
            }
            parts.append(pd.DataFrame(columns).assign(agent=label))
        table = pd.concat(parts, ignore_index=True)
        return table[["agent", *(name for name in table if name != "agent")]]

    # --- all problems --------------------------------------------------------------------------------------------

    def runs(self) -> pandas.DataFrame:
        """Return one row per search and budget up to which it goes, in the order of the tasks.

        Columns: `problem`, `agent`, `configuration` (number of the agent's option set), `options` (JSON), `seed`,
        `budget`, `evaluations` (made by then; fewer where the search ended early), `incumbent` (`inf` before the first
        feasible design), `regret` (relative), `gap` (decades above the optimum), `rank` (of the incumbent among all
        feasible designs, 1 is the optimum), `within_1_percent` (evaluations until then, `inf` where never by this
        budget).
        """
        import pandas as pd

        found, optima = self.searches, self.optima
        incumbents = found.incumbents(self.budgets)
        held = np.minimum(incumbents, self._worst[:, None])
        close = found.first_within(optima * 10.0 ** closeness(CLOSE))
        n, k = incumbents.shape
        ranks = np.empty((n, k), dtype=np.int64)
        for number, truth in enumerate(self.truths.values()):
            rows = found.problem == number
            ranks[rows] = truth.rank_of(incumbents[rows].ravel()).reshape(-1, k)
        budgets, sets, which = np.array(self.budgets), self.configurations, np.repeat(found.configuration, k)
        table = pd.DataFrame(
            {
                "problem": _category(list(self.truths), np.repeat(found.problem, k)),
                "agent": _category([one.agent for one in sets], which),
                "configuration": np.array([one.number for one in sets])[which],
                "options": _category([json.dumps(dict(one.options)) for one in sets], which),
                "seed": np.repeat(found.seed, k),
                "budget": np.tile(budgets, n),
                "evaluations": np.minimum(found.evaluations[:, None], budgets).ravel(),
                "incumbent": incumbents.ravel(),
                "regret": (held / optima[:, None] - 1).ravel(),
                "gap": np.log10(held / optima[:, None]).ravel(),
                "rank": ranks.ravel(),
                "within_1_percent": np.where(close[:, None] <= budgets, close[:, None], np.inf).ravel(),
            }
        )
        limits = np.array([one.budget for one in sets])[which]
        return table[np.tile(budgets, n) <= limits].reset_index(drop=True)

    @property
    def optima(self) -> Column:
        """The optimum of each search's problem, shape (n,)."""
        return np.array([truth.optimum for truth in self.truths.values()])[self.searches.problem]

    @property
    def _worst(self) -> Column:
        return np.array([truth.worst for truth in self.truths.values()])[self.searches.problem]

    def gaps(self, evaluations: Sequence[int]) -> Column:
        """Return decades above the optimum after so many evaluations, by problem, configuration, seed and evaluation.

        The shape is (problems, configurations, seeds, evaluations). It is NaN beyond a configuration's budget. Before
        its first feasible design a search is taken to hold the worst one.
        """
        found = self.searches
        held = np.minimum(found.incumbents(evaluations), self._worst[:, None])
        shape = (len(self.truths), len(self.configurations), self.seeds, len(evaluations))
        out = np.log10(held / self.optima[:, None]).reshape(shape)
        limits = np.array([one.budget for one in self.configurations])
        beyond: Mask = np.asarray(evaluations) > limits[:, None]
        out[np.broadcast_to(beyond[None, :, None, :], shape)] = np.nan
        return out

    def hits(self, within: float = CLOSE) -> tuple[Column, Column]:
        """Return after how many evaluations each search's regret is at most `within`, and how many it made.

        Both have shape (problems, configurations, seeds); the first is `inf` where that never was.
        """
        shape = (len(self.truths), len(self.configurations), self.seeds)
        close = self.searches.first_within(self.optima * 10.0 ** closeness(within))
        return close.reshape(shape), self.searches.evaluations.reshape(shape).astype(np.float64)


def closeness(within: float) -> float:
    """Return the gap in decades up to which relative regret is `within`, and a little more for its last digits."""
    return float(np.log10(1 + within)) + 1e-13


def _category(names: Sequence[str], codes: Indices) -> pandas.Series:
    """Return names by their numbers, each text once in memory and on disk."""
    import pandas as pd

    return pd.Series(np.array(names, dtype=object)[codes], dtype="category")
