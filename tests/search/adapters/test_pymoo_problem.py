"""A problem as pymoo takes it: its algorithms run as their users write them."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pytest

import chipgym

pytest.importorskip("pymoo", reason="pymoo is not installed: pip install 'chipgym[moo]'")

from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.algorithms.moo.nsga3 import NSGA3
from pymoo.algorithms.moo.unsga3 import UNSGA3
from pymoo.algorithms.soo.nonconvex.de import DE
from pymoo.algorithms.soo.nonconvex.ga import GA
from pymoo.algorithms.soo.nonconvex.pso import PSO
from pymoo.indicators.hv import HV
from pymoo.indicators.igd import IGD
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.mutation.pm import PM
from pymoo.operators.repair.rounding import RoundingRepair
from pymoo.operators.sampling.rnd import IntegerRandomSampling
from pymoo.optimize import minimize
from pymoo.util.ref_dirs import get_reference_directions


@pytest.fixture(autouse=True)
def warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


def test_values_are_the_problems(adapted):
    ours = chipgym.search.pymoo_problem(adapted)
    rows = adapted.space.sample(100, np.random.default_rng(0))
    x = ours.encode([adapted.space.design(row) for row in rows])
    out = adapted.evaluate(rows)
    f, g = ours.evaluate(x)
    built = ~np.isnan(out.objectives).any(axis=1)
    assert ours.n_var == x.shape[1] == (adapted.space.sizes > 1).sum()
    assert f.shape == (100, ours.n_obj)
    assert (f[built] == out.objectives[built]).all()
    assert np.isfinite(f).all()
    assert ((g <= 0).all(axis=1) == out.feasible).all()
    assert np.maximum(g, 0).sum(axis=1) == pytest.approx(out.violation)
    assert ours.designs(x) == [adapted.space.design(row) for row in rows]
    one = ours.evaluate(x[0])
    assert (one[0] == f[0]).all()
    assert (one[1] == g[0]).all()


def integer_operators():
    return {
        "sampling": IntegerRandomSampling(),
        "crossover": SBX(prob=1.0, eta=3.0, vtype=float, repair=RoundingRepair()),
        "mutation": PM(prob=1.0, eta=3.0, vtype=float, repair=RoundingRepair()),
    }


@pytest.mark.parametrize("operators", ["reals", "integers", "ours"])
@pytest.mark.parametrize("algorithm", ["nsga2", "nsga3", "unsga3"])
def test_algorithms_find_the_front(algorithm, operators):
    problem = chipgym.make_problem("toy", objective=["latency_s", "energy_j", "area_mm2"], budget_mm2=20.0)
    ours = chipgym.search.pymoo_problem(problem)
    settings = {"reals": {}, "integers": integer_operators(), "ours": ours.operators()}[operators]
    if algorithm == "nsga2":
        made = NSGA2(pop_size=24, **settings)
    else:
        directions = get_reference_directions("das-dennis", 3, n_partitions=5)
        made = {"nsga3": NSGA3, "unsga3": UNSGA3}[algorithm](directions, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NSGA-III's own, where few individuals are left
        found = minimize(ours, made, ("n_gen", 12), seed=1)
    every = problem.evaluate(problem.space.enumerate())
    reference = every.objectives[every.feasible].max(axis=0)
    volume = HV(ref_point=reference)
    assert volume(found.F) > 0.8 * volume(every.objectives[every.feasible])
    for design, values in zip(ours.designs(found.X), found.F, strict=True):
        out = problem.evaluate(design)
        assert out.feasible[0]
        assert (out.objectives[0] == values).all()


@pytest.mark.parametrize("algorithm", [GA, DE, PSO])
def test_algorithms_of_one_objective_keep_to_constraints(algorithm):
    problem = chipgym.make_problem("toy", budget_mm2=20.0, constraints=["energy_j <= 0.004", "units >= 2"])
    ours = chipgym.search.pymoo_problem(problem)
    found = minimize(ours, algorithm(pop_size=20), ("n_evals", 400), seed=1)
    every = problem.evaluate(problem.space.enumerate())
    assert found.F[0] == every.objectives[every.feasible].min()
    assert found.CV[0] == 0
    assert len(ours.designs(found.X)) == 1


def test_the_same_seed_is_the_same_search(toy):
    ours = chipgym.search.pymoo_problem(toy)
    runs = [minimize(ours, GA(pop_size=10, **ours.operators()), ("n_gen", 4), seed=3) for _ in range(2)]
    assert (runs[0].pop.get("X") == runs[1].pop.get("X")).all()


def test_operators_keep_designs_canonical(toy):
    ours = chipgym.search.pymoo_problem(toy)
    found = minimize(ours, GA(pop_size=30, **ours.operators()), ("n_gen", 5), seed=1, save_history=True)
    for entry in found.history:
        x = entry.pop.get("X")
        assert len(np.unique(x, axis=0)) == len(x)
        assert (ours.encode(ours.designs(x)) == x).all()


def test_a_search_starts_from_given_designs(toy):
    ours = chipgym.search.pymoo_problem(toy)
    start = ours.encode([{"units": 32}, {"units": 16}, {"cache": "on"}])
    settings = ours.operators() | {"sampling": start}
    found = minimize(ours, GA(pop_size=3, **settings), ("n_gen", 1), seed=1)
    assert sorted(map(tuple, found.pop.get("X"))) == sorted(map(tuple, start.tolist()))


def test_the_front_of_a_table_is_known():
    table = chipgym.make_problem("tabular", objective=["latency_s", "energy_j"])
    ours = chipgym.search.pymoo_problem(table)
    front = ours.pareto_front()
    every = table.evaluate(table.space.enumerate())
    good = every.objectives[every.feasible]
    assert (front.min(axis=0) == good.min(axis=0)).all()
    assert IGD(front)(good) == 0
    assert chipgym.search.pymoo_problem(chipgym.make_problem("toy")).pareto_front() is None


def test_it_is_copied_and_pickled(adapted):
    ours = chipgym.search.pymoo_problem(adapted)
    x = ours.encode(adapted.space.default)
    for other in (pickle.loads(pickle.dumps(ours)), copy.deepcopy(ours)):
        assert other.evaluate(x)[0] == pytest.approx(ours.evaluate(x)[0])
