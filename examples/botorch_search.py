"""Bayesian optimisation written out with BoTorch: an accelerator within an area, in a few dozen evaluations.

    python examples/botorch_search.py

A Gaussian process for the objective in decades and one for the slack of the constraint, over ordered knobs and
categories; the next design is the one of a sample of the grid, or of the best design's neighbours, whose expected
improvement is largest (qLogEI; Ament et al., NeurIPS 2023).
"""

from __future__ import annotations

import argparse

import torch
from botorch.acquisition.logei import qLogExpectedImprovement
from botorch.acquisition.objective import GenericMCObjective
from botorch.fit import fit_gpytorch_mll
from botorch.models import MixedSingleTaskGP, ModelListGP
from botorch.models.transforms import Normalize, Standardize
from botorch.optim import optimize_acqf_discrete
from botorch.test_functions.base import ConstrainedBaseTestProblem
from gpytorch.mlls import SumMarginalLogLikelihood

import chipgym


def fitted(function: ConstrainedBaseTestProblem, x: torch.Tensor, outcomes: torch.Tensor) -> ModelListGP:
    """Return a model for each outcome, (n, m), of points (n, d)."""
    ordered = function.discrete_inds
    models = [
        MixedSingleTaskGP(
            x,
            y.unsqueeze(-1),
            cat_dims=function.categorical_inds,
            input_transform=Normalize(function.dim, indices=ordered, bounds=function.bounds[:, ordered]),
            outcome_transform=Standardize(1),
        )
        for y in outcomes.unbind(-1)
    ]
    model = ModelListGP(*models)
    likelihood = SumMarginalLogLikelihood(model.likelihood, model)
    fit_gpytorch_mll(likelihood, optimizer_kwargs={"options": {"maxiter": 25}})  # near enough, in a tenth of the time
    return model


def search(evaluations: int, first: int, seed: int) -> None:
    torch.manual_seed(seed)
    problem = chipgym.make_problem("systolic", workload="resnet18", objective="edp", constraints="area_mm2 <= 20")
    function = chipgym.search.botorch_function(problem, log=True, negate=True)  # BoTorch maximises
    x = function.sample(first, seed)
    for step in range(evaluations - first):
        value, slack = function(x), function.evaluate_slack(x)[:, 1:]  # every design of this space can be built
        model = fitted(function, x, torch.cat([value.unsqueeze(-1), slack], dim=-1))
        feasible = function.is_feasible(x)
        best = value[feasible].max() if feasible.any() else value.min()
        improvement = qLogExpectedImprovement(
            model,
            best_f=best,
            objective=GenericMCObjective(lambda samples, X=None: samples[..., 0]),
            constraints=[lambda samples: -samples[..., 1]],  # BoTorch's slack is met at 0 or more, this at 0 or less
        )
        at = function.designs(x[torch.where(feasible, value, -torch.inf).argmax()])[0]
        near = problem.space.neighbors(problem.encode(at)[0])
        choices = torch.cat([function.sample(256, seed + step + 1), function.encode(near)])
        x = torch.cat([x, optimize_acqf_discrete(improvement, q=1, choices=choices, unique=True)[0]])
    value, feasible = function(x), function.is_feasible(x)
    best = torch.where(feasible, value, -torch.inf).argmax()
    print(f"{int(feasible.sum())} of {len(x)} designs within 20 mm2")
    print(f"edp {10 ** value[best]:.2f} times better than the default's: {function.designs(x[best])[0]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--evaluations", type=int, default=30)
    parser.add_argument("--first", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    search(arguments.evaluations, arguments.first, arguments.seed)


if __name__ == "__main__":
    main()
