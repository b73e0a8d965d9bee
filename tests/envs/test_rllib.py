"""RLlib takes environments by a registered function, and those of several agents through its PettingZoo wrapper."""

from __future__ import annotations

import pytest

import chipgym

pytest.importorskip(
    "ray.rllib.algorithms.ppo", reason="RLlib is not installed: pip install 'ray[rllib]'", exc_type=ImportError
)

import gymnasium
import ray
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.env.wrappers.pettingzoo_env import ParallelPettingZooEnv
from ray.tune.registry import register_env

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own


def test_several_agents():
    env = ParallelPettingZooEnv(chipgym.envs.parallel_env("memory", workload="stream", rounds=3))
    seen, _ = env.reset(seed=0)
    for step in range(3):
        seen, rewards, _, truncated, _ = env.step({agent: env.get_action_space(agent).sample() for agent in seen})
        assert set(rewards) == set(env.possible_agents)
        assert truncated["__all__"] == (step == 2)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["one_shot", "refine"])
def test_ppo_trains(mode):
    """On a cluster of its own, whatever else runs on the machine."""
    register_env("chipgym-toy", lambda config: gymnasium.make("chipgym/Toy-v0", **config))
    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
    try:
        config = (
            PPOConfig()
            .environment("chipgym-toy", env_config={"mode": mode})
            .env_runners(num_env_runners=0)
            .training(train_batch_size=128, minibatch_size=64, num_epochs=2)
        )
        algorithm = config.build_algo()
        assert algorithm.train()["env_runners"]["episode_return_mean"] > -6 * 50
        algorithm.stop()
    finally:
        ray.shutdown()
