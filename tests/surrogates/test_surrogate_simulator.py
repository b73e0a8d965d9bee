"""A surrogate behind the simulator interface; the conformance tests hold the one that ships to all the rest."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from collected import SETTINGS, systolic, table

import chipgym
from chipgym import load_table, make_problem, make_simulator
from chipgym.errors import ChipgymError
from chipgym.surrogates import Surrogate, load_surrogate, measure, only_metrics

WORKLOADS = ("mlp:16-64-5", "mlp:8-8", "mlp:64-64-64")


@pytest.fixture(scope="module")
def toy() -> Surrogate:
    return Surrogate("boosting", **SETTINGS["boosting"]).fit(table())


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "mlps.npz"
    Surrogate("ridge").fit([systolic(workload) for workload in WORKLOADS]).save(path)
    return path


def test_it_has_what_its_simulator_has(toy):
    simulator, source = chipgym.make_simulator("surrogate", toy), chipgym.make_simulator("toy")
    assert simulator.metrics == source.metrics
    assert dict(simulator.objectives) == dict(source.objectives)
    assert simulator.default_objective == source.default_objective
    assert [p.values for p in simulator.space] == [p.values for p in source.space]
    assert simulator.source == {"simulator": "toy", "version": "1", "options": {"budget_mm2": 40.0}}
    assert simulator.workload.name == "boosting:toy:mlp:16-64-5"
    assert simulator.workload.features() == source.workload.features()


def test_it_answers_with_predictions():
    small = Surrogate("boosting", **SETTINGS["boosting"]).fit(table(budget_mm2=12.0))
    simulator = chipgym.make_simulator("surrogate", small)
    rows = table().positions.astype(np.int64)
    out, predicted = simulator.evaluate(rows), small.predict(rows)
    np.testing.assert_array_equal(out["feasible"], predicted.feasible)
    np.testing.assert_array_equal(out["violation"], predicted.violation)
    assert 0 < out["feasible"].sum() < len(rows)
    for name, mean in predicted.mean.items():
        np.testing.assert_array_equal(out[name], np.where(predicted.feasible, mean, np.nan))


def test_a_search_on_it_finds_what_is_good(toy):
    """Its best design is among the best tenth of the simulator's own."""
    found = chipgym.optimize(chipgym.make_problem("surrogate", toy, objective="edp"), "random", budget=200)
    truth = chipgym.make_problem("toy", objective="edp")
    every = truth.evaluate(table().designs()).objectives[:, 0]
    here = truth.evaluate(found.best.design).objectives[0, 0]
    assert here <= np.nanquantile(every, 0.1)


def test_one_model_for_several_workloads(several):
    small, large = (chipgym.make_simulator("surrogate", f"{several}@{name}") for name in ("mlp:8-8", "mlp:64-64-64"))
    assert small.identity() != large.identity()
    assert small.evaluate({})["macs"][0] < large.evaluate({})["macs"][0]
    fresh = chipgym.make_simulator("surrogate", f"{several}@mlp:32-32")
    assert np.isfinite(fresh.evaluate({})["latency_s"]).all()
    assert fresh.workload.features() == chipgym.datasets.load_workload("mlp:32-32").features()


def test_an_environment_over_workloads(several):
    workloads = [f"{several}@{name}" for name in WORKLOADS]
    env = gymnasium.make("chipgym/Surrogate-v0", workload=workloads, objective="latency_s")
    for seed in range(3):
        env.reset(seed=seed)
        reward = env.step(env.action_space.sample())[1]
        assert np.isfinite(reward)


def test_another_model_is_another_problem(toy, several, tmp_path):
    other = Surrogate("boosting", **SETTINGS["boosting"], seed=1).fit(table())
    one, two = (chipgym.make_problem("surrogate", model).digest for model in (toy, other))
    assert one != two
    toy.save(tmp_path / "toy.npz")
    assert chipgym.make_problem("surrogate", tmp_path / "toy.npz").digest == one


def test_it_can_be_collected(toy, tmp_path):
    """A table of predictions, which says that it is one."""
    simulator = chipgym.make_simulator("surrogate", toy)
    done = chipgym.collect(simulator, tmp_path / "t.parquet")
    assert done.header.simulator == "surrogate"
    again = chipgym.make_simulator("tabular", tmp_path / "t.parquet")
    rows = table().positions.astype(np.int64)
    np.testing.assert_array_equal(again.evaluate(rows)["energy_j"], simulator.evaluate(rows)["energy_j"])


@pytest.mark.parametrize(
    ("workload", "message"),
    [
        ("{several}", "has learned from several, name one: mlp:16-64-5, mlp:8-8"),
        ("{several}@", "expected a name or a path, got an empty text"),
        ("{several}@cloud-1", "of another kind than the model was trained with"),
        ("{several}@mlp:8-9x", "mlp:8-9x"),
        ("none@resnet18", "unknown surrogate 'none'"),
        ("none.npz@resnet18", "file 'none.npz': does not exist"),
        ("systolic-networks@resnet19", "unknown workload 'resnet19'; did you mean 'resnet18'"),
        ("a\0b", "cannot be read"),
    ],
)
def test_models_and_workloads_that_there_are_not(several, workload, message):
    with pytest.raises(ChipgymError, match=r"^[^\n]+$") as error:
        chipgym.make_simulator("surrogate", workload.format(several=several))
    assert message in str(error.value)


def test_a_model_in_memory_is_told_its_workload():
    model = load_surrogate("systolic-networks")
    told = make_simulator("surrogate", model, on="resnet18")
    named = make_simulator("surrogate", "systolic-networks@resnet18")
    assert told.identity() == named.identity()
    assert told.evaluate({})["cycles"].tolist() == named.evaluate({})["cycles"].tolist()
    assert make_problem("surrogate", model, on="vgg16").simulator.workload.name.endswith(":vgg16")
    with pytest.raises(ChipgymError, match=r"on: 'vgg16' goes with a Surrogate in memory"):
        make_simulator("surrogate", "systolic-networks", on="vgg16")


def test_a_model_of_some_metrics(tmp_path):
    table = load_table("systolic-resnet18")
    some = only_metrics(table, ["energy_j", "area_mm2"])
    assert list(some.metrics) == [m.name for m in some.header.metrics if m.name in ("energy_j", "area_mm2")]
    assert some.header.default_objective == "energy_j"
    model = Surrogate("ridge").fit(some)
    simulator = make_simulator("surrogate", model)
    assert [m.name for m in simulator.metrics] == list(some.metrics)
    assert make_problem(simulator).objectives[0].name == "energy_j"
    errors = measure(model, some)
    frame = errors.to_pandas()
    assert list(frame.index) == list(errors.metrics) == list(some.metrics)
    assert frame.loc["energy_j", "mape"] == errors.metrics["energy_j"].mape
    assert list(frame.columns) == ["mape", "median_ape", "r2", "spearman", "within_1_std", "within_90"]
    with pytest.raises(ChipgymError, match="unknown metric 'energy'; did you mean 'energy_j'"):
        only_metrics(table, ["energy"])
    with pytest.raises(ChipgymError, match="metrics: an empty list"):
        only_metrics(table, [])
