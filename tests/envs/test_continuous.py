"""Continuous actions reach every design, and agents without discrete actions learn with them."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

import chipgym
from chipgym.envs import MODES
from chipgym.errors import ChipgymError

ID = "chipgym/Toy-v0"
SIZES = (6, 2, 4, 3)


def test_each_position_has_an_equal_part_of_the_range():
    envs = gymnasium.make_vec(ID, num_envs=6000, action_type="box", space={"cache": "on"})
    envs.reset()
    actions = np.repeat(np.linspace(-1, 1, 6000, dtype=np.float32)[:, None], 4, axis=1)
    design = envs.step(actions)[4]["final_info"]["design"]
    for knob in envs.problem.space.parameters:
        values, counts = np.unique(design[knob.name].astype(str), return_counts=True)
        assert set(values) == set(map(str, knob.values))
        assert np.ptp(counts) <= 1


def test_the_ends_and_what_is_beyond_them():
    env = gymnasium.make(ID, action_type="box").unwrapped
    for action, units, clock in ((-1, 1, 100), (-7.5, 1, 100), (1, 32, 400), (np.inf, 32, 400), (0, 8, 200)):
        env.reset()
        info = env.step(np.full(4, action, np.float32))[4]
        assert (info["design"]["units"], info["design"]["clock_mhz"]) == (units, clock)
        assert "action_mask" not in info


def test_the_reward_is_that_of_the_discrete_action():
    box, discrete = (gymnasium.make(ID, action_type=kind) for kind in ("box", "discrete"))
    box.action_space.seed(0)
    for _ in range(50):
        action = box.action_space.sample()
        box.reset(), discrete.reset()
        row = np.minimum((action.astype(float) + 1) / 2 * SIZES, np.array(SIZES) - 1).astype(int)
        assert box.step(action)[1] == discrete.step(row)[1]


def test_no_sequential_action_is_wrong_and_every_design_can_be_made():
    env = gymnasium.make(ID, mode="sequential", action_type="box", space={"units": [1, 2]})
    env.action_space.seed(0)
    made = set()
    for _ in range(600):
        env.reset()
        ended = False
        while not ended:
            _, _, ended, _, info = env.step(env.action_space.sample())
            assert not info["invalid_action"]
        made.add(tuple(info["design"].values()))
    assert len(made) == env.unwrapped.problem.space.canonical_size == 30


def test_a_refining_action_moves_every_knob():
    env = gymnasium.make(ID, mode="refine", action_type="box")
    at = {"units": 4, "cache": "on", "cache_kb": 8, "clock_mhz": 200}

    def moved(*action):
        env.reset(options={"design": at})
        return tuple(env.step(np.array(action, np.float32))[4]["design"].values())

    assert moved(0, 0, 0, 0) == (4, "on", 8, 200)
    assert moved(0.19, 0.4, 0.3, 0.4) == (4, "on", 8, 200)  # less than half a position
    assert moved(0.4, 0, -1, 1) == (8, "on", 4, 400)
    assert moved(1, 1, 1, 1) == (16, "on", 32, 400)
    assert moved(-1, -1, -1, -1) == (1, "off", 4, 100)  # without a cache its size is the default


@pytest.mark.parametrize("mode", list(MODES))
@pytest.mark.parametrize("bad", [np.array([np.nan]), None, "text", np.zeros(3), np.zeros((1, 4)), [[1], [2, 3]], True])
def test_another_action_is_one_clear_error(mode, bad):
    env = gymnasium.make(ID, mode=mode, action_type="box").unwrapped
    env.reset()
    with pytest.raises(ChipgymError, match=r"^action: .* is not an array of numbers of shape") as caught:
        env.step(bad)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wrong", ["continuous", None, 1])
def test_another_type_is_an_error(wrong):
    words = r"^unknown action_type .*known: box, discrete"
    for make in (lambda **a: gymnasium.make(ID, **a), lambda **a: chipgym.envs.parallel_env("toy", **a)):
        with pytest.raises(ChipgymError, match=words):
            make(action_type=wrong)


def test_continuous_actions_have_no_masks():
    for env in (gymnasium.make(ID, action_type="box").unwrapped, gymnasium.make_vec(ID, 2, action_type="box")):
        with pytest.raises(ChipgymError, match="action_masks: continuous actions have none"):
            env.action_masks()


def test_an_agent_of_several_chooses_with_numbers():
    env = chipgym.envs.parallel_env("toy", action_type="box")
    env.reset()
    *_, infos = env.step({"compute": np.array([1, -1], np.float32), "cache": np.array([-1, 0], np.float32)})
    assert infos["cache"]["design"] == {"units": 32, "cache": "off", "cache_kb": 4, "clock_mhz": 100}
    env.reset()
    with pytest.raises(ChipgymError, match=r"^action of cache: .* is not an array of numbers"):
        env.step({"compute": np.zeros(2), "cache": np.zeros(3)})


@pytest.mark.parametrize("mode", list(MODES))
def test_sac_learns(mode):
    sb3 = pytest.importorskip("stable_baselines3")
    envs = chipgym.envs.sb3_vec_env(ID, 8, mode=mode, action_type="box")
    model = sb3.SAC(
        "MlpPolicy", envs, seed=0, learning_starts=64, batch_size=32, gradient_steps=1, policy_kwargs={"net_arch": [32]}
    )
    model.learn(480)
    assert model.num_timesteps == 480
    action, _ = model.predict(envs.reset(), deterministic=True)
    rewards = envs.step(action)[1]
    assert np.isfinite(rewards).all()
