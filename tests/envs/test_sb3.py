"""The native vector environment under Stable-Baselines3."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence

import chipgym
from chipgym.errors import ChipgymError

sb3 = pytest.importorskip("stable_baselines3")
torch = pytest.importorskip("torch")
ID = "chipgym/Toy-v0"


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("arguments", [
    {"objective": "latency_s"}, {"mode": "sequential"}, {"mode": "refine", "horizon": 3, "start": "random"},
    {"mode": "sequential", "workload": ["mlp:8-8", "mlp:4-4", "mlp:2-2"]},
], ids=str)  # fmt: skip
def test_it_steps_as_stable_baselines_own_vec_env_does(arguments):
    from stable_baselines3.common.vec_env import DummyVecEnv

    ours = chipgym.envs.sb3_vec_env(ID, num_envs=8, **arguments)
    theirs = DummyVecEnv([lambda: gymnasium.make(ID, **arguments)] * 8)
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    assert ours.seed(3) == theirs.seed(3)
    assert np.array_equal(ours.reset(), theirs.reset())
    ended = 0
    for _ in range(10):
        assert np.array_equal(ours.env_method("action_masks"), theirs.env_method("action_masks"))
        actions = np.array([ours.action_space.sample() for _ in range(8)])
        (o1, r1, d1, i1), (o2, r2, d2, i2) = ours.step(actions), theirs.step(actions)
        assert np.array_equal(o1, o2)
        assert np.array_equal(r1, r2)
        assert r1.dtype == r2.dtype
        assert np.array_equal(d1, d2)
        for a, b in zip(i1, i2, strict=True):
            assert data_equivalence(a, b, exact=True)
        ended += d1.sum()
    assert ended >= 16


def test_attributes_and_methods_of_the_single_environments():
    from sb3_contrib.common.maskable.utils import get_action_masks, is_masking_supported

    venv = chipgym.envs.sb3_vec_env(ID, num_envs=3, render_mode="rgb_array")
    venv.reset()
    assert is_masking_supported(venv)
    assert get_action_masks(venv).shape == (3, 15)
    assert venv.get_attr("problem", indices=[0, 2]) == [venv.venv.problem] * 2
    assert venv.get_attr("spec")[0].id == ID
    assert venv.env_is_wrapped(gymnasium.Wrapper) == [False] * 3
    assert venv.env_method("render", indices=1)[0].ndim == 3
    assert venv.render().ndim == 3
    assert not venv.has_attr("no_such_thing")
    venv.set_attr("note", 5)
    assert venv.get_attr("note") == [5, 5, 5]
    with pytest.raises(ChipgymError, match="reset"):
        venv.env_method("reset")
    venv.close()


def test_ids_of_others_are_refused():
    with pytest.raises(ChipgymError, match="CartPole"):
        chipgym.envs.sb3_vec_env("CartPole-v1", num_envs=2)


def test_a_simulators_name_is_no_id():
    with pytest.raises(ChipgymError, match=r"unknown environment id 'systolic'; did you mean 'chipgym/Sys"):
        chipgym.envs.sb3_vec_env("systolic", num_envs=2)


@pytest.mark.parametrize("algorithm", ["PPO", "A2C", "MaskablePPO"])
def test_learners_train(algorithm):
    import sb3_contrib
    from stable_baselines3.common.vec_env import VecMonitor

    cls = getattr(sb3, algorithm, None) or getattr(sb3_contrib, algorithm)
    venv = VecMonitor(chipgym.envs.sb3_vec_env(ID, num_envs=32))
    sizes = {} if algorithm == "A2C" else {"batch_size": 64}
    model = cls("MlpPolicy", venv, n_steps=4, seed=0, **sizes).learn(256)
    action, _ = model.predict(venv.reset())
    assert action.shape == (32, 4)


def test_workloads_of_single_environments():
    from stable_baselines3.common.vec_env import DummyVecEnv

    names = ["mlp:8-8", "mlp:4-4", "mlp:2-2"]
    ours = chipgym.envs.sb3_vec_env(ID, num_envs=3, workload=names)
    theirs = DummyVecEnv([lambda: gymnasium.make(ID, workload=names)] * 3)
    for venv in (ours, theirs):
        venv.set_options([{"workload": name} for name in names[::-1]])
        venv.reset()
        assert [info["workload"] for info in venv.reset_infos] == names[::-1]
        assert [p.simulator.workload.name for p in venv.get_attr("problem")] == names[::-1]
    with pytest.raises(ChipgymError, match="a reward per objective"):
        chipgym.envs.sb3_vec_env("chipgym/mo-Toy-v0", num_envs=2)
