"""Searches that begin with given designs, that are cut short, and that several processes evaluate."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest
from fragile import CrashError, FragileSimulator

import chipgym
from chipgym.errors import ChipgymError
from chipgym.search import SimulationError, StopSearch, load_result, optimize
from chipgym.search.workers import UNGUARDED

AGENTS = ["random", "nsga2", "tpe", "exhaustive"]
START = [{"units": 8, "clock_mhz": 200}, {"units": 1}, {"units": 8, "clock_mhz": 200}]


def frame(result):
    return result.to_pandas()


# --- starting designs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("agent", AGENTS)
def test_starting_designs_come_first_and_count(toy, agent):
    found = optimize(toy, agent, 20, start=START)
    table = frame(found)
    assert len(table) == 20
    assert table[["units", "clock_mhz"]].values.tolist()[:2] == [[8, 200], [1, 100]]
    assert table["ask"].tolist()[:3] == [0, 0, 1]
    assert found.provenance.start == (
        {"units": 8, "cache": "off", "cache_kb": 4, "clock_mhz": 200},
        {"units": 1, "cache": "off", "cache_kb": 4, "clock_mhz": 100},
    )


@pytest.mark.parametrize(
    ("agent", "first"),
    [
        pytest.param(agent, first, marks=[pytest.mark.slow] * (agent == "tpe" and first != 7))
        for agent in AGENTS
        for first in (1, 2, 7)
    ],
)
def test_a_search_with_a_start_resumes(toy, tmp_path, agent, first):
    store = tmp_path / "s.db"
    optimize(toy, agent, first, start=START, store=store)
    resumed = optimize(toy, agent, 60, start=START, store=store)
    assert frame(resumed).equals(frame(optimize(toy, agent, 60, start=START)))
    assert load_result(store).provenance.start == resumed.provenance.start


def test_every_design_is_found_beside_a_start(toy):
    found = optimize(toy, "exhaustive", start=START)
    assert found.evaluations == toy.space.canonical_size
    assert found.stopped == "space exhausted"


def test_another_start_is_another_run(toy, tmp_path):
    for start in (None, [], START, START[:1], START[:1] * 2):
        optimize(toy, "random", 5, store=tmp_path / "s.db", start=start)
    assert len(chipgym.search.open_store(tmp_path / "s.db").runs()) == 3


def test_what_a_search_found_starts_another(toy, pareto):
    first = optimize(pareto, "random", 40)
    for start in (first.pareto, [first.best], first.to_pandas().head(3), {"units": [1, 2]}, toy.space.default_indices):
        found = optimize(toy, "random", 30, start=start)
        assert found.evaluations == 30
    assert frame(optimize(toy, "random", 30, start=first.pareto))["units"][0] == first.pareto[0].design["units"]


def test_a_learning_agent_learns_from_them(bowl):
    best = {f"k{i}": 5 for i in range(10)}
    near = [{**best, "k3": 6}, {**best, "k7": 4}]
    assert optimize(bowl, "nsga2", 300, start=near).best.objectives[0] < optimize(bowl, "nsga2", 300).best.objectives[0]


@pytest.mark.parametrize(
    ("start", "says"),
    [
        ([{"units": 3}], "start: units: 3 is not on the grid"),
        ([{"unit": 4}], "start: unknown knob 'unit'; did you mean 'units'?"),
        (5, "start: designs: 5 is not a dict"),
    ],
)
def test_a_wrong_start_is_named(toy, start, says):
    with pytest.raises(ChipgymError) as error:
        optimize(toy, start=start)
    assert str(error.value).startswith(says)


# --- callbacks that stop, and time -------------------------------------------------------------------------------


def stopping(after, how):
    def callback(progress):
        if progress.evaluations >= after:
            if how == "raises":
                raise StopSearch
            return np.True_ if how == "numpy" else True
        return None

    return callback


@pytest.mark.parametrize(
    ("agent", "how"),
    [
        pytest.param(agent, how, marks=[pytest.mark.slow] * (agent == "tpe" and how != "raises"))
        for agent in AGENTS
        for how in ("returns", "numpy", "raises")
    ],
)
def test_a_callback_stops_and_the_search_goes_on_to_the_same_end(bowl, tmp_path, agent, how):
    store = tmp_path / "s.db"
    seen = []
    for after in (10, 55, 120):
        cut = optimize(bowl, agent, 150, store=store, callback=stopping(after, how))
        assert cut.stopped == "callback"
        assert after <= cut.evaluations < 150 or agent in ("random", "exhaustive")
        seen.append(cut.evaluations)
    assert seen == sorted(seen)
    assert frame(optimize(bowl, agent, 150, store=store)).equals(frame(optimize(bowl, agent, 150)))


def test_a_callback_that_answers_something_else_stops_nothing(toy):
    for answer in (None, False, 1, "stop", [1]):
        assert optimize(toy, "random", 20, callback=lambda _, answer=answer: answer).stopped == "budget"


def test_time_stops_a_slow_search_which_goes_on_to_the_same_end(tmp_path):
    problem = chipgym.make_problem(FragileSimulator(sleep_s=0.02))
    options = {"store": tmp_path / "s.db", "catch": CrashError}
    begun = time.perf_counter()
    cut = optimize(problem, "random", 40, timeout=0.2, **options)
    assert cut.stopped == "timeout"
    assert 0 < cut.evaluations < 40
    assert time.perf_counter() - begun < 20  # 0.2 and what was begun; generous on a busy machine
    again = optimize(problem, "random", 40, timeout=0.1, **options)
    assert again.evaluations > cut.evaluations
    whole = optimize(chipgym.make_problem(FragileSimulator(sleep_s=0.0)), "random", 40, catch=CrashError)
    assert frame(optimize(problem, "random", 40, **options)).equals(frame(whole))


def test_time_enough_stops_nothing(toy):
    assert optimize(toy, "random", 20, timeout=1e6).stopped == "budget"
    assert optimize(toy, "random", 20, timeout=np.float64(1e6)).stopped == "budget"


@pytest.mark.parametrize("timeout", [0, -1, "5", True, float("nan")])
def test_what_is_no_time(toy, timeout):
    with pytest.raises(ChipgymError, match=r"timeout: .* is not a number of seconds above 0"):
        optimize(toy, timeout=timeout)


# --- processes ---------------------------------------------------------------------------------------------------


def test_processes_find_what_one_finds(tmp_path):
    problem = chipgym.make_problem(FragileSimulator(), objective=["latency_s", "area_mm2"])
    alone = optimize(problem, "nsga2", 40, catch=CrashError)
    several = optimize(problem, "nsga2", 40, catch=CrashError, jobs=2, store=tmp_path / "s.db")
    assert frame(several).equals(frame(alone))
    assert len(several.failed) == len(alone.failed)
    with pytest.raises(SimulationError) as here:
        optimize(problem, "exhaustive")
    with pytest.raises(SimulationError) as there:
        optimize(problem, "exhaustive", jobs=2)
    assert str(here.value) == str(there.value)
    assert frame(here.value.result).equals(frame(there.value.result))
    assert "CrashError" in str(there.value.__cause__)


def test_what_cannot_be_sent_to_a_process_is_told():
    class Local(FragileSimulator):
        pass

    with pytest.raises(ChipgymError, match=r"jobs: this cannot be sent to another process .* use jobs=1"):
        optimize(chipgym.make_problem(Local()), jobs=2)


def test_a_script_without_a_guard_is_told_of_it(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import chipgym\n"
        "problem = chipgym.make_problem('systolic', 'mlp:16-16', objective='edp')\n"
        "chipgym.optimize(problem, 'random', 4, jobs=2)\n"
    )
    said = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120).stderr
    errors = [line for line in said.splitlines() if line.startswith("chipgym.errors.ChipgymError: ")]
    assert {line.split(": ", 1)[1] for line in errors} == {UNGUARDED}, said


@pytest.mark.parametrize("jobs", [0, -1, 1.5, "2"])
def test_what_is_no_number_of_processes(toy, jobs):
    with pytest.raises(ChipgymError, match=r"jobs: .* is not a whole number from 1"):
        optimize(toy, jobs=jobs)
