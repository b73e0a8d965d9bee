"""A problem as one of BoTorch's test functions (Balandat et al., NeurIPS 2020), with outcome constraints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from botorch.test_functions.base import ConstrainedBaseTestProblem, MultiObjectiveTestProblem
from torch import Tensor

from ...errors import ChipgymError, shorten
from ...simulators import Designs, Indices, Problem, Value
from ...simulators.core.parameter import Column
from ..run import checked_problem
from .vectors import MISSING_DECADES, Vectors

# Values in decades are kept within this many: an objective may be 0.
DECADES = 30.0


class BotorchFunction(ConstrainedBaseTestProblem):
    """A problem of one objective as a function of a tensor, minimised unless `negate`.

    A number in `X` is the position of a knob in its grid, a whole number within `bounds`; knobs without a choice are
    left out. Knobs with an order are `discrete_inds`, others `categorical_inds`. `evaluate_slack` has the limits, met
    at ≥ 0: first the simulator's own, 0 where the design can be built, then each constraint as a fraction of its limit.

    Values are the problem's own, or with `log` decades over its reference, which models fit better. What an unbuildable
    design lacks is a finite number, worse than anything that the reward tells apart.

    Attributes:
        problem: what `chipgym.make_problem` returns.
        dim: d, how many knobs have a choice.
        log: whether values are log10(objective / reference), the reference being the default design's.
        num_constraints: one more than the problem has.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        log: bool = False,
        noise_std: float | None = None,
        constraint_noise_std: float | list[float] | None = None,
        negate: bool = False,
        dtype: torch.dtype = torch.double,
    ) -> None:
        """Take a problem; `noise_std`, `constraint_noise_std`, `negate` and `dtype` are BoTorch's.

        Raises:
            ChipgymError: for anything else than a problem, and for a space of a single design.
        """
        self._vectors = Vectors(problem)
        self.problem, self.log = problem, bool(log)
        knobs = self._vectors.knobs
        self.dim, self._bounds = len(knobs), [(0.0, float(k.size - 1)) for k in knobs]
        self.continuous_inds = []
        self.discrete_inds = [i for i, k in enumerate(knobs) if k.ordinal]
        self.categorical_inds = [i for i, k in enumerate(knobs) if not k.ordinal]
        self.num_objectives = len(problem.objectives)
        self.num_constraints = 1 + len(problem.constraints)
        self.constraint_noise_std = constraint_noise_std
        self._worst_feasible_value = MISSING_DECADES if log else float(problem.reference[0] * 10.0**MISSING_DECADES)
        self._last: tuple[bytes, tuple[Column, Column]] | None = None
        super().__init__(noise_std=noise_std, negate=negate, dtype=dtype)

    def _evaluated(self, x: Tensor) -> tuple[Column, Column]:
        """Return objectives (n, m) and excesses (n, c) of the n points of x; of the same x as last from memory."""
        points = x.detach().cpu().double().reshape(-1, self.dim).numpy()
        key = points.tobytes()
        if self._last is None or self._last[0] != key:
            values, beyond = self._vectors.evaluate(points)
            if self.log:
                with np.errstate(divide="ignore"):
                    values = np.log10(np.maximum(values, 0.0) / self.problem.reference)
                values = values.clip(-DECADES, DECADES)
            self._last = key, (values, beyond)
        return self._last[1]

    def _evaluate_true(self, X: Tensor) -> Tensor:
        return torch.from_numpy(self._evaluated(X)[0][:, 0].copy()).to(X).reshape(X.shape[:-1])

    def _evaluate_slack_true(self, X: Tensor) -> Tensor:
        slack = -self._evaluated(X)[1]
        return torch.from_numpy(slack + 0.0).to(X).reshape(*X.shape[:-1], self.num_constraints)

    def designs(self, x: Tensor) -> list[dict[str, Value]]:
        """Return designs of points, `batch_shape x d`, as dicts of values by knob, in their order.

        Raises:
            ChipgymError: for another shape, and for a position outside the grid.
        """
        return self._vectors.designs(x.detach().cpu().reshape(-1, x.shape[-1]).numpy())

    def encode(self, designs: Designs) -> Tensor:
        """Return points, `n x d`, of designs: a start for a search.

        Raises:
            ChipgymError: naming the first value that is not on the grid, and the nearest that is.
        """
        return self._tensor(self._vectors.encode(designs))

    def sample(self, n: int, seed: int = 0) -> Tensor:
        """Draw points, `n x d`, uniformly from the grid; the same for the same seed."""
        rows = self.problem.space.sample(n, np.random.default_rng(seed))
        return self._tensor(self._vectors.of_rows(rows))

    def _tensor(self, vectors: Indices) -> Tensor:
        bounds: Tensor = self.bounds  # type: ignore[assignment]  # a buffer, which torch types as anything
        return torch.from_numpy(vectors).to(bounds)


class BotorchMultiObjective(BotorchFunction, MultiObjectiveTestProblem):
    """A problem of several objectives: as `BotorchFunction`, with values `batch_shape x m` and a `ref_point`."""

    def __init__(
        self, problem: Problem, *, ref_point: Sequence[float] | None = None, log: bool = False, **settings: Any
    ) -> None:
        """Take a problem and what its front dominates up to: a value for each objective, the reference's where None.

        Raises:
            ChipgymError: as `BotorchFunction`, and for a reference point that is not a number for each objective.
        """
        m = len(checked_problem(problem).objectives)
        point = ([0.0] * m if log else problem.reference.tolist()) if ref_point is None else list(ref_point)
        if len(point) != m or not all(isinstance(v, int | float) and np.isfinite(v) for v in point):
            raise ChipgymError(f"ref_point: {shorten(ref_point)} is not a number for each of {m} objectives")
        self._ref_point = [float(v) for v in point]
        super().__init__(problem, log=log, **settings)
        self._worst_feasible_value = None  # as BoTorch has it: a hypervolume of 0

    def _evaluate_true(self, X: Tensor) -> Tensor:
        return torch.from_numpy(self._evaluated(X)[0].copy()).to(X).reshape(*X.shape[:-1], self.num_objectives)
