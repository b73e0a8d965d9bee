"""Tables of designs that agents propose: what is in one, and the same guarantees as of any other."""

from __future__ import annotations

import numpy as np
import pytest

import chipgym
from chipgym.errors import ChipgymError
from chipgym.search import collect, optimize

N = 40
OPTIONS = {"agents": ["random", "nsga2"], "samples": N, "seed": 5}


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "t.parquet"
    return collect("toy", path, **OPTIONS)


def rows_of(path) -> set[tuple]:
    return set(map(tuple, chipgym.load_table(path).positions.tolist()))


def test_what_agents_propose_is_in_it(collected):
    problem = chipgym.make_problem("toy")
    rows = rows_of(collected.path)
    assert len(rows) == collected.designs == collected.evaluated == N
    for agent in OPTIONS["agents"]:
        found = optimize(problem, agent, N // 2, 5).table.designs
        assert set(map(tuple, problem.space.encode(found).tolist())) <= rows, agent
    assert tuple(problem.space.default_indices.tolist()) in rows


def test_it_says_so(collected):
    header = chipgym.load_table(collected.path).header
    assert (header.agents, header.samples, header.seed) == (("random", "nsga2"), N, 5)
    assert header.identity["agents"] == ["random", "nsga2"]


def test_its_numbers_are_the_simulators(collected):
    table = chipgym.load_table(collected.path)
    found = chipgym.make_simulator("toy").evaluate(table.designs())
    for name, column in table.metrics.items():
        np.testing.assert_array_equal(column, found[name])
    np.testing.assert_array_equal(table.violation, found["violation"])
    assert chipgym.make_simulator("tabular", collected.path).evaluate(table.designs()).n == N


def test_it_leaves_nothing_behind(collected):
    assert [p.name for p in collected.path.parent.iterdir()] == ["t.parquet"]
    assert collect("toy", collected.path, **OPTIONS).evaluated == 0


class StoppedError(Exception):
    """What a callback raises in place of a signal."""


@pytest.mark.parametrize("after", [1, 2])
def test_an_interrupted_one_goes_on_to_the_same_bytes(collected, tmp_path, after):
    calls = []

    def stop(progress):
        calls.append(progress)
        if len(calls) == after:
            raise StoppedError

    path = tmp_path / "t.parquet"
    with pytest.raises(StoppedError):
        collect("toy", path, **OPTIONS, callback=stop)
    assert not path.exists()
    with pytest.raises(ChipgymError, match=r"agents: .* has"):
        collect("toy", path, **{**OPTIONS, "agents": ["random"]})
    done = collect("toy", path, **OPTIONS)
    assert done.evaluated < N
    assert path.read_bytes() == collected.path.read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["t.parquet"]


def test_a_space_that_is_used_up(tmp_path):
    """Agents propose the same designs again: uniform draws fill the table."""
    done = collect("toy", tmp_path / "t.parquet", agents=["random", "nsga2", "tpe"], samples=90)
    assert done.designs == 90
    assert len(rows_of(done.path)) == 90


def test_more_designs_near_the_best(tmp_path):
    """What agents are for: the best tenth of a large space is met far more often than by uniform draws."""
    drawn, proposed = (
        collect("systolic", tmp_path / f"{name}.parquet", workload="mlp:64-64", samples=400, agents=agents)
        for name, agents in (("drawn", None), ("proposed", ["nsga2"]))
    )
    edp = [
        (t.metrics["latency_s"] * t.metrics["energy_j"]) for t in map(chipgym.load_table, (drawn.path, proposed.path))
    ]
    best = np.quantile(edp[0], 0.1)
    assert (edp[1] <= best).mean() > 2 * (edp[0] <= best).mean()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"agents": ["random"]}, "samples: agents propose a number of designs"),
        ({"agents": [], "samples": 5}, r"agents: \[\] is not a list of names"),
        ({"agents": "random", "samples": 5}, "agents: 'random' is not a list of names"),
        ({"agents": ["nsga"], "samples": 5}, "unknown agent 'nsga'; did you mean 'nsga2'"),
        ({"agents": ["random", "random"], "samples": 5}, "has one twice"),
        ({"agents": ["random"], "samples": 91}, "91 is more than the 90 designs"),
    ],
)
def test_wrong_arguments(tmp_path, options, message):
    with pytest.raises(ChipgymError, match=message):
        collect("toy", tmp_path / "t.parquet", **options)
    assert list(tmp_path.iterdir()) == []
