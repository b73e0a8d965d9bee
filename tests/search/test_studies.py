"""Studies of several problems, option sets and budgets: what is searched, kept, told and written."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas
import pytest

import chipgym
from chipgym.errors import ChipgymError
from chipgym.search import optimize
from chipgym.search.study import named_problems, read_options, read_problems, run_study
from chipgym.search.study.figures import document, tuning
from chipgym.search.study.results import write_runs, write_study_report
from chipgym.search.study.searches import Task
from chipgym.search.study.searching import CHUNK_S, Chunks
from chipgym.search.study.storage import Store

OPTIONS = {"nsga2": {"population_size": [6, 10], "mutation_prob": [None, 0.5]}, "tpe": [{}, {"n_startup_trials": 5}]}
ARGUMENTS = {
    "agents": ["random", "nsga2", "tpe"],
    "seeds": 3,
    "budget": [10, 30],
    "agent_options": OPTIONS,
    "agent_budgets": {"tpe": 12},
}


@pytest.fixture(scope="module")
def problems():
    simulator = chipgym.make_simulator("toy")
    return [
        chipgym.make_problem(simulator, objective=objective, constraints=constraints)
        for objective, constraints in (("edp", ()), ("latency_s", "area_mm2 <= 12"), ("energy_j", "area_mm2 <= 20"))
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("studies")


@pytest.fixture(scope="module")
def study(problems, folder):
    return run_study(problems, folder / "study", **ARGUMENTS)


def test_every_combination_is_one_search(study, problems):
    assert len(study.searches) == 3 * 7 * 3
    assert study.labels[:3] == ("random", "nsga2 (population_size=6, mutation_prob=None)",
                                "nsga2 (population_size=6, mutation_prob=0.5)")  # fmt: skip
    assert study.labels[5:] == ("tpe (n_startup_trials=10)", "tpe (n_startup_trials=5)")
    assert [one.budget for one in study.configurations] == [30] * 5 + [10] * 2
    one = study.configurations[4]
    alone = study.on(list(study.truths)[1])
    for seed in range(3):
        result = optimize(problems[1], "nsga2", 30, seed, agent_options=one.options)
        np.testing.assert_array_equal(alone.incumbents[one.label][seed], alone.truth.incumbent(result))


def test_a_search_to_a_smaller_budget_is_the_beginning_of_a_larger(study, problems, tmp_path):
    less = run_study(problems, tmp_path, **{**ARGUMENTS, "budget": 10, "agent_budgets": {}})
    np.testing.assert_array_equal(less.gaps([10]), study.gaps([10]))


def test_one_row_per_run(study, folder):
    table = write_runs(study, folder / "runs.parquet")
    assert len(table) == 3 * 3 * (5 * 2 + 2 * 1)
    read = pandas.read_parquet(folder / "runs.parquet")
    pandas.testing.assert_frame_equal(read, table)
    assert not table.duplicated(["problem", "agent", "configuration", "seed", "budget"]).any()
    assert set(table[table.agent == "tpe"].budget) == {10}
    np.testing.assert_allclose(table.gap, np.log10(1 + table.regret), atol=1e-12)
    assert (table["rank"].eq(1) == table.regret.eq(0)).all()
    found = table.regret <= 0.01
    assert (table.within_1_percent[found] <= table.budget[found]).all()
    assert np.isinf(table.within_1_percent[~found]).all()
    assert json.loads(table.options.iloc[-1])["n_startup_trials"] == 5
    gaps = table.pivot_table("gap", "problem", "budget", observed=True, sort=False)
    np.testing.assert_allclose(gaps[30], np.nanmean(study.gaps([30]), axis=(1, 2, 3)))


def test_several_problems_are_looked_at_one_by_one(study):
    with pytest.raises(ChipgymError, match="problem: the study has 3; take one of"):
        _ = study.truth
    with pytest.raises(ChipgymError, match="unknown problem of the study 'toy'"):
        study.on("toy")
    for name in study.truths:
        alone = study.on(name)
        assert alone.truth.problem.objectives[0].name in name
        assert len(alone.to_pandas()) == 3 * (5 * 30 + 2 * 10)
        assert set(alone.bands()) == set(study.labels)


def test_report(study, folder):
    path = write_study_report(study, folder / "new" / "r.html", command=["chipgym", "compare", "it's"])
    text = path.read_text("utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    data = json.loads(found[1])
    assert data["title"] == "3 agents on 3 problems"
    assert (data["searches"], data["runs"]) == (63, 108)
    assert data["labels"] == list(study.labels)
    for j, scores in enumerate(data["scores"]):
        assert scores["places"] == ([0, 1, 2, 3, 4, 5, 6] if j == 0 else [0, 1, 2, 3, 4])
        for value, low, high in scores["iqm"]:
            assert low <= value <= high
    assert [view["problem"] for view in data["curves"]] == ["", *study.truths]
    assert data["curves"][1]["lines"][0]["mean"][-1] == pytest.approx(
        study.on(next(iter(study.truths))).bands()["random"].mean[-1], rel=1e-4
    )
    assert len(data["ranks"][0]["ranks"]) == 7
    names = [response["name"] for response in data["variance"]]
    assert names[::2] == [f"log10 of regret at {at}" for at in ("all budgets", "30 evaluations", "10 evaluations")]
    assert [response["left_out"] for response in data["variance"]] == [["tpe"]] * 4 + [[]] * 2
    for response in data["variance"]:
        assert sum(part["share"] for part in response["parts"]) == pytest.approx(1.0)
    assert [a["agent"] for a in data["hyperparameters"][0]["agents"]] == ["nsga2", "tpe"]
    assert [a["agent"] for a in data["hyperparameters"][1]["agents"]] == ["nsga2"]


def test_a_report_of_many_option_sets_shows_the_first_of_each_agent(problems, tmp_path):
    options = {"nsga2": {"population_size": list(range(4, 17))}}
    study = run_study(problems[:1], tmp_path, agents=["random", "nsga2"], seeds=1, budget=6, agent_options=options)
    data = document(study)
    assert data["labels"] == ["random", "nsga2"]
    assert data["left_out"] == 12
    assert data["ranks"] == [{"budget": 6, "places": [0, 1], "ranks": []}]
    assert len(data["hyperparameters"][0]["agents"][0]["each"]) == 13


def test_tuning():
    gaps = np.array([[0.4, 0.0, 0.3], [0.4, 0.5, 0.1], [0.4, 0.0, 0.3]])
    found = tuning(gaps, [7, 8, 9])
    assert found["first"] == 0.4
    assert found["hindsight"] == pytest.approx(0.1 / 3, rel=1e-4)
    assert found["chosen"] == 8
    # On the second problem the others choose its worst set, on them the second and the third one agree on the last.
    assert found["tuned"] == pytest.approx((0.3 + 0.5 + 0.3) / 3, rel=1e-4)
    assert tuning(gaps[:1], [0, 1, 2])["tuned"] is None


def test_parts_that_a_kill_leaves_behind_are_gone_on_from(study, problems, folder, tmp_path):
    """Two parts, one of them with searches of the other, and the rest of a file that was being written."""
    whole = list(Store(folder / "study").done.items())
    (tmp_path / "study.json").write_bytes((folder / "study" / "study.json").read_bytes())
    for part in (whole[:20], whole[10:30]):
        store = Store(tmp_path)
        store.add(part)
        store.flush()
    (tmp_path / ".searches.parquet.1-abc.partial").write_text("half")
    seen = []
    again = run_study(problems, tmp_path, **ARGUMENTS, callback=lambda p: p.seeking_optimum or seen.append(p))
    assert [p.done for p in seen] == list(range(31, 64))
    np.testing.assert_array_equal(again.searches.values, study.searches.values)
    assert (tmp_path / "searches.parquet").read_bytes() == (folder / "study" / "searches.parquet").read_bytes()
    assert not list(tmp_path.glob("part-*")) + list(tmp_path.glob(".*"))


def test_chunks_are_as_long_as_may_be_lost():
    tasks = [
        Task(problem, configuration, seed) for problem in (0, 1) for configuration in (0, 1) for seed in range(400)
    ]
    chunks = Chunks(tasks, 1)
    sizes, done = [], []
    for chunk in chunks:
        assert len({task.problem for task in chunk}) == 1
        done += chunk
        sizes.append(len(chunk))
        seconds = sum(0.01 if task.configuration == 0 else 1.0 for task in chunk)
        assert seconds <= 2 * CHUNK_S
        chunks.adapt(chunk, seconds)
    assert done == tasks
    assert sizes[0] == 1
    assert 150 < sizes[1] <= 200
    assert max(sizes) <= CHUNK_S / 0.01 + 2
    assert sizes[-1] == 1


# --- files -------------------------------------------------------------------------------------------------------


def test_options_of_a_file(tmp_path):
    toml = tmp_path / "o.TOML"
    toml.write_text(
        "budget = {tpe = 50}\n[nsga2]\npopulation_size = [10, 20]\n[[tpe]]\n[[tpe]]\nn_startup_trials = 5\n"
    )
    expected = {"nsga2": {"population_size": [10, 20]}, "tpe": [{}, {"n_startup_trials": 5}]}
    assert read_options(toml) == (expected, {"tpe": 50})
    other = tmp_path / "o.json"
    other.write_text(json.dumps({**expected, "budget": {"tpe": 50}}))
    assert read_options(other) == (expected, {"tpe": 50})
    toml.write_text('[nsga2]\nmutation_prob = ["none", 0.5]\n[[tpe]]\nmultivariate = "none"\n[nobody]\nx = "none"\n')
    expected = {"nsga2": {"mutation_prob": [None, 0.5]}, "tpe": [{"multivariate": None}], "nobody": {"x": "none"}}
    assert read_options(toml) == (expected, {})
    assert read_options(other, ["tpe", "random"]) == ({"tpe": [{}, {"n_startup_trials": 5}]}, {"tpe": 50})
    for name, text, says in (
        ("a.toml", "[", "is not TOML"),
        ("a.json", "[", "is not JSON"),
        ("b.json", "[1]", "expected a table of option sets by agent, got [1]"),
        ("c.json", '{"budget": 5}', "budget: expected evaluations by agent, got 5"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(ChipgymError, match=re.escape(says)):
            read_options(tmp_path / name)


def test_problems_of_a_file(tmp_path):
    path = tmp_path / "p.toml"
    path.write_text(
        '[[problems]]\nsimulator = "toy"\nobjective = "edp"\nconstraints = ["area_mm2 <= 12"]\n'
        '[[problems]]\nsimulator = "toy"\nname = "mine"\nbest_known = 1.5\n'
    )
    found = read_problems(path)
    assert list(found.problems) == ["toy mlp:16-64-5 edp, area_mm2 <= 12", "mine"]
    assert found.best_known == {"mine": 1.5}
    one, other = found.problems.values()
    assert one.simulator is other.simulator
    for entries, says in (
        ([], "expected a list of problems, got []"),
        ({"problems": 1}, "expected a list of problems, got 1"),
        ([1], "problem 1: expected a table with a simulator, got 1"),
        ([{"simulator": "toy"}, {"simulator": "toi"}], "problem 2: unknown simulator 'toi'; did you mean 'toy'?"),
        ([{"simulator": "toy", "objectiv": "edp"}], "problem 1: unknown entry 'objectiv'; did you mean 'objective'?"),
        ([{"simulator": "toy", "options": 1}], "problem 1: options: expected a table, got 1"),
        ([{"simulator": "toy", "name": ""}], "problem 1: name: '' is not a name that no other problem has"),
        ([{"simulator": "toy"}] * 2, "problem 2: name: 'toy mlp:16-64-5 edp' is not a name"),
        ([{"simulator": "toy", "best_known": 0}], "problem 1: best_known: 0 is not a number above 0"),
        ([{"simulator": "toy", "objective": ["edp", "area_mm2"]}], "regret is defined for one objective"),
    ):
        path = tmp_path / "p.json"
        path.write_text(json.dumps(entries))
        with pytest.raises(ChipgymError, match=re.escape(says)):
            read_problems(path)


def test_names_tell_problems_apart(problems):
    assert len(named_problems(problems)) == 3
    assert list(named_problems({"a": problems[0]})) == ["a"]
    narrowed = chipgym.make_problem(
        problems[0].simulator, objective="edp", space={"units": list(problems[0].space["units"].values[:2])}
    )
    names = list(named_problems([problems[0], narrowed]))
    assert len(set(names)) == 2
    assert all(name.startswith("toy mlp:16-64-5 edp ") for name in names)
    for given, says in (
        ([problems[0]] * 2, "is given twice"),
        ([], "a study needs one at least"),
        ("toy", "'toy' is not a problem or a list of problems"),
        (["toy"], "'toy' is not a problem; make one"),
    ):
        with pytest.raises(ChipgymError, match=re.escape(says)):
            named_problems(given)


def test_what_cannot_be_compared(problems, tmp_path):
    for change, says in (
        ({"budget": []}, "budget: an empty list"),
        ({"budget": [10, 10]}, "budget: [10, 10] has a number twice"),
        ({"budget": [10, 0]}, "budget: 0 is not a whole number from 1"),
        ({"agents": ["random", "random"]}, "agents: random is given twice"),
        ({"agent_options": {"nsga2": 5}}, "agent_options: nsga2 has 5, expected options by name"),
        ({"agent_options": {"nsga2": []}}, "agent_options: nsga2 has [], expected"),
        ({"agent_options": {"nsga2": {"population_size": []}}}, "nsga2 has no value for population_size"),
        ({"agent_options": {"nsga2": {"population": 5}}}, "unknown option of nsga2: 'population'; did you mean"),
        ({"agent_options": {"nsga2": {"population_size": [2, -1]}}}, "population_size: -1"),
        ({"agent_options": {"nsga2": [{}, {"population_size": 50}]}}, "nsga2 has option set 1 twice"),
        (
            {"agent_options": {"nsga2": {"population_size": list(range(200)), "mutation_prob": list(range(99))}}},
            "10,000",
        ),
        ({"agent_options": [1]}, "agent_options: [1] is not a dict by agent"),
        ({"agent_budgets": {"nsga": 5}}, "unknown agent of agent_budgets: 'nsga'"),
        ({"agent_budgets": {"nsga2": 5}}, "agent_budgets: nsga2 has 5, below the least budget; nearest is 10"),
        ({"best_known": {"x": 1.0}}, "unknown problem of best_known: 'x'"),
        ({"folder": 5}, "folder: 5 is not the path of a folder"),
    ):
        arguments = {**ARGUMENTS, "agents": ["random", "nsga2"], "agent_options": {}, "agent_budgets": {}, **change}
        with pytest.raises(ChipgymError, match=re.escape(says)):
            run_study(problems, **{"folder": tmp_path / "s", **arguments})
    assert not (tmp_path / "s").exists()
    pareto = chipgym.make_problem("toy", objective=["latency_s", "energy_j"])
    with pytest.raises(ChipgymError, match="objective: regret is defined for one objective"):
        run_study(pareto, tmp_path / "s", optimum=False)
    (tmp_path / "x.parquet").write_text("")
    with pytest.raises(ChipgymError, match=r"has tables and no study\.json; choose another folder"):
        run_study(problems, tmp_path, **ARGUMENTS)


def test_the_best_that_is_known_stands_for_an_optimum(problems, tmp_path):
    name = next(iter(named_problems(problems)))
    arguments = {"agents": ["random"], "seeds": 2, "budget": 5, "optimum": False}
    found = run_study(problems, tmp_path, **arguments).truths[name].optimum
    for known in (found / 2, found * 2):
        truth = run_study(problems, tmp_path, **arguments, best_known={name: known}).truths[name]
        assert truth.optimum == min(known, found)
        assert not truth.exact
