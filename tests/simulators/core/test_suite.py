"""One machine for several workloads."""

from __future__ import annotations

import numpy as np
import pytest

import chipgym
from chipgym.errors import ChipgymError
from chipgym.simulators import SuiteSimulator, make_simulator

NAMES = ["mlp:64-64-10", "mlp:256-512-10", "vgg16"]


@pytest.fixture(scope="module")
def suite():
    return make_simulator("systolic", NAMES)


def test_metrics_are_geometric_means(suite):
    rows = suite.space.sample(300, np.random.default_rng(0))
    columns = suite.space.decode(rows) | {"clock_mhz": np.tile([800.0, 20000.0], 150)}
    each = [make_simulator("systolic", name).evaluate(columns) for name in NAMES]
    out = suite.evaluate(columns)
    built = np.all([e["feasible"] for e in each], axis=0)
    assert 0 < built.sum() < len(built)
    np.testing.assert_array_equal(out["feasible"], built)
    np.testing.assert_array_equal(out["violation"], np.max([e["violation"] for e in each], axis=0))
    for spec in suite.metrics:
        product = np.prod([e[spec.name] for e in each], axis=0)
        expected = np.where(built | (not spec.cost), product ** (1 / 3), np.nan)
        np.testing.assert_allclose(out[spec.name], expected, rtol=1e-9, err_msg=spec.name)
    np.testing.assert_allclose(out["area_mm2"][built], each[0]["area_mm2"][built], rtol=1e-12)


def test_a_reward_is_the_mean_of_the_workloads_rewards():
    """Whatever the default design takes on each, as decades of a geometric mean are the mean of decades."""
    rows = make_simulator("toy").space.sample(50, np.random.default_rng(1))
    names = ["mlp:8-8", "mlp:4-4"]
    together = chipgym.make_problem("toy", names, objective="latency_s")
    apart = [chipgym.make_problem("toy", name, objective="latency_s") for name in names]
    rewards = [p.reward(p.evaluate(rows)) for p in apart]
    found = together.reward(together.evaluate(rows))
    good = together.evaluate(rows).feasible
    assert good.sum() > 10
    np.testing.assert_allclose(found[good], np.mean(rewards, axis=0)[good], atol=1e-12)


def test_it_has_an_identity_of_its_own(suite):
    assert suite.workload.name == "mlp:64-64-10+mlp:256-512-10+vgg16"
    alone = make_simulator("systolic", NAMES[0])
    assert {k: v for k, v in suite.identity().items() if "workload" not in k} == {
        k: v for k, v in alone.identity().items() if "workload" not in k
    }
    orders = [chipgym.make_problem("systolic", names).digest for names in (NAMES, NAMES[:2], NAMES[::-1])]
    assert len(set(orders)) == 3
    features = [make_simulator("systolic", name).workload.features() for name in NAMES]
    assert suite.workload.features() == pytest.approx({k: np.mean([f[k] for f in features]) for k in features[0]})


def test_one_workload_in_a_list_is_that_workload():
    assert not isinstance(make_simulator("toy", ["mlp:8-8"]), SuiteSimulator)
    assert chipgym.make_problem("toy", ["mlp:8-8"]).digest == chipgym.make_problem("toy", "mlp:8-8").digest


def test_searches_and_tables_take_it(tmp_path):
    problem = chipgym.make_problem("systolic", NAMES[:2], constraints="area_mm2 <= 5")
    result = chipgym.optimize(problem, agent="nsga2", budget=60, seed=0, store=tmp_path / "run.db")
    again = chipgym.optimize(problem, agent="nsga2", budget=60, seed=0, store=tmp_path / "run.db")
    assert again.best.design == result.best.design
    space = {p.name: [p.default] for p in problem.space if p.name not in ("rows", "dataflow")}
    chipgym.collect(problem.simulator, tmp_path / "t.parquet", space=space)
    table, part = make_simulator("tabular", tmp_path / "t.parquet"), problem.simulator.space.narrow(space)
    columns = part.decode(part.enumerate())
    found, expected = table.evaluate(columns), problem.simulator.evaluate(columns)
    np.testing.assert_array_equal(found["latency_s"], expected["latency_s"])


def test_limits_are_those_of_the_worst_workload():
    members = [make_simulator("systolic", name) for name in ("mlp:8-8", "vgg16")]
    design = {"clock_mhz": 20000, "ifmap_sram_kb": 1}
    found = SuiteSimulator(members).broken_limits(design)
    each = [limit for member in members for limit in member.broken_limits(design)]
    assert {limit.name for limit in found} == {limit.name for limit in each}
    for limit in found:
        assert limit.value - limit.limit == max(x.value - x.limit for x in each if x.name == limit.name)


def test_wrong_lists_are_one_clear_error():
    with pytest.raises(ChipgymError, match="'mlp:8-8' is given twice"):
        make_simulator("toy", ["mlp:8-8", "mlp:8-8"])
    with pytest.raises(ChipgymError, match="one workload at least"):
        make_simulator("toy", [])
    with pytest.raises(ChipgymError, match="another design space"):
        SuiteSimulator([make_simulator("toy"), make_simulator("systolic", "resnet18")])
