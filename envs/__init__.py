"""Environments over every registered simulator: Gymnasium's scalar and vector ones, and for SB3 and PettingZoo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .base import DesignEnv
from .episodes import Episodes
from .make import MODES
from .registration import env_id, register_environments, register_simulator
from .vector import DesignVectorEnv

if TYPE_CHECKING:
    from .multi_agent import DesignParallelEnv
    from .sb3 import SB3VecEnv

__all__ = [
    "MODES",
    "DesignEnv",
    "DesignVectorEnv",
    "Episodes",
    "env_id",
    "parallel_env",
    "register_environments",
    "register_simulator",
    "sb3_vec_env",
]


def sb3_vec_env(id: str, num_envs: int = 1, **kwargs: Any) -> SB3VecEnv:  # noqa: A002 (Gymnasium's own name)
    """Make a Stable-Baselines3 `VecEnv` on the native vector environment.

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


def parallel_env(simulator: str, **arguments: Any) -> DesignParallelEnv:
    """Make a PettingZoo `ParallelEnv` in which several agents design one machine together.

    Args:
        simulator: a registered name, such as "memory".
        arguments: `agents`, `rounds`, `action_type`, `render_mode` and `info` as `DesignParallelEnv` has them; the
            rest as for `gymnasium.make`.

    Raises:
        ChipgymError: where PettingZoo is not installed, or for a wrong argument.
    """
    from ..errors import ChipgymError

    try:
        from .multi_agent import make_parallel_env
    except ImportError as error:
        raise ChipgymError(f"parallel_env needs PettingZoo: pip install 'chipgym[rl]' ({error})") from None
    return make_parallel_env(simulator, **arguments)
