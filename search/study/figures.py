"""Everything that a study's report shows, as JSON data: the page only draws it."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import __version__
from ...errors import ChipgymError
from ...jsonable import plain
from ...simulators import Indices
from ...simulators.core.parameter import Column
from ..run import library_versions
from .profiles import curve_points, expected_evaluations, performance_ratios, step_points
from .ranks import rank_test
from .study import CLOSE, Study, closeness
from .summary import Interval, interquartile_mean, mean_band
from .variance import log_regret, ranks_within, variance_components

#: Configurations up to which figures show each; of more, each agent's first, and hyperparameters by themselves.
MOST_SHOWN = 12

Document = dict[str, Any]


@dataclass(frozen=True)
class _Shown:
    """What figures are about: some configurations, and all searches of them.

    `gaps` are decades above the optimum at `points`, (problems, configurations, seeds, points), NaN beyond a budget.
    """

    study: Study
    numbers: Indices
    points: Indices
    gaps: Column
    within: float

    @property
    def labels(self) -> list[str]:
        sets = self.study.configurations
        first = len(self.numbers) < len(sets)
        return [sets[i].agent if first else sets[i].label for i in self.numbers]

    def at(self, budget: int) -> Column:
        """Gaps at a budget of the study, shape (problems, configurations, seeds)."""
        return self.gaps[..., int(np.searchsorted(self.points, budget))]

    def searched_to(self, budget: int) -> list[int]:
        """Which of them are searched up to a budget, as places among those shown."""
        return [k for k, i in enumerate(self.numbers) if self.study.configurations[i].budget >= budget]


def document(study: Study, command: Sequence[str] = (), within: float = CLOSE) -> Document:
    """Build the whole report.

    Args:
        study: what it is about.
        command: that makes the study, word by word; none where it is not known.
        within: relative regret up to which a search counts as having come to the optimum.
    """
    sets = study.configurations
    everything = len(sets) <= MOST_SHOWN
    numbers = np.array([i for i, one in enumerate(sets) if everything or one.number == 0])
    points = np.unique([*curve_points(study.budgets[-1]), *study.budgets])
    gaps = study.gaps(points.tolist())
    shown = _Shown(study, numbers, points, gaps[:, numbers], within)
    runs = sum(sum(budget <= one.budget for budget in study.budgets) for one in sets)
    return {
        "title": f"{_counted(len({one.agent for one in sets}), 'agent')} on {_counted(len(study.truths), 'problem')}",
        "problems": [
            {
                "name": name,
                "designs": truth.designs,
                "feasible": len(truth.values),
                "optimum": truth.optimum,
                "unit": "",
                "exact": truth.exact,
            }
            for name, truth in study.truths.items()
        ],
        "exact": all(truth.exact for truth in study.truths.values()),
        "seeds": study.seeds,
        "searches": len(study.searches),
        "runs": runs * len(study.truths) * study.seeds,
        "evaluations": int(study.searches.evaluations.sum()),
        "budgets": list(study.budgets),
        "within": within,
        "labels": shown.labels,
        "limits": [sets[i].budget for i in numbers],
        "left_out": len(sets) - len(numbers),
        "configurations": [
            {"label": one.label, "agent": one.agent, "options": plain(dict(one.options)), "budget": one.budget}
            for one in sets
        ],
        "points": points.tolist(),
        "curves": _curves(shown),
        "scores": [_scores(shown, budget) for budget in study.budgets],
        "soon": _soon(shown),
        "ranks": [_ranks(shown, budget) for budget in study.budgets],
        "hyperparameters": [_hyperparameters(study, gaps[..., list(points).index(b)], b) for b in study.budgets],
        "variance": _variance(study, gaps[..., np.searchsorted(points, study.budgets)]),
        "command": list(command),
        "written_with": {**library_versions(), "chipgym": __version__, "python": platform.python_version()},
    }


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _rounded(values: Column) -> list[float | None]:
    """Write numbers with five digits, which no chart shows more of; null where there is none."""
    return [float(f"{v:.5g}") if np.isfinite(v) else None for v in np.asarray(values, dtype=np.float64).tolist()]


def _interval(found: Interval) -> list[float | None]:
    return _rounded(np.array([found.value, found.low, found.high]))


def _curves(shown: _Shown) -> list[Document]:
    """Mean gap over all problems first, then mean relative regret of each problem; with bands."""
    out = []
    views: list[tuple[str, Column]] = [("", shown.gaps)]
    views += [(name, 10.0 ** shown.gaps[i : i + 1] - 1.0) for i, name in enumerate(shown.study.truths)]
    for name, values in views if len(views) > 2 else views[1:]:
        lines = []
        for k, i in enumerate(shown.numbers):
            part = values[:, k, :, shown.points <= shown.study.configurations[i].budget]
            band = mean_band(np.moveaxis(part, 0, -1), np.random.default_rng(0))
            lines.append({"mean": _rounded(band.mean), "low": _rounded(band.low), "high": _rounded(band.high)})
        out.append({"problem": name, "lines": lines})
    return out


def _scores(shown: _Shown, budget: int) -> Document:
    """Interquartile means of gaps at a budget, and the share of searches that came to the optimum."""
    gaps, among = shown.at(budget), shown.searched_to(budget)
    close = closeness(shown.within)
    return {
        "budget": budget,
        "places": among,
        "iqm": [_interval(interquartile_mean(gaps[:, k], np.random.default_rng(0))) for k in among],
        "mean": _rounded(gaps[:, among].mean(axis=(0, 2))),
        "median": _rounded(np.median(gaps[:, among], axis=(0, 2))),
        "found": _rounded((gaps[:, among] <= close).mean(axis=(0, 2))),
    }


def _soon(shown: _Shown) -> Document:
    """How soon: shares of searches that came to the optimum over evaluations, and performance profiles."""
    hits, evaluations = shown.study.hits(shown.within)
    hits, evaluations = hits[:, shown.numbers], evaluations[:, shown.numbers]
    costs = expected_evaluations(hits, evaluations)
    ratios = performance_ratios(costs)
    steps = [step_points(hits[:, k].ravel()) for k in range(len(shown.numbers))]
    profile = [step_points(ratios[:, k]) for k in range(len(shown.numbers))]
    return {
        "shares": [{"x": _rounded(x), "y": _rounded(y)} for x, y in steps],
        "profiles": [{"x": _rounded(x), "y": _rounded(y)} for x, y in profile],
        "expected": [_rounded(costs[:, k]) for k in range(len(shown.numbers))],
        "solved": int(np.isfinite(costs).any(axis=1).sum()),
    }


def _ranks(shown: _Shown, budget: int) -> Document:
    """Average ranks over problems at a budget; without them, why there are none."""
    among = shown.searched_to(budget)
    try:
        test = rank_test(shown.at(budget)[:, among].mean(axis=2))
    except ChipgymError:
        return {"budget": budget, "places": among, "ranks": []}
    return {
        "budget": budget,
        "places": among,
        "ranks": _rounded(test.ranks),
        "p_value": float(f"{test.p_value:.3g}"),
        "difference": float(f"{test.critical_difference:.5g}"),
        "groups": [list(group) for group in test.groups],
    }


def _hyperparameters(study: Study, gaps: Column, budget: int) -> Document:
    """By agent with several option sets: gaps of its first, of a tuned one, and of all, at a budget."""
    agents = []
    for agent in dict.fromkeys(one.agent for one in study.configurations):
        numbers = [i for i, one in enumerate(study.configurations) if one.agent == agent and one.budget >= budget]
        if len(numbers) > 1:
            agents.append({"agent": agent, **tuning(gaps[:, numbers].mean(axis=2), numbers)})
    return {"budget": budget, "agents": agents}


def tuning(gaps: Column, numbers: Sequence[int]) -> Mapping[str, Any]:
    """Compare an agent's first option set with tuned ones.

    `tuned` is the mean over problems of the set that was the best on all other problems, which is what tuning gives on
    a problem that one has not seen. `chosen` is the set that is best over all, and `hindsight` the mean of the set that
    turned out best on each problem: no tuning can give less.

    Args:
        gaps: mean over seeds by problem and option set, shape (problems, sets).
        numbers: of the sets in the study.
    """
    problems = len(gaps)
    each = gaps.mean(axis=0)
    tuned = None
    if problems > 1:
        others = (gaps.sum(axis=0) - gaps) / (problems - 1)
        tuned = float(gaps[np.arange(problems), others.argmin(axis=1)].mean())
    return {
        "first": _rounded(each[:1])[0],
        "tuned": None if tuned is None else _rounded(np.array([tuned]))[0],
        "hindsight": _rounded(np.array([gaps.min(axis=1).mean()]))[0],
        "each": _rounded(each),
        "numbers": list(numbers),
        "chosen": int(numbers[int(each.argmin())]),
    }


def _variance(study: Study, gaps: Column) -> list[Document]:
    """Split the variance of runs: of all budgets together, and of each by itself.

    Args:
        study: what they are of.
        gaps: at the study's budgets, shape (problems, configurations, seeds, budgets).
    """
    out = []
    for j, budget in enumerate((*study.budgets, None) if len(study.budgets) > 1 else study.budgets):
        places = slice(None) if budget is None else slice(j, j + 1)
        among = [i for i, one in enumerate(study.configurations) if one.budget >= (budget or study.budgets[-1])]
        agents = [study.configurations[i].agent for i in among]
        if len(among) < 2 or len(study.truths) * study.seeds < 2:
            continue
        chosen = gaps[:, among][..., places]
        at = f"at {budget:,} evaluations" if budget else "at all budgets"
        for name, values in (("rank on its problem", ranks_within(chosen)), ("log10 of regret", log_regret(chosen))):
            parts = variance_components(values, agents)
            out.append(
                {
                    "name": f"{name} {at}",
                    "left_out": sorted({one.agent for one in study.configurations} - set(agents)),
                    "parts": [{"name": part.name, "variance": part.variance, "share": part.share} for part in parts],
                }
            )
    return out[::-1]
