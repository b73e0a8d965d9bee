"""The native vector environment beyond what Gymnasium's own one fixes."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from chipgym.errors import ChipgymError
from chipgym.simulators import Problem

ID = "chipgym/Toy-v0"


def test_one_call_of_the_kernel_per_step(monkeypatch):
    envs = gymnasium.make_vec(ID, num_envs=50)
    envs.reset(seed=0)
    calls = []
    plain = Problem.evaluate

    def counted(self, designs):
        calls.append(len(designs))
        return plain(self, designs)

    monkeypatch.setattr(Problem, "evaluate", counted)
    envs.step(envs.action_space.sample())
    assert calls == [50]


def test_final_infos_are_columns_of_what_was_designed():
    envs = gymnasium.make_vec(ID, num_envs=3)
    envs.reset()
    *_, infos = envs.step(np.array([[0, 0, 0, 0], [5, 1, 3, 2], [2, 1, 1, 1]]))
    final = infos["final_info"]
    assert final["design"]["units"].tolist() == [1, 32, 4]
    assert final["design"]["cache"].tolist() == ["off", "on", "on"]
    assert final["feasible"].tolist() == [True, False, True]
    assert final["metrics"]["_latency_s"].tolist() == [True, False, True]
    assert infos["design"]["units"].tolist() == [4, 4, 4]


def test_a_batch_of_infeasible_designs_has_no_cost_columns():
    envs = gymnasium.make_vec(ID, num_envs=2)
    envs.reset()
    _, rewards, *_, infos = envs.step(np.array([[5, 1, 3, 0]] * 2))
    assert infos["final_info"]["metrics"] == {}
    assert (rewards < -5).all()


@pytest.mark.parametrize("seed", [3, [1, 2], None])
def test_seeds_are_accepted_as_gymnasium_gives_them(seed):
    envs = gymnasium.make_vec(ID, num_envs=2)
    observations, _ = envs.reset(seed=seed)
    assert observations.shape == (2, *envs.single_observation_space.shape)
    assert np.array_equal(envs.reset(seed=seed, options={"reset_mask": np.array([True, False])})[0], observations)


def test_wrong_calls_are_clear_errors():
    envs = gymnasium.make_vec(ID, num_envs=2)
    with pytest.raises(gymnasium.error.ResetNeeded):
        envs.step(envs.action_space.sample())
    with pytest.raises(ChipgymError, match="3 seeds"):
        envs.reset(seed=[1, 2, 3])
    with pytest.raises(ChipgymError, match=r"seed: 1\.5 is neither"):
        envs.reset(seed=1.5)
    with pytest.raises(ChipgymError, match="reset_mask"):
        envs.reset(options={"reset_mask": np.zeros(2, bool)})
    with pytest.raises(ChipgymError, match="reset option"):
        envs.reset(options={"start": 1})
    envs.reset()
    with pytest.raises(ChipgymError, match="shape"):
        envs.step(np.zeros((3, 4), dtype=int))
    with pytest.raises(ChipgymError, match="units"):
        envs.step(np.array([[0, 0, 0, 0], [6, 0, 0, 0]]))
    with pytest.raises(ChipgymError, match="num_envs"):
        gymnasium.make_vec(ID, num_envs=0)


def test_rewards_are_bit_equal_to_the_scalar_ones():
    envs, one = gymnasium.make_vec(ID, num_envs=200), gymnasium.make(ID)
    envs.reset()
    envs.action_space.seed(0)
    actions = envs.action_space.sample()
    rewards = envs.step(actions)[1]
    for action, reward in zip(actions, rewards, strict=True):
        one.reset()
        assert one.step(action)[1] == reward


def test_frames_of_every_environment():
    envs = gymnasium.make_vec(ID, num_envs=2, render_mode="rgb_array")
    envs.reset()
    frames = envs.render()
    envs.step(envs.action_space.sample())
    assert len(frames) == len(envs.render()) == 2
    assert all(f.dtype == np.uint8 and f.ndim == 3 for f in frames)
    envs.close()


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_gymnasiums_own_vectorisers_work_too(mode):
    envs = gymnasium.make_vec(ID, num_envs=2, vectorization_mode=mode, objective="latency_s")
    native = gymnasium.make_vec(ID, num_envs=2, objective="latency_s")
    for each in (envs, native):
        each.reset(seed=0)
    actions = np.array([[0, 0, 0, 0], [2, 1, 1, 1]])
    assert np.array_equal(envs.step(actions)[1], native.step(actions)[1])
    envs.close()
