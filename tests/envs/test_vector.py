"""The native vector environment beyond what Gymnasium's own one fixes."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import chipgym
from chipgym.envs import MODES
from chipgym.errors import ChipgymError
from chipgym.simulators import Problem

ID = "chipgym/Toy-v0"


def test_one_call_of_the_kernel_per_step(monkeypatch):
    envs = gymnasium.make_vec(ID, num_envs=50)
    envs.reset(seed=0)
    calls = []
    plain = Problem.evaluate_columns

    def counted(self, columns, n):
        calls.append(n)
        return plain(self, columns, n)

    monkeypatch.setattr(Problem, "evaluate_columns", counted)
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
    # Forked, so that the processes know the toy: TorchRL, once imported, has others begin anew.
    forked = {"context": "fork"} if mode == "async" else {}
    envs = gymnasium.make_vec(
        ID, num_envs=2, vectorization_mode=mode, vector_kwargs=forked or None, objective="latency_s"
    )
    native = gymnasium.make_vec(ID, num_envs=2, objective="latency_s")
    for each in (envs, native):
        each.reset(seed=0)
    actions = np.array([[0, 0, 0, 0], [2, 1, 1, 1]])
    assert np.array_equal(envs.step(actions)[1], native.step(actions)[1])
    envs.close()


@pytest.mark.parametrize("mode", list(MODES))
@pytest.mark.parametrize("workload", ["mlp:8-8", ["mlp:8-8", "mlp:4-4"]], ids=["one workload", "two"])
@pytest.mark.parametrize("autoreset", ["NextStep", AutoresetMode.DISABLED])
def test_episodes_of_different_lengths_are_what_gymnasium_makes_of_them(mode, workload, autoreset):
    """Resets in between put episodes out of step, so that some act while others begin."""
    make = lambda: gymnasium.make(ID, mode=mode, workload=workload)  # noqa: E731
    native = gymnasium.make_vec(ID, num_envs=5, mode=mode, workload=workload, autoreset_mode=autoreset)
    sync = SyncVectorEnv([make] * 5, autoreset_mode=autoreset)
    assert data_equivalence(native.reset(seed=1), sync.reset(seed=1), exact=True)
    native.action_space.seed(2)
    rng = np.random.default_rng(3)
    out_of_step = False
    for seed in range(60):
        actions = native.action_space.sample()
        ours, theirs = native.step(actions), sync.step(actions)
        assert data_equivalence(ours, theirs, exact=True)
        ended = ours[2] | ours[3]
        out_of_step |= 0 < ended.sum() < 5
        again = rng.random(5) < 0.1
        if native.autoreset_mode is AutoresetMode.DISABLED:
            again |= ended
        if again.any():
            resets = [e.reset(seed=seed, options={"reset_mask": again.copy()}) for e in (native, sync)]
            assert data_equivalence(*resets, exact=True)
    assert out_of_step or (mode == "one_shot" and native.autoreset_mode is AutoresetMode.DISABLED)


def test_without_autoreset_a_step_past_the_end_names_the_environments():
    envs = gymnasium.make_vec(ID, num_envs=2, autoreset_mode="Disabled")
    envs.reset()
    envs.step(envs.action_space.sample())
    envs.reset(options={"reset_mask": np.array([True, False])})
    with pytest.raises(gymnasium.error.ResetNeeded, match=r"environments \[1\] have ended; call reset"):
        envs.step(envs.action_space.sample())


def test_steps_of_the_next_steps_autoreset_evaluate_what_acts_alone(monkeypatch):
    envs = gymnasium.make_vec(ID, num_envs=50, autoreset_mode=AutoresetMode.NEXT_STEP)
    envs.reset(seed=0)
    calls = []
    plain = Problem.evaluate_columns

    def counted(self, columns, n):
        calls.append(n)
        return plain(self, columns, n)

    monkeypatch.setattr(Problem, "evaluate_columns", counted)
    for _ in range(4):
        envs.step(envs.action_space.sample())
    assert calls == [50, 50]


def test_gymnasiums_vector_wrappers_of_observations_take_the_next_steps_autoreset():
    envs = gymnasium.make_vec(ID, num_envs=3, mode="refine", horizon=3, autoreset_mode=AutoresetMode.NEXT_STEP)
    wrapped = gymnasium.wrappers.vector.NormalizeObservation(envs)
    wrapped.reset(seed=0)
    for _ in range(8):
        assert np.isfinite(wrapped.step(wrapped.action_space.sample())[0]).all()


@pytest.mark.parametrize("wrong", ["SAME_STEP", "next", None, 3])
def test_another_autoreset_mode_is_an_error(wrong):
    with pytest.raises(ChipgymError, match=r"^unknown autoreset_mode .*known: Disabled, NextStep, SameStep"):
        gymnasium.make_vec(ID, num_envs=2, autoreset_mode=wrong)


def test_stable_baselines_has_its_own_way():
    pytest.importorskip("stable_baselines3")
    with pytest.raises(ChipgymError, match=r"^autoreset_mode: NextStep, and Stable-Baselines3"):
        chipgym.envs.sb3_vec_env(ID, 2, autoreset_mode="NextStep")
