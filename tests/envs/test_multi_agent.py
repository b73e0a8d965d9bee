"""Several agents, one design: PettingZoo's conventions for every registered simulator."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

import chipgym
from chipgym.errors import ChipgymError
from chipgym.simulators import registered

pytest.importorskip("pettingzoo")
SPLITS = {"agents": "subsystem"}, {"agents": "parameter", "rounds": 3}, {"action_type": "box", "info": "arrays"}


@pytest.mark.parametrize("arguments", SPLITS, ids=str)
@pytest.mark.parametrize("name", [entry.name for entry in registered()])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PettingZoo's own tests import what it has deprecated
def test_pettingzoos_own_tests_pass(name, arguments, capsys):
    from pettingzoo.test import parallel_api_test, parallel_seed_test

    parallel_api_test(chipgym.envs.parallel_env(name, **arguments), num_cycles=30)
    parallel_seed_test(lambda: chipgym.envs.parallel_env(name, **arguments), num_cycles=20)


def test_actions_are_a_dict():
    env = chipgym.envs.parallel_env("toy")
    env.reset(seed=0)
    for actions in (None, [0, 0]):
        with pytest.raises(ChipgymError, match=r"^actions: .* is not a dict with an action for each agent$"):
            env.step(actions)


def test_the_agents_of_a_memory_controller():
    env = chipgym.envs.parallel_env("memory", workload="stream")
    assert env.possible_agents == ["page", "scheduling", "buffers", "refresh", "arbitration"]
    owned = [name for names in env.problem.space.subsystems().values() for name in names]
    assert sorted(owned) == sorted(env.problem.space.names)


@pytest.mark.parametrize("agents", ["subsystem", "parameter"])
def test_all_choices_make_one_design_and_one_reward(agents):
    env = chipgym.envs.parallel_env("toy", agents=agents, rounds=2)
    seen, infos = env.reset(seed=0)
    assert {tuple(observation) for observation in seen.values()} == {tuple(seen[env.agents[0]])}
    rng = np.random.default_rng(0)
    for last in (False, True):
        row = rng.integers(0, env.problem.space.sizes)
        place = {name: row[j] for j, name in enumerate(env.problem.space.names)}
        groups = env.problem.space.subsystems() if agents == "subsystem" else {n: (n,) for n in place}
        actions = {
            agent: np.array([place[n] for n in names]) if len(names) > 1 else place[names[0]]
            for agent, names in groups.items()
        }
        for agent, action in actions.items():
            assert action in env.action_space(agent)
            mask = infos[agent]["action_mask"]
            assert env.action_space(agent).sample(mask=mask) in env.action_space(agent)
        seen, rewards, terminated, truncated, infos = env.step(actions)
        expected = env.problem.reward(env.problem.evaluate(row[None]))[0]
        assert set(rewards.values()) == {expected}
        assert set(terminated.values()) == {False}
        assert set(truncated.values()) == {last}
        design = env.problem.space.design(env.problem.space.canonicalize(row))
        assert all(info["design"] == design for info in infos.values())
    assert env.agents == []
    assert env.step({}) == ({}, {}, {}, {}, {})


def test_workloads_and_rendering():
    env = chipgym.envs.parallel_env("toy", workload=["mlp:8-8", "mlp:4-4"], render_mode="ansi")
    names = {env.reset(seed=seed)[1]["compute"]["workload"] for seed in range(20)}
    assert names == {"mlp:8-8", "mlp:4-4"}
    assert env.reset(options={"workload": "mlp:4-4"})[1]["cache"]["workload"] == "mlp:4-4"
    assert "mlp:4-4" in env.render()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"agents": "parameters"}, "did you mean 'parameter'"),
        ({"agents": 3}, "subsystem"),
        ({"rounds": 0}, "rounds: 0 is not a whole number from 1"),
        ({"rounds": True}, "rounds: True"),
        ({"render_mode": "text"}, "ansi"),
        ({"objectiv": "edp"}, "did you mean 'objective'"),
        ({"agent": "x"}, "did you mean 'agents'"),
        ({"mode": "refine"}, "toy: unexpected keyword argument 'mode'"),
    ],
)
def test_wrong_arguments_are_one_clear_error(arguments, words):
    with pytest.raises(ChipgymError, match=words) as caught:
        chipgym.envs.parallel_env("toy", **arguments)
    assert "\n" not in str(caught.value)


def test_a_step_needs_a_reset():
    with pytest.raises(gymnasium.error.ResetNeeded):
        chipgym.envs.parallel_env("toy").step({})


def test_wrong_actions_are_one_clear_error():
    env = chipgym.envs.parallel_env("toy")
    env.reset()
    good = {"compute": np.array([0, 0]), "cache": np.array([0, 0])}
    for wrong, words in (
        ({"compute": good["compute"]}, "there is none of agent 'cache'"),
        ({**good, "cache": 1}, "action of cache: .* is not 2 whole numbers"),
        ({**good, "cache": np.array([0.5, 1])}, "action of cache"),
        ({**good, "compute": np.array([6, 0])}, "units: index 6"),
    ):
        with pytest.raises(ChipgymError, match=words):
            env.step(wrong)


@pytest.mark.parametrize("arguments", SPLITS, ids=str)
@pytest.mark.parametrize("name", [entry.name for entry in registered()])
def test_a_central_critic_sees_the_state(name, arguments):
    env = chipgym.envs.parallel_env(name, **arguments)
    left = []
    for _ in range(2):
        seen, _ = env.reset(seed=0)
        while env.agents:
            state = env.state()
            assert state in env.state_space
            assert state.dtype == np.float32
            assert np.array_equal(state[:-1], seen[env.agents[0]])
            left.append(state[-1])
            seen = env.step({agent: env.action_space(agent).sample() for agent in env.agents})[0]
        assert env.state()[-1] == 0
    assert left == [np.float32(1 - i / env.rounds) for i in range(env.rounds)] * 2
    env.state()[:] = 9  # is the caller's to change
    assert env.state() in env.state_space


@pytest.mark.parametrize("name", ["toy", "memory"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_pettingzoos_own_test_of_states_passes(name):
    from pettingzoo.test.state_test import state_test
    from pettingzoo.utils.conversions import parallel_to_aec

    state_test(parallel_to_aec(chipgym.envs.parallel_env(name, rounds=3)), chipgym.envs.parallel_env(name, rounds=3))
