"""Infos of arrays alone: the same facts as those of plain values."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import chipgym
from chipgym.envs import MODES
from chipgym.errors import ChipgymError

ID = "chipgym/Toy-v0"
WORKLOADS = ["mlp:8-8", "mlp:4-4"]


@pytest.mark.parametrize("mode", list(MODES))
@pytest.mark.parametrize("workload", ["mlp:8-8", WORKLOADS])
def test_the_facts_are_those_of_plain_infos(mode, workload):
    plain, arrays = (
        gymnasium.make(ID, mode=mode, workload=workload, info=kind, budget_mm2=9) for kind in ("dicts", "arrays")
    )
    problem = plain.unwrapped.problem
    names = [spec.name for spec in problem.simulator.metrics]
    plain.action_space.seed(0)
    infeasible = 0
    for seed in range(20):
        one, other = plain.reset(seed=seed), arrays.reset(seed=seed)
        ended = False
        while True:
            assert np.array_equal(one[0], other[0])
            told, info = one[-1], other[-1]
            assert set(told) == set(info)
            assert {type(value) for value in info.values()} == {np.ndarray}
            assert problem.space.design(info["design"]) == told["design"]
            assert info["feasible"] == told["feasible"]
            assert info["violation"] == told["violation"]
            found = {name: v for name, v in zip(names, info["metrics"].tolist(), strict=True) if np.isfinite(v)}
            assert found == told["metrics"]
            infeasible += len(found) < len(names)
            masks = told["action_mask"]
            assert np.array_equal(info["action_mask"], np.concatenate(masks) if isinstance(masks, tuple) else masks)
            if "workload" in told:
                assert WORKLOADS[int(info["workload"])] == told["workload"]
            if ended:
                break
            action = plain.action_space.sample()
            one, other = plain.step(action), arrays.step(action)
            assert one[1:4] == other[1:4]
            ended = one[2] or one[3]
    assert infeasible


@pytest.mark.parametrize("mode", list(MODES))
def test_shapes_never_change_and_no_array_is_given_twice(mode):
    env = gymnasium.make(ID, mode=mode, info="arrays")
    env.action_space.seed(0)
    forms, seen = set(), []
    for seed in range(10):
        _, info = env.reset(seed=seed)
        ended = False
        while True:
            forms.add(tuple((name, value.shape, value.dtype.str) for name, value in info.items()))
            seen += info.values()
            if ended:
                break
            _, _, terminated, truncated, info = env.step(env.action_space.sample())
            ended = terminated or truncated
    assert len(forms) == 1
    assert not any(np.shares_memory(a, b) for i, a in enumerate(seen[:60]) for b in seen[:i])


@pytest.mark.parametrize("mode", list(MODES))
def test_a_vector_of_them_is_what_gymnasium_makes_of_many(mode):
    native = gymnasium.make_vec(ID, num_envs=3, mode=mode, workload=WORKLOADS, info="arrays")
    make = lambda: gymnasium.make(ID, mode=mode, workload=WORKLOADS, info="arrays")  # noqa: E731
    sync = SyncVectorEnv([make] * 3, autoreset_mode=AutoresetMode.SAME_STEP)
    assert data_equivalence(native.reset(seed=1), sync.reset(seed=1), exact=True)
    native.action_space.seed(2)
    for _ in range(10):
        actions = native.action_space.sample()
        assert data_equivalence(native.step(actions), sync.step(actions), exact=True)


def test_several_agents_have_a_mask_each():
    env = chipgym.envs.parallel_env("toy", info="arrays")
    _, infos = env.reset(seed=0)
    assert {agent: info["action_mask"].shape for agent, info in infos.items()} == {"compute": (9,), "cache": (6,)}
    assert {type(value) for info in infos.values() for value in info.values()} == {np.ndarray}


@pytest.mark.parametrize("info", ["array", None, ["dicts"]])
def test_another_kind_is_an_error(info):
    with pytest.raises(ChipgymError, match=r"^unknown info .*known: arrays, dicts"):
        gymnasium.make(ID, info=info)
    with pytest.raises(ChipgymError, match=r"^unknown info .*known: arrays, dicts"):
        chipgym.envs.parallel_env("toy", info=info)
