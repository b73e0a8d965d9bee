"""The agent that reads bottlenecks: what it does with a breakdown, without one, and how it says so."""

from __future__ import annotations

import numpy as np
import pytest

import chipgym
from chipgym.errors import ChipgymError
from chipgym.search import make_agent, optimize
from chipgym.search.agents.bottleneck.measured import corrections
from chipgym.search.agents.bottleneck.parts import PartModel

SPACE = {"num_arrays": 1, "loop_order": "best", "dataflow": "ws"}


def systolic(**given):
    return chipgym.make_problem("systolic", workload="mlp:256-256-64", **given)


def test_it_begins_with_the_default_design_and_no_seed_matters():
    problem = systolic(objective="edp", space=SPACE)
    first, second = (optimize(problem, "bottleneck", 25, seed) for seed in (0, 7))
    assert first.table.row(0).design == problem.space.default
    assert first.to_pandas().equals(second.to_pandas())


@pytest.mark.parametrize(
    ("simulator", "given"),
    [
        ("systolic", {"workload": "resnet18", "objective": "energy_j"}),
        ("tabular", {"workload": "systolic-resnet18", "objective": "edp", "constraints": "area_mm2 <= 10"}),
        ("tabular", {"workload": "memory-cloud-1", "objective": "edp", "constraints": "area_mm2 <= 0.1"}),
        ("hls", {"workload": "gemm-ncubed", "constraints": "dsp <= 900"}),
    ],
    ids=["systolic", "table", "memory", "hls"],
)
def test_it_is_far_ahead_of_random_search_in_thirty_evaluations(simulator, given):
    """Compared with the median of random searches of ten times its evaluations."""
    problem = chipgym.make_problem(simulator, **given)
    mine = optimize(problem, "bottleneck", 30)
    assert mine.best.feasible
    random = [optimize(problem, "random", 300, seed).best.objectives[0] for seed in range(5)]
    assert mine.best.objectives[0] <= 1.1 * np.median(random)


def test_it_says_what_it_changed_and_why():
    problem = systolic(objective="latency_s", space={**SPACE, "clock_mhz": 800})
    found = optimize(problem, "bottleneck", 12)
    assert found.explanation
    assert all(line.startswith("evaluation ") and "→" in line for line in found.explanation)
    assert any("% of latency_s" in line for line in found.explanation)


def test_a_foretold_design_is_exact_where_the_breakdown_is():
    """Of area, sums of products of the array's sides and the SRAMs' sizes."""
    problem = systolic(objective="area_mm2")
    row = problem.space.default_indices
    metrics = {name: float(column[0]) for name, column in problem.evaluate(row).metrics.items()}
    model = PartModel(problem, row, metrics, problem.simulator.bottlenecks(problem.space.design(row)))
    moved = np.repeat(row[None, :], 3, axis=0)
    moved[1, problem.space.names.index("rows")] += 1
    moved[2, problem.space.names.index("num_arrays")] += 1
    truth = np.log10(problem.evaluate(moved).objectives[:, 0] / problem.evaluate(row).objectives[0, 0])
    assert model.objective(moved) == pytest.approx(truth, abs=0.02)


def test_corrections_are_none_at_the_centre_and_learn_a_knob_in_other_company():
    space = systolic().space
    centre = space.default_indices
    one, two = centre.copy(), centre.copy()
    one[0] += 1
    two[[0, 1]] += 1
    learned = corrections(space, centre, np.array([centre, one]), np.array([0.0, 0.3]))
    told = learned.outlook(np.array([centre, one, two]))
    add, spread = told.mean, told.deviation
    assert add[0] == pytest.approx(0.0, abs=0.01)
    assert add[1] == pytest.approx(0.3, abs=0.02)
    assert add[2] > 0.1  # the second knob is unknown, the first is as it was
    assert spread[1] < 0.1 * spread[2]


def test_one_objective_at_a_time():
    with pytest.raises(ChipgymError, match="searches for one objective"):
        make_agent("bottleneck", systolic(objective=["latency_s", "energy_j"]))


def test_a_simulator_that_cannot_say_is_searched_all_the_same(monkeypatch):
    problem = systolic(objective="edp", space=SPACE)

    def refuse(design):
        raise ChipgymError("not today")

    monkeypatch.setattr(problem.simulator, "bottlenecks", refuse)
    found = optimize(problem, "bottleneck", 12)
    assert found.evaluations == 12
    assert all("what was measured says so" in line for line in found.explanation)
