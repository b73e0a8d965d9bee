"""`chipgym train`, and its model in the other verbs."""

from __future__ import annotations

import pytest

import chipgym

COLLECT = ("--samples", 60, "--seed", 3)


@pytest.fixture
def tables(cli) -> list[str]:
    out = []
    for name in ("mlp:16-64-5", "mlp:8-8", "mlp:64-64"):
        out.append(f"{name.replace(':', '-')}.parquet")
        assert cli("collect", "toy", "--workload", name, *COLLECT, "--out", out[-1]).status == 0
    return out


def test_train_and_use(cli, tables):
    done = cli("train", *tables, "--model", "ridge", "--out", "m.npz", "--metric", "latency_s")
    assert done.status == 0, done.err
    heading, _, row = done.out.splitlines()[1:4]
    assert heading.startswith("metric ")
    for split in ("designs", "workloads", "both"):
        assert f"error, {split}" in heading
        assert f"measuring on held-out {split}" in done.err
    assert row.startswith("latency_s")
    assert row.count("%") == 6
    assert "infeasible ones taken to be feasible" in done.out
    assert "ridge of 180 designs in m.npz" in done.out
    hint = done.out.splitlines()[-1].removeprefix("search it with: chipgym ").split()
    assert cli(*hint, "--budget", 20, "--agent", "random").status == 0
    shown = cli("simulate", "surrogate", "--workload", "m.npz@mlp:8-8", "--set", "units=8", "--json").json
    expected = chipgym.load_surrogate("m.npz").predict({"units": 8}, "mlp:8-8").mean["latency_s"][0]
    assert shown["metrics"]["latency_s"] == expected


def test_json(cli, tables):
    arguments = ("train", *tables, "--model", "forest", "--option", "trees=4", "--out", "m.npz", "--json")
    done = cli(*arguments).json
    assert done["settings"] == {"trees": 4}
    assert set(done["errors"]) == {"designs", "workloads", "both"}
    assert done["errors"]["designs"]["held_out_workloads"] == []
    assert len(done["errors"]["both"]["held_out_workloads"]) == 1
    assert done["errors"]["workloads"]["trained_on"] == 120
    assert 0 < done["errors"]["designs"]["metrics"]["energy_j"]["mape"] < 1
    assert cli(*arguments).json == done
    held = cli(*arguments, "--split", "workloads", "--held-out", "mlp:8-8").json["errors"]
    assert held["workloads"]["held_out_workloads"] == ["mlp:8-8"]


def test_one_table_holds_designs_out(cli, tables):
    done = cli("train", tables[0], "--model", "ridge", "--out", "m.npz")
    assert done.status == 0
    assert "error, designs" in done.out
    assert "error, workloads" not in done.out
    assert "--workload m.npz\n" in done.out


def test_a_model_of_graphs(cli, tables):
    pytest.importorskip("torch_geometric")
    small = ("--option", "steps=3", "--option", "width=4", "--option", "members=1")
    done = cli("train", *tables, "--model", "gnn", *small, "--out", "m.npz", "--split", "workloads")
    assert done.status == 0, done.err
    assert "gnn of 180 designs in m.npz" in done.out
    assert cli("simulate", "surrogate", "--workload", "m.npz@mlp:8-9").status == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--model", "gnn", "--network", "cloud-1", "--out", "m.npz"), "--network: cloud-1 is no network"),
        (("--model", "trees", "--out", "m.npz"), "unknown model 'trees'"),
        (("--out", "m.pkl"), "does not end in .npz"),
        (("--model", "ridge", "--option", "trees=3", "--out", "m.npz"), "unknown option of ridge: 'trees'"),
        (("--split", "design", "--out", "m.npz"), "did you mean 'designs'"),
        (("--split", "designs", "--split", "designs", "--out", "m.npz"), "--split: one is given twice"),
        (("--split", "both", "--out", "m.npz"), "holding 1 of 1 workloads out leaves a model fewer than two"),
        (("--share", 2, "--out", "m.npz"), "share: 2.0 is not between 0 and 1"),
        (("--held-out", "vgg16", "--out", "m.npz"), "unknown workload to hold out 'vgg16'"),
        (("--metric", "latency", "--out", "m.npz"), "did you mean 'latency_s'"),
        (("--seed", -1, "--out", "m.npz"), "seed: -1 is not a whole number"),
    ],
)
def test_wrong_arguments(cli, tmp_path, arguments, message):
    cli("collect", "toy", *COLLECT, "--out", "t.parquet")
    done = cli("train", "t.parquet", *arguments)
    assert (done.status, done.out) == (2, "")
    assert message in done.err
    assert len(done.err.splitlines()) == 1
    assert not list(tmp_path.glob("m.*"))
