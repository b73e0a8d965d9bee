"""A problem as one of pymoo's, for its algorithms, indicators and plots (Blank and Deb, IEEE Access 8, 2020)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymoo.core.problem
from pymoo.core.mutation import Mutation
from pymoo.core.sampling import Sampling
from pymoo.operators.crossover.ux import UniformCrossover

from ...simulators import Designs, Indices, Problem, Value
from ...simulators.core.parameter import Column
from ...simulators.tabular import TabularSimulator
from ..pareto import non_dominated
from .vectors import Vectors

# Designs of a table whose true front is worked out; more take longer than whoever draws it waits for.
MOST_DESIGNS = 1_000_000


class PymooProblem(pymoo.core.problem.Problem):  # type: ignore[misc]  # pymoo has no types
    """A problem whose variables are grid positions, evaluated a generation at a time.

    A variable is a knob that has a choice: a whole number from `xl` = 0 to `xu`, its position in the grid. `X` may hold
    any numbers between them, which are rounded, so that algorithms for real variables run as they are. `F` holds the
    minimised objectives and `G` the limits, met at ≤ 0: first the simulator's own, then each constraint as a fraction
    of its limit. What an unbuildable design lacks is a large number in `F`, worse than anything the reward tells apart
    and larger the further the miss. Algorithms that go by feasibility first never compare it.

        ours = chipgym.search.pymoo_problem(problem)
        found = minimize(ours, NSGA2(pop_size=40, **ours.operators()), ("n_gen", 20), seed=1)
        ours.designs(found.X)

    Attributes:
        problem: what `chipgym.make_problem` returns.
    """

    def __init__(self, problem: Problem) -> None:
        """Take a problem.

        Raises:
            ChipgymError: for anything else, and for a space of a single design.
        """
        self._vectors = Vectors(problem)
        self.problem = problem
        super().__init__(
            n_var=len(self._vectors.free),
            n_obj=len(problem.objectives),
            n_ieq_constr=1 + len(problem.constraints),
            xl=np.zeros(len(self._vectors.free)),
            xu=self._vectors.highest.astype(np.float64),
            vtype=int,
        )

    def _evaluate(self, x: Column, out: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        out["F"], out["G"] = self._vectors.evaluate(x)

    def _calc_pareto_front(self, *args: Any, **kwargs: Any) -> Column | None:
        """Return the true front of a table that has every design, for indicators; none of anything else."""
        simulator = self.problem.simulator
        known = isinstance(simulator, TabularSimulator) and simulator.complete
        if not known or self.problem.space.size > MOST_DESIGNS:
            return None
        evaluation = self.problem.evaluate(self.problem.space.enumerate())
        good = evaluation.objectives[evaluation.feasible]
        front: Column = np.unique(good[non_dominated(good)], axis=0)
        return front if len(front) else None

    def designs(self, x: Any) -> list[dict[str, Value]]:
        """Return designs of variables of shape (n, n_var) or (n_var,), as dicts of values by knob.

        Raises:
            ChipgymError: for another shape, and for a position outside the grid.
        """
        return self._vectors.designs(x)

    def encode(self, designs: Designs) -> Indices:
        """Return variables, shape (n, n_var), of designs: a start for `sampling`.

        Raises:
            ChipgymError: naming the first value that is not on the grid, and the nearest that is.
        """
        return self._vectors.encode(designs)

    def operators(self) -> dict[str, Any]:
        """Return operators for a genetic algorithm that know categories and inactive knobs, by its argument's name.

        Uniform draws from the grid, uniform crossover, and a mutation that steps an ordered knob and redraws another.
        Designs stay canonical, so that the same hardware is one individual.
        """
        return {
            "sampling": DesignSampling(),
            "crossover": UniformCrossover(prob=0.9),
            "mutation": DesignMutation(),
        }


class DesignSampling(Sampling):  # type: ignore[misc]
    """Uniform draws from a problem's grid, canonical."""

    def _do(
        self, problem: PymooProblem, n_samples: int, *args: Any, random_state: np.random.Generator, **kwargs: Any
    ) -> Indices:
        return problem._vectors.of_rows(problem.problem.space.sample(n_samples, random_state))


class DesignMutation(Mutation):  # type: ignore[misc]
    """A change of at least one active knob: half of the time a neighbouring value where values have an order.

    Args:
        rate: chance of each knob to change; 1 / knobs where None.
    """

    def __init__(self, rate: float | None = None) -> None:
        super().__init__()
        self.rate = rate

    def _do(
        self, problem: PymooProblem, x: Column, *args: Any, random_state: np.random.Generator, **kwargs: Any
    ) -> Indices:
        rows = problem.problem.space.mutate(problem._vectors.rows(x), random_state, self.rate)
        return problem._vectors.of_rows(rows)
