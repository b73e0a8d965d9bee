"""TorchRL takes the environments as they are: by id, with infos in the tensordict, and of several agents."""

from __future__ import annotations

import numpy as np
import pytest

import chipgym
from chipgym.envs import MODES

envs = pytest.importorskip("torchrl.envs", reason="TorchRL is not installed: pip install torchrl")
pytestmark = pytest.mark.filterwarnings("ignore")  # TorchRL's own, about what it was tried with

ID = "chipgym/Toy-v0"


@pytest.mark.parametrize("id", [ID, "chipgym/Systolic-v0", "chipgym/Memory-v0"])
@pytest.mark.parametrize("mode", list(MODES))
def test_an_environment_is_built_by_its_id(id, mode):  # noqa: A002
    env = envs.GymEnv(id, mode=mode)
    envs.check_env_specs(env)
    env.set_seed(0)
    steps = env.rollout(100)
    assert bool(steps["next", "done"][-1])
    assert np.isfinite(steps["next", "reward"].numpy()).all()


def test_a_misspelt_argument_is_named_and_not_passed_over():
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'objectiv'; did you mean 'objective'\?"):
        envs.GymEnv(ID, objectiv="edp")


@pytest.mark.parametrize("mode", list(MODES))
def test_infos_are_registered(mode):
    env = envs.GymEnv(ID, mode=mode, info="arrays").auto_register_info_dict()
    envs.check_env_specs(env)
    last = env.rollout(100)["next"][-1]
    problem = chipgym.make_problem("toy")
    out = problem.evaluate(last["design"].numpy()[None])
    assert bool(last["feasible"]) == bool(out.feasible[0])
    if out.feasible[0]:
        assert last["metrics"].numpy().tolist() == list(out.metrics.row(0).values())


@pytest.mark.parametrize("mode", ["sequential", "refine"])
def test_masked_policies_never_take_a_forbidden_action(mode):
    env = envs.TransformedEnv(envs.GymEnv(ID, mode=mode, info="arrays").auto_register_info_dict(), envs.ActionMask())
    for _ in range(10):
        steps = env.rollout(100)
        assert not steps["next", "invalid_action"].any()


@pytest.mark.parametrize("arguments", [{}, {"agents": "parameter", "rounds": 3}], ids=str)
@pytest.mark.parametrize("name", ["toy", "memory"])
def test_several_agents(name, arguments):
    env = envs.PettingZooWrapper(chipgym.envs.parallel_env(name, info="arrays", **arguments), return_state=True)
    envs.check_env_specs(env)
    assert env.reset()["state"].shape == env.state_space.shape
    steps = env.rollout(10)
    assert steps.batch_size == (arguments.get("rounds", 1),)
    assert set(env.group_map) <= set(steps.keys())
