"""Gaussian processes of what was told, and what BoTorch's acquisition functions make of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from botorch.acquisition.acquisition import AcquisitionFunction
from botorch.acquisition.logei import qLogExpectedImprovement
from botorch.acquisition.multi_objective import logei
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.acquisition.multi_objective.objective import WeightedMCMultiOutputObjective
from botorch.acquisition.objective import LinearMCObjective
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from botorch.models.model_list_gp_regression import ModelListGP
from botorch.models.transforms import Standardize
from botorch.sampling.normal import SobolQMCNormalSampler
from botorch.utils.multi_objective.hypervolume import infer_reference_point
from botorch.utils.multi_objective.pareto import is_non_dominated
from gpytorch.mlls import ExactMarginalLogLikelihood

from ....simulators.core.parameter import Column

# Draws of the posterior by which an acquisition function averages.
DRAWS = 64
# Steps of L-BFGS over a model's hyperparameters, from the priors' modes.
STEPS = 40


def acquisition(inputs: Column, values: Column, excess: Column, feasible: Column, seed: int) -> AcquisitionFunction:
    """Fit a Gaussian process to each outcome and return the acquisition function of a search, to be maximised.

    With one objective it is qLogExpectedImprovement (Ament et al., NeurIPS 2023), with several
    qLogNoisyExpectedHypervolumeImprovement (Daulton et al., NeurIPS 2021), where a design was infeasible weighted with
    the probability that the excess is at most 0. Until one is feasible it is the improvement of the excess.

    Args:
        inputs: designs in [0, 1], shape (n, d).
        values: objectives, minimised, shape (n, k), NaN where a design lacks one.
        excess: signed, ≤ 0 where feasible, shape (n,).
        feasible: shape (n,), bool.
        seed: of the draws.
    """
    sampler = SobolQMCNormalSampler(torch.Size([DRAWS]), seed=seed)
    if not feasible.any():
        limits = _fitted(inputs, excess)
        return qLogExpectedImprovement(limits, -float(excess.min()), sampler, _negative(1))
    models = [_fitted(inputs, column) for column in values.T]
    constraints: list[Callable[[torch.Tensor], torch.Tensor]] | None = None
    if not feasible.all():
        models.append(_fitted(inputs, excess))
        constraints = [_last]
    outcomes = ModelListGP(*models)
    if values.shape[1] == 1:
        best = -float(values[feasible, 0].min())
        return qLogExpectedImprovement(outcomes, best, sampler, _negative(len(models)), constraints=constraints)
    k = values.shape[1]
    front = -torch.from_numpy(values[feasible])
    corner = infer_reference_point(front[is_non_dominated(front)])
    return qLogNoisyExpectedHypervolumeImprovement(
        outcomes,
        corner,
        torch.from_numpy(inputs[feasible]),
        sampler,
        WeightedMCMultiOutputObjective(-torch.ones(k, dtype=torch.float64), list(range(k))),
        constraints,
        prune_baseline=True,
    )


def _fitted(inputs: Column, column: Column) -> SingleTaskGP:
    """Fit a Gaussian process to those of n designs that have an outcome, shape (n,)."""
    known = ~torch.isnan(torch.from_numpy(column))
    targets = torch.from_numpy(column)[known, None]
    model = SingleTaskGP(torch.from_numpy(inputs)[known], targets, outcome_transform=Standardize(1))
    likelihood = ExactMarginalLogLikelihood(model.likelihood, model)
    fit_gpytorch_mll(likelihood, optimizer_kwargs={"options": {"maxiter": STEPS}})
    return model


def _negative(outcomes: int) -> LinearMCObjective:
    """Return the objective that is the negative of the first of so many outcomes: BoTorch maximises."""
    weights = torch.zeros(outcomes, dtype=torch.float64)
    weights[0] = -1.0
    return LinearMCObjective(weights)


def _last(samples: torch.Tensor) -> torch.Tensor:
    return samples[..., -1]


@contextmanager
def uncompiled() -> Iterator[None]:
    """Keep BoTorch from compiling a kernel of qLogNoisyExpectedHypervolumeImprovement, as it does from 0.17 on.

    That takes a compiler and a minute, and is for the processor at hand, so that its last bits are that one's own.
    """
    switches = {"_load_attempted": True, "_C": None}
    before = {name: getattr(logei, name) for name in switches if hasattr(logei, name)}
    for name in before:
        setattr(logei, name, switches[name])
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(logei, name, value)
