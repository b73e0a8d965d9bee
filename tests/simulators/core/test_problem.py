from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from toy import ToySimulator

from chipgym.errors import ChipgymError
from chipgym.simulators import DesignSpace, MetricSpec, Parameter, make_problem

pytestmark = pytest.mark.filterwarnings("error")


class Slope(ToySimulator):
    """A machine whose metrics, and whether it can be built, are set by the test."""

    name, default_objective = "slope", "latency_s"
    metrics = (MetricSpec("latency_s", "s"), MetricSpec("stalls"))

    def __init__(self, buildable_from: int = 0, stalls: float = 0.0) -> None:
        super().__init__()
        self.options = {"buildable_from": buildable_from}
        self.stalls = stalls
        self.space = DesignSpace((Parameter("x", tuple(range(1, 101))),))

    def simulate(self, columns, n):
        x = columns["x"].astype(float)
        return {"latency_s": x, "stalls": np.full(n, self.stalls)}, np.maximum(self.options["buildable_from"] - x, 0.0)


def test_an_evaluation():
    problem = make_problem("toy", objective=["latency_s", "area_mm2"], constraints=["area_mm2 <= 8"])
    rows = problem.space.sample(50, np.random.default_rng(0))
    found = problem.evaluate(rows)
    assert found.objectives.shape == (50, 2)
    assert found.violation.shape == (50,)
    area = found.metrics["area_mm2"]
    built = found.metrics["feasible"]
    assert (found.feasible == (built & np.nan_to_num(area <= 8))).all()
    expected = found.metrics["violation"] + np.where(built, np.maximum(np.nan_to_num(area) / 8 - 1, 0), 0)
    np.testing.assert_allclose(found.violation, expected)
    assert (np.isnan(found.objectives).all(axis=1) == ~built).all()
    by_value = problem.evaluate(problem.space.decode(rows))
    np.testing.assert_array_equal(by_value.objectives, found.objectives)


def test_the_reward_of_the_default_is_0_and_the_rest_follows_the_formula():
    problem = make_problem("toy", constraints=["area_mm2 <= 8"])
    assert problem.reward(problem.evaluate(problem.space.default)).tolist() == [0.0]
    found = problem.evaluate(problem.space.enumerate())
    edp = found.metrics["energy_j"] * found.metrics["latency_s"]
    default = problem.evaluate({}).objectives[0, 0]
    gain = np.clip(np.log10(default / edp), -5, 5)
    expected = np.where(found.feasible, gain, -5 - found.violation / (1 + found.violation))
    np.testing.assert_array_equal(problem.reward(found), expected)


def test_no_designs():
    problem = make_problem("toy", objective="all", constraints="area_mm2 <= 8")
    found = problem.evaluate([])
    assert found.objectives.shape == (0, 3)
    assert problem.reward(found).shape == found.violation.shape == found.feasible.shape == (0,)


DIFFERENT = [
    {},
    {"workload": "mlp:4-8"},
    {"budget_mm2": 20.0},
    {"objective": "latency_s"},
    {"objective": ["latency_s", "energy_j"]},
    {"objective": ["energy_j", "latency_s"]},
    {"constraints": "area_mm2 <= 8"},
    {"constraints": "area_mm2 <= 9"},
    {"constraints": "area_mm2 >= 8"},
    {"space": {"units": [1, 2]}},
    {"space": {"units": [1, 2, 3]}},
    {"space": {"cache": "on"}},
]


def test_what_differs_has_another_digest():
    digests = [make_problem("toy", **arguments).digest for arguments in DIFFERENT]
    assert len(set(digests)) == len(DIFFERENT)
    assert digests == [make_problem("toy", **arguments).digest for arguments in DIFFERENT]


def test_what_is_the_same_has_the_same_digest():
    base = make_problem("toy").digest
    assert make_problem("toy", objective="edp").digest == base
    assert make_problem("toy", objective="latency_s*energy_j").digest == base
    within = {make_problem("toy", constraints=text).digest for text in ("area_mm2<=30", "area_mm2 <= 30.0")}
    assert len(within) == 1
    assert make_problem("toy", workload="mlp:16-64-5", budget_mm2=40.0).digest == base
    assert make_problem("toy", space={"units": [32, 16, 8, 4, 2, 1]}).digest == base
    clocks = make_problem("systolic", "alexnet").space["clock_mhz"].values
    whole = make_problem("systolic", "alexnet", space={"clock_mhz": [int(c) for c in clocks]})
    assert whole.digest == make_problem("systolic", "alexnet").digest


def test_the_digest_is_the_same_in_another_process():
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from toy import ToySimulator; from chipgym import make_problem;"
        "print(make_problem(ToySimulator(), constraints='area_mm2 <= 8', space={'cache': {'on', 'off'}}).digest)"
    )
    here = make_problem(ToySimulator(), constraints="area_mm2 <= 8", space={"cache": {"on", "off"}}).digest
    tests = str(Path(__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", code, tests], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == here


def test_the_identity_is_json_and_names_its_parts():
    identity = make_problem("toy", constraints="area_mm2 <= 8", space={"units": [1, 2]}).identity()
    assert json.loads(json.dumps(identity)) == identity
    assert identity["simulator"] == "toy"
    assert identity["options"] == {"budget_mm2": 40.0}
    assert identity["constraints"] == ["area_mm2 <= 8"]
    assert identity["space"]["units"] == [1, 2]


def test_where_the_default_cannot_be_built_the_reference_is_a_seeded_draw():
    first, again = (make_problem(Slope(buildable_from=50)) for _ in range(2))
    assert first.reference.tolist() == again.reference.tolist()
    assert first.reference[0] >= 50
    assert make_problem(Slope()).reference.tolist() == [1.0]


def test_why_a_design_is_infeasible():
    problem = make_problem("systolic", "alexnet", constraints=["area_mm2 <= 5", "utilization>=0.9", "edp <= 1"])
    assert [str(limit) for limit in problem.broken_limits({"clock_mhz": 3000})] == [
        "clock_mhz is 3000, above the limit of 1819 MHz"
    ]
    area, utilization = problem.broken_limits({})
    found = problem.evaluate({}).metrics
    assert (area.name, area.value, area.limit, area.unit) == ("area_mm2", found["area_mm2"][0], 5.0, "mm2")
    assert str(utilization) == f"utilization is {found['utilization'][0]:.6g}, below the least of 0.9"
    assert make_problem("systolic", "alexnet").broken_limits({}) == ()
    with pytest.raises(ChipgymError, match="broken_limits: takes one design, not 2"):
        problem.broken_limits([{}, {}])


def test_a_simulator_need_not_say_why():
    assert make_problem(Slope(buildable_from=50)).broken_limits({"x": 3}) == ()


def test_a_constraint_does_not_change_the_reference():
    assert make_problem(Slope(), constraints="latency_s >= 50").reference.tolist() == [1.0]


def test_without_a_design_to_compare_with():
    with pytest.raises(ChipgymError, match="no design that can be built for mlp:16-64-5 among 4096"):
        make_problem(Slope(buildable_from=1000))
    with pytest.raises(ChipgymError, match="objective: 'stalls' has no positive, finite value") as error:
        make_problem(Slope(), objective=["latency_s", "stalls"])
    assert len(str(error.value).splitlines()) == 1
    for simulator in (Slope(buildable_from=1000), Slope(stalls=math.inf)):
        problem = make_problem(simulator, objective="stalls", targets=[2.0])
        assert np.isfinite(problem.reward(problem.evaluate(problem.space.enumerate()))).all()


def test_targets():
    problem = make_problem("toy", objective=["latency_s", "area_mm2"], targets={"area_mm2": 8, "latency_s": 1e-3})
    assert problem.reference.tolist() == [1e-3, 8.0]
    near = make_problem("toy", objective="area_mm2", targets=np.array([5.0]), reward="target_distance")
    assert near.reward(near.evaluate({"units": 4})).tolist() == [5.0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"targets": [1.0, 2.0]}, "targets: .*edp"),
        ({"targets": [0.0]}, "targets: "),
        (
            {"reward": "target_distance"},
            "targets: the reward 'target_distance' needs one per objective, .*'edp'",
        ),
        ({"targets": [-1.0]}, "targets: "),
        ({"targets": [math.nan]}, "targets: "),
        ({"targets": [None]}, "targets: "),
        ({"targets": ["x"]}, "targets: "),
        ({"targets": [10**400]}, "targets: "),
        ({"targets": [[1.0]]}, "targets: "),
        ({"targets": 5}, "targets: 5"),
        ({"targets": "edp"}, "targets: 'edp'"),
        ({"targets": {"edpp": 5}}, "'edpp'.*did you mean 'edp'"),
        ({"targets": {}}, "targets: no value for edp"),
        ({"reward": "log_ration"}, "did you mean 'log_ratio'"),
        ({"reward": ["log_ratio"]}, "reward"),
        ({"objective": "energy"}, "'energy'.*did you mean 'energy_j'"),
        ({"constraints": "area <= 10"}, "'area'.*did you mean 'area_mm2'"),
        ({"constraints": None}, "constraint: None"),
        ({"space": {"unit": 3}}, "did you mean 'units'"),
        ({"budget": 3}, "did you mean 'budget_mm2'"),
    ],
    ids=repr,
)
def test_a_wrong_argument_says_so(arguments, says):
    with pytest.raises(ChipgymError, match=says) as error:
        make_problem("toy", **arguments)
    assert len(str(error.value).splitlines()) == 1
