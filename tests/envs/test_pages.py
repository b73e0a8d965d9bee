"""Every environment of the package has a page, and the page says what the environment does."""

from __future__ import annotations

import re
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from chipgym.envs import env_id
from chipgym.envs.pages import environment_page, write_pages
from chipgym.simulators import registered

DOCS = Path(__file__).parents[2] / "docs"
# Those of the package itself: tests register classes of their own.
OWN = [entry for entry in registered() if isinstance(entry.target, str)]


def tables(text: str, *headings: str) -> list[dict[str, str]]:
    """The rows of the table under these headings, as dicts; what is code without its marks."""
    start = text.index(f"| {' | '.join(headings)} |")
    lines = text[start:].split("\n\n")[0].splitlines()
    cells = [[cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [dict(zip(headings, row, strict=True)) for row in cells[2:]]


def first(span: str) -> int:
    return int(span.split(" to ")[0])


@pytest.mark.parametrize("entry", OWN, ids=lambda e: e.name)
def test_the_page_is_the_one_that_the_code_writes(entry):
    written = (DOCS / "environments" / f"{entry.name}.md").read_text(encoding="utf-8")
    assert written == environment_page(entry), "make pages writes them again"


def test_the_site_has_every_page():
    nav = (DOCS.parent / "mkdocs.yml").read_text(encoding="utf-8")
    guide = (DOCS / "environments.md").read_text(encoding="utf-8")
    for entry in OWN:
        assert f"environments/{entry.name}.md\n" in nav
        assert f"](environments/{entry.name}.md)" in guide
    assert {p.stem for p in (DOCS / "environments").iterdir()} == {entry.name for entry in OWN}


def test_pages_are_written_for_those_of_the_package(tmp_path):
    assert [p.name for p in write_pages(tmp_path)] == [f"{entry.name}.md" for entry in OWN]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(f"{entry.name}.md" for entry in OWN)


@pytest.fixture(params=OWN, ids=lambda e: e.name)
def page(request):
    """An environment's id and its page's text."""
    return env_id(request.param), environment_page(request.param)


KNOBS = ("entry", "knob", "values", "default", "what it is", "turn", "refining actions")


def test_knobs_and_actions_are_where_the_page_says(page):
    name, text = page
    refine = gymnasium.make(name, mode="refine", horizon=1)
    sequential = gymnasium.make(name, mode="sequential")
    _, info = refine.reset(seed=0)
    knobs = tables(text, *KNOBS)
    assert [row["knob"] for row in knobs] == list(info["design"])
    turns = []
    for row in knobs:
        assert row["default"] == f"{info['design'][row['knob']]}".removesuffix(".0")
        refine.reset(seed=0)
        _, _, _, _, changed = refine.step(first(row["refining actions"]))
        if not changed["invalid_action"]:  # else inactive in the default design
            assert row["values"].split()[0].strip(",") == f"{changed['design'][row['knob']]}".removesuffix(".0")
            assert {k for k, v in changed["design"].items() if v != info["design"][k]} <= {row["knob"]}
        if row["turn"] != "–":
            turns.append(int(row["turn"]))
    _, info = sequential.reset(seed=0)
    done = 0
    while sequential.unwrapped._running is not False:
        _, _, _, _, info = sequential.step(sequential.action_space.sample(mask=info["action_mask"]))
        done += 1
    assert turns == list(range(1, done + 1))


PARTS = ("what", "one-shot entries", "sequential", "refine", "range")


def test_observations_are_laid_out_as_the_page_says(page):
    name, text = page
    parts = {row["what"]: row for row in tables(text, *PARTS)}
    places = next(row for what, row in parts.items() if "place in its grid" in what)
    turn = next(row for what, row in parts.items() if "whose turn" in what)
    decades = next(row for what, row in parts.items() if "decades" in what)
    feasible = next(row for what, row in parts.items() if "feasible" in what)
    left = next(row for what, row in parts.items() if "horizon" in what)
    env = gymnasium.make(name, mode="refine", start="random", horizon=4)
    observation, info = env.reset(seed=3)
    problem = env.unwrapped.problem
    for j, p in enumerate(problem.space.parameters):
        expected = p.values.index(info["design"][p.name]) / max(p.size - 1, 1)
        assert observation[first(places["refine"]) + j] == np.float32(expected)
    starts = problem.simulator.evaluate([{}])
    for j, row in enumerate(tables(text, "metric", "unit", "what it is")):
        ratio = info["metrics"][row["metric"]] / starts[row["metric"]][0] if starts[row["metric"]][0] else 0.0
        expected = np.clip(np.log10(ratio), -10, 10) if ratio > 0 else 0.0
        assert observation[first(decades["refine"]) + j] == pytest.approx(expected, abs=1e-6)
    assert observation[first(feasible["refine"])] == float(info["feasible"])
    assert observation[first(left["refine"])] == 1.0
    assert len(observation) == first(left["refine"]) + 1
    env = gymnasium.make(name, mode="sequential")
    observation, _ = env.reset(seed=0)
    opening = next(j for j, p in enumerate(problem.space.parameters) if p.size > 1)
    assert observation[first(turn["sequential"]) + opening] == 1.0
    assert len(observation) == first(turn["sequential"]) + len(problem.space)
    features = tables(text, "entry", "feature", "what it is")
    assert [row["feature"] for row in features] == list(problem.simulator.workload.features())
    assert all(row["what it is"] for row in features)
    assert len(gymnasium.make(name).reset()[0]) == len(features)


def test_features_and_arguments_are_explained(page):
    _, text = page
    for heading in (("entry", "feature", "what it is"), ("argument", "default", "what it is")):
        assert [row for row in tables(text, *heading) if not row["what it is"]] == []


def test_arguments_are_those_that_the_environment_takes(page):
    name, text = page
    told = {arg for row in tables(text, "argument", "default", "what it is") for arg in row["argument"].split("`, `")}
    with pytest.raises(TypeError, match="unexpected keyword argument 'nonsense'") as caught:
        gymnasium.make_vec(name, nonsense=1)
    assert told == set(re.search(r"\(known: (.*)\)", str(caught.value))[1].split(", "))
