"""A problem as one of BoTorch's test functions, by BoTorch's own cases and in a short search."""

from __future__ import annotations

import pickle
from unittest import mock

import numpy as np
import pytest

import chipgym

pytest.importorskip("botorch", reason="BoTorch is not installed: pip install 'chipgym[bo]'")

import torch
from botorch.acquisition.logei import qLogExpectedImprovement
from botorch.acquisition.objective import GenericMCObjective
from botorch.fit import fit_gpytorch_mll
from botorch.models import MixedSingleTaskGP, ModelListGP
from botorch.models.transforms import Normalize, Standardize
from botorch.optim import optimize_acqf_discrete
from botorch.test_functions.base import ConstrainedBaseTestProblem, MultiObjectiveTestProblem
from botorch.utils.testing import (
    BaseTestProblemTestCaseMixIn,
    BotorchTestCase,
    ConstrainedTestProblemTestCaseMixin,
    MultiObjectiveTestProblemTestCaseMixin,
)
from botorch.utils.transforms import unnormalize
from gpytorch.mlls import SumMarginalLogLikelihood

function = chipgym.search.botorch_function


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.random.fork_rng():
        yield
    torch.set_num_threads(before)


class WholeNumbers(ConstrainedTestProblemTestCaseMixin):
    """BoTorch's case draws real numbers, which its own check of inputs refuses where positions are whole."""

    def test_evaluate_slack(self):
        with mock.patch("botorch.utils.testing.unnormalize", lambda x, bounds: unnormalize(x, bounds).round()):
            super().test_evaluate_slack()


class TestOneObjective(BotorchTestCase, BaseTestProblemTestCaseMixIn, WholeNumbers):
    @property
    def functions(self):
        problem = chipgym.make_problem("toy", budget_mm2=20.0, constraints=["energy_j <= 0.004", "units >= 3"])
        return [
            function(problem),
            function(problem, negate=True),
            function(problem, log=True, noise_std=0.1),
            function(problem, constraint_noise_std=0.1),
            function(problem, constraint_noise_std=[0.0, 0.0, 0.2]),
        ]


class TestSeveralObjectives(
    BotorchTestCase, BaseTestProblemTestCaseMixIn, MultiObjectiveTestProblemTestCaseMixin, WholeNumbers
):
    @property
    def functions(self):
        problem = chipgym.make_problem("toy", objective="all", constraints="latency_s <= 0.0005")
        return [function(problem), function(problem, log=True), function(problem, ref_point=[1, 2, 3])]


def test_values_and_slacks_are_the_problems(adapted):
    rows = adapted.space.sample(60, np.random.default_rng(0))
    out = adapted.evaluate(rows)
    built = ~np.isnan(out.objectives).any(axis=1)
    several = len(adapted.objectives) > 1
    for f in (function(adapted), function(adapted, negate=True)):
        assert isinstance(f, ConstrainedBaseTestProblem)
        assert isinstance(f, MultiObjectiveTestProblem) == several
        x = f.encode([adapted.space.design(row) for row in rows])
        values = (-f(x) if f.negate else f(x)).reshape(60, -1).numpy()
        assert (values[built] == out.objectives[built]).all()
        assert np.isfinite(values).all()
        assert (f.is_feasible(x).numpy() == out.feasible).all()
        slack = f.evaluate_slack(x).numpy()
        assert np.maximum(-slack, 0).sum(axis=1) == pytest.approx(out.violation)
        assert f.designs(x.reshape(2, 30, -1)) == [adapted.space.design(row) for row in rows]
        knobs = [p for p in adapted.space.parameters if p.size > 1]
        assert f.bounds.tolist() == [[0.0] * len(knobs), [k.size - 1.0 for k in knobs]]
        assert [k.name for i, k in enumerate(knobs) if i in f.categorical_inds] == ["cache"]
        assert sorted(f.categorical_inds + f.discrete_inds) == list(range(f.dim))
        if several:
            assert (f.ref_point * (-1 if f.negate else 1)).tolist() == adapted.reference.tolist()
        else:
            assert f.is_minimization_problem == (not f.negate)
            assert abs(f.worst_feasible_value) >= np.abs(values[built]).max()
    decades = function(adapted, log=True)(x).reshape(60, -1).numpy()
    assert decades[built] == pytest.approx(np.log10(out.objectives[built] / adapted.reference))
    if (~built).any():
        assert ((decades[~built] > 5) & (decades[~built] < 6)).all()


def test_samples_are_of_the_grid(adapted):
    f = function(adapted)
    x = f.sample(20, seed=1)
    assert (x == x.round()).all()
    assert (f.encode(f.designs(x)) == x).all()
    assert (f.sample(20, seed=1) == x).all()
    assert f.sample(3).dtype == f.bounds.dtype == torch.double


def test_it_is_pickled(adapted):
    f = function(adapted, negate=True)
    x = f.sample(5)
    assert (pickle.loads(pickle.dumps(f))(x) == f(x)).all()


@pytest.mark.parametrize("point", [[1.0], [1.0, 2.0, float("nan")], ["a", 1, 2]])
def test_a_reference_point_that_is_none(point):
    problem = chipgym.make_problem("toy", objective="all")
    with pytest.raises(chipgym.ChipgymError, match=r"^ref_point: .* is not a number for each of 3 objectives"):
        function(problem, ref_point=point)


def test_constrained_expected_improvement_finds_the_best():
    """BoTorch as its users write it: a model for the objective and one for each slack, on a mixed space."""
    problem = chipgym.make_problem("toy", constraints="area_mm2 <= 10")
    f = function(problem, log=True, negate=True)
    every = problem.space.canonicalize(problem.space.enumerate())
    choices = f.encode([problem.space.design(row) for row in np.unique(every, axis=0)])
    torch.manual_seed(0)
    x = f.sample(8)
    for _ in range(6):
        outcomes = torch.cat([f(x).unsqueeze(-1), f.evaluate_slack(x)[:, 1:]], dim=-1)
        models = [
            MixedSingleTaskGP(
                x, y.unsqueeze(-1), cat_dims=f.categorical_inds, outcome_transform=Standardize(1),
                input_transform=Normalize(f.dim, indices=f.discrete_inds, bounds=f.bounds[:, f.discrete_inds]),
            )
            for y in outcomes.unbind(-1)
        ]  # fmt: skip
        model = ModelListGP(*models)
        fit_gpytorch_mll(
            SumMarginalLogLikelihood(model.likelihood, model), optimizer_kwargs={"options": {"maxiter": 20}}
        )
        feasible = f.is_feasible(x)
        improvement = qLogExpectedImprovement(
            model,
            best_f=f(x)[feasible].max() if feasible.any() else torch.tensor(-5.0),
            objective=GenericMCObjective(lambda samples, X=None: samples[..., 0]),
            constraints=[lambda samples: -samples[..., 1]],
        )
        best, _ = optimize_acqf_discrete(improvement, q=1, choices=choices, unique=True)
        x = torch.cat([x, best])
    found = f(x)[f.is_feasible(x)].max()
    everything = f(choices)[f.is_feasible(choices)]
    assert found >= everything.quantile(0.95)
