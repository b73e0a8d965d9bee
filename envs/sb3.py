"""The native vector environment as Stable-Baselines3 wants it: a list of infos, and the next observation at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.vec_env.base_vec_env import VecEnv

from ..errors import ChipgymError, unknown
from ..simulators import registered
from .base import DesignEnv
from .episodes import Action
from .info import Info
from .observation import Observation
from .registration import env_id
from .vector import DesignVectorEnv

Indices = int | Iterable[int] | None


def make_sb3(id: str, num_envs: int, **kwargs: Any) -> SB3VecEnv:  # noqa: A002 (Gymnasium's own name)
    """See `chipgym.envs.sb3_vec_env`."""
    try:
        made = gymnasium.make_vec(id, num_envs=num_envs, **kwargs)
    except gymnasium.error.UnregisteredEnv:
        raise unknown("environment id", id, [env_id(entry) for entry in registered()]) from None
    if not isinstance(made.unwrapped, DesignVectorEnv):
        raise ChipgymError(f"id: {id!r} is not an environment of chipgym with a native vector form")
    if made.unwrapped.tasks.each_objective:
        raise ChipgymError(f"id: {id!r} has a reward per objective, and Stable-Baselines3 takes one number")
    if made.unwrapped.autoreset_mode is not AutoresetMode.SAME_STEP:
        raise ChipgymError(
            f"autoreset_mode: {made.unwrapped.autoreset_mode.value}, and Stable-Baselines3 has episodes begin in the "
            "same step; leave it out"
        )
    return SB3VecEnv(made.unwrapped)


class SB3VecEnv(VecEnv):
    """`num_envs` environments that share one call of the batch kernel per step.

    Infos are those of the scalar environment, with Stable-Baselines3's `terminal_observation` and
    `TimeLimit.truncated`. Wrap it in `VecMonitor` for episode statistics in the log. The environments are one kernel,
    so an attribute that is set is set for all of them.
    """

    def __init__(self, venv: DesignVectorEnv) -> None:
        """Wrap a native vector environment."""
        self.venv = venv
        # Stands for any one of them where an attribute or a method of a single environment is asked for.
        self._one = DesignEnv(venv.episodes.sized(1), render_mode=venv.render_mode, info=venv.info)
        self._one.spec = venv.spec
        self._actions: Action | None = None
        super().__init__(venv.num_envs, venv.single_observation_space, venv.single_action_space)

    def reset(self) -> Observation:
        """Return first observations, shape (num_envs, f), of new episodes.

        Seeds and options given before are used once.
        """
        options: dict[str, Any] = {}
        for given in self._options:
            options.update(given)
        for name in ("workload", "design"):
            if name in options:
                options[name] = [given.get(name) for given in self._options]
        observations, _ = self.venv.reset(seed=list(self._seeds), options=options)
        self.reset_infos = self.venv.step_infos()
        self._reset_seeds()
        self._reset_options()
        return observations

    def step_async(self, actions: Action) -> None:
        """Keep the actions, shape (num_envs, p), for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> tuple[Observation, np.ndarray[Any, Any], np.ndarray[Any, Any], list[Info]]:
        """Evaluate the designs: observations (num_envs, f), rewards (float32), dones, one info per environment."""
        assert self._actions is not None, "step_wait() was called before step_async()"
        observations, rewards, terminated, truncated, infos = self.venv.step(self._actions)
        self._actions = None
        out = self.venv.step_infos()
        done = terminated | truncated
        for i in np.flatnonzero(done):
            out[i]["terminal_observation"] = infos["final_obs"][i]
        for info, cut in zip(out, truncated & ~terminated, strict=True):
            info["TimeLimit.truncated"] = bool(cut)
        return observations, rewards.astype(np.float32), done, out

    def close(self) -> None:
        """Free the environments."""
        self.venv.close()

    def get_images(self) -> Sequence[np.ndarray[Any, Any] | None]:
        """Draw a picture per environment, None where the render mode is not "rgb_array"."""
        if self.render_mode != "rgb_array":
            return [None] * self.num_envs
        return [self.venv.render_one(i) for i in range(self.num_envs)]

    def get_attr(self, attr_name: str, indices: Indices = None) -> list[Any]:
        """Return an attribute of each environment.

        Raises:
            AttributeError: where a single environment has none of that name.
        """
        if attr_name == "problem":
            tasks = self.venv.tasks
            return [tasks.problems[int(self.venv.episodes.task[i])] for i in self._get_indices(indices)]
        value = self._one.get_wrapper_attr(attr_name)
        return [value for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Indices = None) -> None:
        """Set an attribute that `get_attr` and `env_method` see."""
        setattr(self._one, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: Indices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Return the answers of a method of each environment; `reset` and `step` belong to the whole.

        Raises:
            ChipgymError: for those two.
        """
        chosen = list(self._get_indices(indices))
        if method_name in ("reset", "step"):
            raise ChipgymError(f"env_method: {method_name!r} acts on all environments at once; call it on the VecEnv")
        if method_name == "action_masks":
            return list(self.venv.action_masks()[chosen])
        if method_name == "render" and self.render_mode is not None:
            return [self.venv.render_one(i) for i in chosen]
        method = self._one.get_wrapper_attr(method_name)
        return [method(*method_args, **method_kwargs) for _ in chosen]

    def env_is_wrapped(self, wrapper_class: type[gymnasium.Wrapper], indices: Indices = None) -> list[bool]:
        """Tell whether each environment is wrapped: never, they are one kernel."""
        return [False for _ in self._get_indices(indices)]
