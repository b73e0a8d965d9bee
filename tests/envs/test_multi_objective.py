"""Environments whose reward is a vector, as MO-Gymnasium has them."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

import chipgym
from chipgym.envs import MODES, env_id
from chipgym.errors import ChipgymError
from chipgym.simulators import registered

IDS = [env_id(entry, multi_objective=True) for entry in registered()]


@pytest.mark.parametrize("mode", list(MODES))
@pytest.mark.parametrize("name", IDS)
def test_rewards_are_vectors_within_the_reward_space(name, mode):
    mo = pytest.importorskip("mo_gymnasium")
    env = mo.make(name, mode=mode)
    space = env.unwrapped.reward_space
    m = len(env.unwrapped.problem.objectives)
    assert m >= 2
    assert space.shape == (m,)
    env.reset(seed=0)
    env.action_space.seed(0)
    for _ in range(60):
        _, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        assert reward in space
        if terminated or truncated:
            env.reset()


@pytest.mark.parametrize("mode", list(MODES))
def test_the_vector_environment_gives_the_same(mode):
    made = {"objective": ["latency_s", "area_mm2"], "mode": mode}
    envs = gymnasium.make_vec("chipgym/mo-Toy-v0", num_envs=20, **made)
    one = gymnasium.make("chipgym/mo-Toy-v0", **made)
    envs.reset(seed=0)
    envs.action_space.seed(0)
    played = [envs.action_space.sample() for _ in range(4)]
    rewards = [envs.step(actions)[1] for actions in played]
    assert rewards[0].shape == (20, 2)
    assert envs.reward_space == one.unwrapped.reward_space
    for i in range(20):
        one.reset()
        for actions, expected in zip(played, rewards, strict=True):
            _, reward, terminated, truncated, _ = one.step(actions[i])
            np.testing.assert_array_equal(reward, expected[i])
            if terminated or truncated:
                one.reset()


def test_each_entry_is_the_reward_of_one_objective():
    env = gymnasium.make("chipgym/mo-Toy-v0")
    env.reset()
    _, reward, *_, info = env.step(np.array([5, 0, 0, 0]))
    names = [o.name for o in env.unwrapped.problem.objectives]
    assert names == ["latency_s", "energy_j", "area_mm2"]
    for name, entry in zip(names, reward, strict=True):
        alone = chipgym.make_problem("toy", objective=name)
        assert alone.reward(alone.evaluate(info["design"]))[0] == entry


def test_one_objective_is_refused():
    with pytest.raises(ChipgymError, match="'edp' is one, and a multi-objective environment takes several"):
        gymnasium.make("chipgym/mo-Toy-v0", objective="edp")


@pytest.mark.parametrize("action_type", ["discrete", "box"])
def test_a_step_that_begins_episodes_has_a_reward_of_zero_for_each_objective(action_type):
    envs = gymnasium.make_vec(
        "chipgym/mo-Toy-v0", num_envs=3, objective="all", autoreset_mode="NextStep", action_type=action_type
    )
    envs.reset(seed=0)
    first = envs.step(envs.action_space.sample())
    assert first[1].shape == (3, 3)
    assert first[2].all()
    second = envs.step(envs.action_space.sample())
    assert second[1].tolist() == [[0.0] * 3] * 3
    assert not (second[2] | second[3]).any()
