"""Gymnasium environments over every registered simulator: scalar, vector, and as a Stable-Baselines3 `VecEnv`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .base import DesignEnv
from .make import MODES
from .one_shot import OneShotEnv
from .registration import env_id, register_environments, register_simulator
from .vector import OneShotVectorEnv

if TYPE_CHECKING:
    from .sb3 import SB3VecEnv

__all__ = [
    "MODES",
    "DesignEnv",
    "OneShotEnv",
    "OneShotVectorEnv",
    "env_id",
    "register_environments",
    "register_simulator",
    "sb3_vec_env",
]


def sb3_vec_env(id: str, num_envs: int = 1, **kwargs: Any) -> SB3VecEnv:  # noqa: A002 (Gymnasium's own name)
    """A Stable-Baselines3 `VecEnv` on the native vector environment.

    Args:
        id: an environment id, such as "chipgym/Systolic-v0".
        num_envs: how many designs one step evaluates.
        kwargs: as for `gymnasium.make`.

    Raises:
        ChipgymError: where Stable-Baselines3 is not installed, or for a wrong argument.
    """
    from ..errors import ChipgymError

    try:
        from .sb3 import make_sb3
    except ImportError as error:
        raise ChipgymError(f"sb3_vec_env needs Stable-Baselines3: pip install 'chipgym[rl]' ({error})") from None
    return make_sb3(id, num_envs, **kwargs)
