"""What every environment must do."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env, data_equivalence

from ..envs import MODES
from ..simulators import Problem, registered

INFO_KEYS = {"design", "feasible", "violation", "metrics"}


class EnvironmentSuite:
    """Gymnasium's conventions, and that a step is a function of the design alone.

    Attributes:
        environment: its id, as in `chipgym/Scratchpad-v0`.
        designs: how many drawn designs are stepped to.
    """

    environment: ClassVar[str]
    designs: ClassVar[int] = 60

    @pytest.fixture(scope="class")
    @classmethod
    def env_id(cls) -> str:
        """Return the environment's id."""
        registered()  # those of installed packages, too
        return cls.environment

    @pytest.fixture(scope="class")
    @classmethod
    def env(cls, env_id: str) -> gymnasium.Env[Any, Any]:
        """Make the environment of one step an episode."""
        return gymnasium.make(env_id)

    @pytest.fixture(scope="class")
    @classmethod
    def problem(cls, env: gymnasium.Env[Any, Any]) -> Problem:
        """Return the problem that the environment is about."""
        unwrapped: Any = env.unwrapped
        found: Problem = unwrapped.problem
        return found

    @pytest.fixture(scope="class")
    @classmethod
    def drawn(cls, env: gymnasium.Env[Any, Any]) -> list[tuple[float, dict[str, Any]]]:
        """Return the rewards and infos of drawn designs."""
        env.action_space.seed(7)
        out = []
        for _ in range(cls.designs):
            env.reset()
            _, reward, terminated, truncated, info = env.step(env.action_space.sample())
            assert terminated
            assert not truncated
            out.append((float(reward), info))
        return out

    @pytest.mark.parametrize("mode", sorted(MODES))
    def test_gymnasiums_check_is_silent(self, env_id: str, mode: str) -> None:
        """Check that `gymnasium.utils.env_checker.check_env` finds nothing, warnings included."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            check_env(gymnasium.make(env_id, mode=mode).unwrapped, skip_render_check=True)

    @pytest.mark.parametrize("mode", sorted(MODES))
    def test_the_same_seed_and_actions_are_the_same_episode(self, env_id: str, mode: str) -> None:
        """Check that a seed and the actions that it draws give the same observations, rewards and infos twice."""
        episodes = []
        for _ in range(2):
            env = gymnasium.make(env_id, mode=mode)
            env.action_space.seed(3)
            steps: list[Any] = [env.reset(seed=3)]
            for _ in range(4):
                steps.append(env.step(env.action_space.sample()))
                if steps[-1][2] or steps[-1][3]:
                    break
            episodes.append(steps)
        assert data_equivalence(episodes[0], episodes[1], exact=True)

    def test_infos_are_plain_and_complete(self, problem: Problem, drawn: list[tuple[float, dict[str, Any]]]) -> None:
        """Check that infos have every key, plain values and finite metrics, and that rewards are finite."""
        for reward, info in drawn:
            assert set(info) >= INFO_KEYS
            assert list(info["design"]) == list(problem.space.names)
            assert {type(value) for value in info["design"].values()} <= {int, float, str}
            assert info["feasible"] == (info["violation"] == 0)
            assert all(np.isfinite(value) for value in info["metrics"].values())
            assert np.isfinite(reward)

    def test_steps_agree_with_the_simulator(self, problem: Problem, drawn: list[tuple[float, dict[str, Any]]]) -> None:
        """Check that rewards and feasibility are those that the problem computes of the same designs."""
        out = problem.evaluate([info["design"] for _, info in drawn])
        assert np.array_equal(problem.reward(out), [reward for reward, _ in drawn])
        assert np.array_equal(out.feasible, [info["feasible"] for _, info in drawn])

    def test_a_step_does_not_depend_on_what_came_before(
        self, env: gymnasium.Env[Any, Any], problem: Problem, drawn: list[tuple[float, dict[str, Any]]]
    ) -> None:
        """Check that a design's reward and info are the same after another reset."""
        reward, info = drawn[-1]
        env.reset(seed=11)
        _, again, *_, found = env.step(problem.space.encode(info["design"])[0])
        assert again == reward
        assert data_equivalence(found, info, exact=True)

    def test_vectors_answer_what_one_does(self, env_id: str, drawn: list[tuple[float, dict[str, Any]]]) -> None:
        """Check that a vector environment rewards designs as a single one does."""
        several = gymnasium.make_vec(env_id, num_envs=4, vectorization_mode="vector_entry_point")
        several.reset(seed=0)
        unwrapped: Any = several.unwrapped
        problem: Problem = unwrapped.problem
        rows = problem.space.encode([info["design"] for _, info in drawn[:4]])
        _, rewards, *_ = several.step(rows)
        assert rewards.tolist() == pytest.approx([reward for reward, _ in drawn[:4]])
