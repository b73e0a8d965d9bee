"""Studies: every agent and seed, once each, and what is said about them."""

from __future__ import annotations

import csv
import json
import runpy
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas
import pytest
from bowl import BowlSimulator
from PIL import Image
from toy import ToySimulator

import chipgym
from chipgym.errors import ChipgymError
from chipgym.search import Agent, AgentEntry, ground_truth, optimize, register_agent, unregister_agent
from chipgym.search.study import mean_band, run_study
from chipgym.search.study.plot import draw_study, save_plot
from chipgym.search.study.storage import Store

EXAMPLE = Path(__file__).parents[2] / "examples" / "regret_study.py"
ARGUMENTS = {"agents": ["random", "nsga2"], "seeds": 4, "budget": 30}


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "toy.parquet"
    chipgym.collect("toy", path)
    return chipgym.make_problem("tabular", path, constraints="area_mm2 <= 12")


@pytest.fixture(scope="module")
def study(problem, tmp_path_factory):
    return run_study(problem, tmp_path_factory.mktemp("study"), **ARGUMENTS)


class FirstOnlyAgent(Agent):
    """Proposes the default design again and again; unknown to other processes until they are told."""

    def propose(self, n, rng):
        return np.repeat(self.problem.space.default_indices[None, :], n, axis=0)


@pytest.fixture
def first_only():
    register_agent(AgentEntry("first-only", FirstOnlyAgent, "The default design alone"))
    yield "first-only"
    unregister_agent("first-only")


def test_curves_are_the_searches(study, problem):
    for agent in ARGUMENTS["agents"]:
        for seed in range(4):
            result = optimize(problem, agent, 30, seed)
            np.testing.assert_array_equal(study.incumbents[agent][seed], study.truth.incumbent(result))


def test_regret_is_relative_and_finite(study):
    truth = study.truth
    for agent in ARGUMENTS["agents"]:
        incumbents, regret = study.incumbents[agent], study.regret(agent)
        known = np.isfinite(incumbents)
        np.testing.assert_array_equal(regret[known], incumbents[known] / truth.optimum - 1)
        assert (regret[~known] == truth.worst / truth.optimum - 1).all()
        assert (np.diff(regret, axis=1) <= 0).all()
    with pytest.raises(chipgym.ChipgymError, match="did you mean 'random'"):
        study.regret("randon")


def test_table_of_curves(study):
    frame = study.to_pandas()
    assert list(frame) == ["agent", "seed", "evaluation", "incumbent", "regret", "rank"]
    assert len(frame) == 2 * 4 * 30
    assert frame.groupby(["agent", "seed"]).evaluation.max().eq(30).all()
    assert (frame["rank"].eq(1) == frame.regret.eq(0)).all()


def test_processes_and_resuming_change_nothing(study, problem, tmp_path):
    seen = []

    def stop(progress):
        seen.append(progress)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study(problem, tmp_path, **ARGUMENTS, callback=stop)
    kept = len(Store(tmp_path).done)
    assert 3 <= kept < 8
    del seen[:]
    again = run_study(problem, tmp_path, **ARGUMENTS, jobs=2, callback=seen.append)
    assert [p.done for p in seen] == list(range(kept + 1, 9))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "searches.parquet", "study.json"]
    for agent, curves in study.incumbents.items():
        np.testing.assert_array_equal(again.incumbents[agent], curves)
    del seen[:]
    more = run_study(problem, tmp_path, **{**ARGUMENTS, "seeds": 5}, callback=seen.append)
    assert {(p.agent, p.seed, p.problem) for p in seen} == {
        (a, 4, "toy:mlp:16-64-5 edp, area_mm2 <= 12") for a in ARGUMENTS["agents"]
    }
    fewer = run_study(problem, tmp_path, **ARGUMENTS)
    assert fewer.incumbents["random"].shape == (4, 30)
    np.testing.assert_array_equal(more.incumbents["nsga2"][:4], study.incumbents["nsga2"])


def test_an_agent_of_ones_own_that_ends_early(problem, tmp_path, first_only):
    study = run_study(problem, tmp_path, agents=[first_only], seeds=2, budget=5, jobs=2)
    default = problem.evaluate({}).objectives[0, 0]
    assert study.incumbents[first_only].tolist() == [[default] * 5] * 2


def test_another_study_is_refused(problem, tmp_path):
    run_study(problem, tmp_path, agents=["random"], seeds=1, budget=5)
    other = chipgym.make_problem(problem.simulator, objective="latency_s")
    knob = problem.space.parameters[0]
    narrower = chipgym.make_problem(
        problem.simulator, constraints="area_mm2 <= 12", space={knob.name: list(knob.values[:-1])}
    )
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    cases = (
        (other, {"budget": 5}, r"problems: study .* has toy:mlp:16-64-5 edp, area_mm2 <= 12, this is .* latency_s"),
        (narrower, {"budget": 5}, r"problems toy:mlp:16-64-5 edp, area_mm2 <= 12 space .*: study"),
        (problem, {"budget": 6}, "budget: study .* has 5, this is 6; choose another folder"),
        (problem, {"budget": 5, "agents": ["nsga2"]}, "agents: study .* has random, this is nsga2"),
        (problem, {"budget": 5, "agents": ["random", "nsga2"]}, "agents: study"),
    )
    for which, options, says in cases:
        with pytest.raises(chipgym.ChipgymError, match=says):
            run_study(which, tmp_path, **{"agents": ["random"], "seeds": 1, **options})
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_arguments_and_folders_that_cannot_be(problem, tmp_path):
    (tmp_path / "file").write_text("x")
    for options, says in (
        ({"agents": ["randon"]}, "did you mean 'random'"),
        ({"agents": "random"}, "expected a list of names"),
        ({"agents": []}, "expected a list of names"),
        ({"seeds": 0}, "seeds: 0 is not"),
        ({"budget": 0}, "budget: 0 is not"),
        ({"agent_options": {"tpe": {}}}, "unknown agent of agent_options: 'tpe'"),
        ({"folder": tmp_path / "file"}, "folder: .* cannot be used"),
    ):
        with pytest.raises(chipgym.ChipgymError, match=says):
            run_study(problem, **{"folder": tmp_path / "s", **ARGUMENTS, **options})
    assert not (tmp_path / "s").exists()


class FreeSimulator(BowlSimulator):
    """The best design costs nothing."""

    name = "free"

    def simulate(self, columns, n):
        metrics, violation = super().simulate(columns, n)
        return {**metrics, "latency_s": metrics["latency_s"] - 1}, violation


def test_regret_relative_to_nothing_is_refused(tmp_path):
    problem = chipgym.make_problem(FreeSimulator(), space={f"k{i}": 5 for i in range(8)})
    with pytest.raises(chipgym.ChipgymError, match=r"the least latency_s is 0\.0; .* needs a positive one"):
        run_study(problem, tmp_path / "s", **ARGUMENTS)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("damage", ["empty", "text", "flipped", "another table"])
def test_damaged_searches(problem, tmp_path, damage):
    run_study(problem, tmp_path, agents=["random"], seeds=1, budget=5)
    file = tmp_path / "searches.parquet"
    content = bytearray(file.read_bytes())
    at = content.index(b"PAR1") + 4 + content[4:].index(bytes.fromhex("28b52ffd")) + 12  # within a compressed page
    content[at] ^= 255
    damaged = {"empty": b"", "text": b"a\n" * 99, "flipped": bytes(content)}
    if damage in damaged:
        file.write_bytes(damaged[damage])
    else:
        pandas.DataFrame({"problem": [1]}).to_parquet(file)
    with pytest.raises(chipgym.ChipgymError, match=r"searches.parquet is damaged; remove it and run the study again"):
        run_study(problem, tmp_path, agents=["random"], seeds=1, budget=5)


# --- bands -------------------------------------------------------------------------------------------------------


def test_bands_cover_the_true_mean_about_as_often_as_they_say():
    """Of four hundred samples of thirty: 95 %, less the percentile bootstrap's known shortfall at this size."""
    rng = np.random.default_rng(0)
    curves = rng.exponential(size=(400, 30))
    bands = [mean_band(sample[:, None], rng) for sample in curves]
    covered = np.mean([band.low[0] <= 1.0 <= band.high[0] for band in bands])
    assert 0.88 < covered < 0.97
    means = np.array([band.mean[0] for band in bands])
    np.testing.assert_allclose(means, curves.mean(axis=1))


def test_bands_narrow_with_the_square_root_of_the_seeds():
    rng = np.random.default_rng(1)
    width = {}
    for seeds in (25, 400):
        band = mean_band(rng.normal(size=(seeds, 50)), rng)
        width[seeds] = (band.high - band.low).mean()
        assert (band.low <= band.mean).all()
        assert (band.mean <= band.high).all()
    assert width[25] / width[400] == pytest.approx(4, rel=0.15)


def test_one_seed_has_no_width():
    band = mean_band(np.array([[3.0, 2.0]]), np.random.default_rng(0))
    assert band.low.tolist() == band.mean.tolist() == band.high.tolist() == [3.0, 2.0]


# --- pictures and the example ------------------------------------------------------------------------------------


def test_the_picture_shows_every_agent(study, tmp_path):
    image = draw_study(study)
    assert image.size == (960, 600)
    assert len(image.getcolors(1 << 20)) > 100
    # Each agent's colour runs from the left edge of the axes to the right one.
    pixels = np.asarray(image).astype(int)
    for color in ((118, 124, 134), (214, 140, 32)):
        columns = np.flatnonzero((np.abs(pixels[90:530] - color).sum(axis=2) < 24).any(axis=0))
        assert columns.min() < 110
        assert columns.max() > 780
    save_plot(study, tmp_path / "new" / "plot.png")
    with Image.open(tmp_path / "new" / "plot.png") as saved:
        assert np.array_equal(np.asarray(saved), np.asarray(image))
    (tmp_path / "file").write_text("x")
    with pytest.raises(chipgym.ChipgymError, match=r"plot: .* cannot be written"):
        save_plot(study, tmp_path / "file" / "plot.png")


def test_a_study_of_one_evaluation_is_drawn(problem, tmp_path):
    study = run_study(problem, tmp_path, agents=["random"], seeds=1, budget=1)
    assert draw_study(study).size == (960, 600)


def test_the_example_runs_and_goes_on(tmp_path, monkeypatch, capsys):
    arguments = ["--agents", "random", "nsga2", "--budget", "40", "--folder", str(tmp_path / "s")]
    monkeypatch.setenv("COLUMNS", "100")
    for seeds in ("2", "3"):
        monkeypatch.setattr(sys, "argv", [str(EXAMPLE), *arguments, "--seeds", seeds])
        runpy.run_path(str(EXAMPLE), run_name="__main__")
        printed = capsys.readouterr().out
    assert "2,091 feasible of 5,184 designs" in printed
    assert "of 3" in printed
    with (tmp_path / "s" / "curves.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 2 * 3 * 40
    assert json.loads((tmp_path / "s" / "study.json").read_text())["budget"] == 40
    assert (tmp_path / "s" / "regret.png").stat().st_size > 5000


# --- simulators, of which not every design can be evaluated ----------------------------------------------------


def test_a_large_space_is_not_enumerated_without_a_word(tmp_path):
    problem = chipgym.make_problem("systolic", "mlp:8-8")
    with pytest.raises(ChipgymError) as error:
        run_study(problem, tmp_path / "study", **ARGUMENTS)
    said = str(error.value)
    assert (
        f"the optimum takes {problem.space.canonical_size:,} designs of systolic to know, more than 1,000,000" in said
    )
    assert said.endswith("or optimum=False to compare with the best that is found")
    assert not (tmp_path / "study").exists()
    with pytest.raises(ChipgymError, match="more than 89;"):
        ground_truth(chipgym.make_problem("toy"), most_designs=89)
    assert ground_truth(chipgym.make_problem("toy"), most_designs=90).designs == 90


def test_a_study_goes_without_the_optimum(bowl, tmp_path):
    arguments = {"agents": ["random", "nsga2"], "seeds": 2, "budget": 30}
    study = run_study(bowl, tmp_path / "study", optimum=False, **arguments)
    assert not study.truth.exact
    best = min(curves.min() for curves in study.incumbents.values())
    assert study.truth.optimum == best
    assert min(study.regret(agent).min() for agent in study.incumbents) == 0.0
    assert study.to_pandas()["rank"].min() == 1
    save_plot(study, tmp_path / "study.png")
    again = run_study(bowl, tmp_path / "study", optimum=False, **arguments)
    np.testing.assert_array_equal(again.truth.values, study.truth.values)


def test_the_optimum_is_sought_once_and_kept(tmp_path, monkeypatch):
    calls = []
    evaluate = ToySimulator.evaluate_columns

    def counted(self, columns, n):
        calls.append(n)
        return evaluate(self, columns, n)

    problem = chipgym.make_problem("toy")
    monkeypatch.setattr(ToySimulator, "evaluate_columns", counted)
    monkeypatch.setattr("chipgym.search.regret.TELL_EVERY_S", 0.0)
    seen = []
    first = run_study(problem, tmp_path, callback=seen.append, **ARGUMENTS)
    assert seen[0].seeking_optimum
    assert seen[0].total == 90
    assert [p.done for p in seen if not p.seeking_optimum] == list(range(1, 9))
    calls.clear()
    again = run_study(problem, tmp_path, **ARGUMENTS)
    assert not calls
    np.testing.assert_array_equal(again.truth.values, first.truth.values)
    assert (again.truth.best, again.truth.designs) == (first.truth.best, first.truth.designs)
    (file,) = tmp_path.glob("optimum-*.npz")
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(ChipgymError, match=r"optimum-.*\.npz is damaged; remove it"):
        run_study(problem, tmp_path, **ARGUMENTS)


def test_a_picture_is_what_its_name_says(study, tmp_path):
    save_plot(study, tmp_path / "a.svg")
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("viewBox") == "0 0 960 600"
    texts = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "evaluated designs" in texts
    assert [text for text in texts if text.startswith("nsga2")]
    assert len(list(root.iter("{http://www.w3.org/2000/svg}polygon"))) == len(ARGUMENTS["agents"])
    save_plot(study, tmp_path / "a.PNG")
    assert Image.open(tmp_path / "a.PNG").format == "PNG"
    for name in ("a.pdf", "a", "a.jpg"):
        with pytest.raises(ChipgymError, match=r"ends neither in .png nor in .svg; nearest is .*a\.png"):
            save_plot(study, tmp_path / name)
        assert not (tmp_path / name).exists()
