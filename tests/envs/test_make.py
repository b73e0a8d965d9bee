"""Ids, arguments and errors of `gymnasium.make` and `make_vec`."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from toy import TOY, ToySimulator

import chipgym
from chipgym.envs import MODES, register_environments
from chipgym.errors import ChipgymError
from chipgym.simulators import registered

ID = "chipgym/Toy-v0"
ROOM = Path(chipgym.__file__).parent / "envs"


def test_every_registered_simulator_has_its_id_and_registering_again_changes_nothing():
    before = dict(gymnasium.registry)
    register_environments()
    chipgym.register_simulator(TOY)
    assert dict(gymnasium.registry) == before
    assert {ID, "chipgym/Systolic-v0"} <= set(before)


def test_a_title_is_one_simulators():
    with pytest.raises(ChipgymError, match="Systolic"):
        chipgym.register_simulator(replace(TOY, name="another", title="Systolic"))
    assert "another" not in {entry.name for entry in registered()}


def test_a_simulator_is_registered_whole_or_not_at_all():
    before = dict(gymnasium.registry), registered()
    for entry in (None, "toy", ToySimulator):
        with pytest.raises(ChipgymError, match=r"entry: .* SimulatorEntry"):
            chipgym.register_simulator(entry)
    with pytest.raises(ChipgymError, match="'toy' is registered already"):
        chipgym.register_simulator(replace(TOY, title="Cache"))
    assert (dict(gymnasium.registry), registered()) == before


def test_arguments_are_those_of_make_problem():
    arguments = {
        "workload": "mlp:8-8",
        "objective": "latency_s",
        "constraints": ["area_mm2 <= 10"],
        "space": {"units": [2, 8]},
        "budget_mm2": 30,
    }
    env = gymnasium.make(ID, mode="one_shot", **arguments)
    assert env.unwrapped.problem.identity() == chipgym.make_problem("toy", **arguments).identity()
    assert env.action_space.nvec[0] == 2


def test_an_existing_problem_is_used_as_it_is():
    problem = chipgym.make_problem("toy", objective="all", reward="target_distance", targets=[1e-4, 1e-3, 5.0])
    assert gymnasium.make(ID, problem=problem).unwrapped.problem is problem
    assert gymnasium.make_vec(ID, num_envs=2, problem=problem).problem is problem
    env = gymnasium.make(ID, problem=problem, render_mode="ansi")
    assert env.spec.make(render_mode="rgb_array").unwrapped.problem.identity() == problem.identity()


def test_a_broken_constraint_is_infeasible_but_keeps_its_metrics():
    env = gymnasium.make(ID, constraints="area_mm2 <= 3")
    env.reset()
    _, reward, *_, info = env.step(np.array([2, 0, 0, 0]))
    assert not info["feasible"]
    assert info["violation"] == pytest.approx(1 / 3)
    assert reward == pytest.approx(-5 - 0.25)
    assert info["metrics"]["area_mm2"] == 4.0


def test_an_inactive_parameter_shows_its_default():
    env = gymnasium.make(ID)
    env.reset()
    *_, info = env.step(np.array([2, 0, 3, 0]))
    assert info["design"]["cache_kb"] == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"mode": "sequental"}, "one_shot"),
        ({"mode": None}, "one_shot"),
        ({"render_mode": "human_ish"}, "rgb_array"),
        ({"objective": "latency"}, "latency_s"),
        ({"constraints": ["area <= 3"]}, "area_mm2"),
        ({"space": {"unit": [1]}}, "units"),
        ({"workload": "mlp:"}, "mlp"),
        ({"budget": 3}, "budget_mm2"),
        ({"objectiv": "edp"}, "did you mean 'objective'"),
        ({"constraint": "area_mm2 <= 3"}, "did you mean 'constraints'"),
        ({"rendermode": "ansi"}, "did you mean 'render_mode'"),
        ({"problem": 3}, "make_problem"),
        ({"problem": []}, "one problem at least"),
        ({"horizon": 3}, "only the mode 'refine' takes it"),
        ({"mode": "refine", "horizon": 0}, "horizon: 0 is not a whole number from 1; nearest is 1"),
        ({"mode": "refine", "horizon": True}, "horizon: True"),
        ({"mode": "refine", "start": "anywhere"}, "start: 'anywhere' is not one of default, random"),
        ({"workload": []}, "one workload at least"),
        ({"workload": ["mlp:8-8", "mlp:8-8"]}, "given twice"),
        ({"simulator": "systolic"}, "^simulator: the id has it as 'toy'"),
        ({"each_objective": True}, "^each_objective: the id has it as False"),
        ({"simulator": "systolic", "problem": 3}, "^simulator: the id has it as 'toy'"),
    ],
)
@pytest.mark.parametrize("vector", [False, True])
@pytest.mark.filterwarnings("ignore:.*render_mode")
def test_wrong_arguments_are_one_clear_error(arguments, words, vector):
    with pytest.raises(ChipgymError, match=words) as caught:
        gymnasium.make_vec(ID, num_envs=2, **arguments) if vector else gymnasium.make(ID, **arguments)
    assert "\n" not in str(caught.value)


def test_a_problem_excludes_the_arguments_that_make_one():
    with pytest.raises(ChipgymError, match="objective"):
        gymnasium.make(ID, problem=chipgym.make_problem("toy"), objective="edp")


def test_unknown_reset_options_are_refused():
    env = gymnasium.make(ID)
    with pytest.raises(ChipgymError, match="start"):
        env.reset(options={"start": 3})


def test_modes_are_those_that_exist():
    for name, episodes in MODES.items():
        made = gymnasium.make(ID, mode=name).unwrapped, gymnasium.make_vec(ID, num_envs=2, mode=name)
        assert [env.mode for env in made] == [name, name]
        assert {type(env.episodes) for env in made} == {episodes}


def test_importing_stays_light():
    code = "import chipgym, sys; print([m for m in ('torch', 'stable_baselines3', 'PIL', 'numba') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_the_room_neither_exits_nor_prints_nor_edits_the_path():
    for file in ROOM.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert not called & {"print", "exit", "quit", "sys.exit", "os._exit"}, file
        assert "sys.path" not in file.read_text(encoding="utf-8"), file
