"""What the agents on Stable-Baselines3 share: its models made on a search's spaces, and its on-policy algorithms."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import torch
from stable_baselines3.common.distributions import MultiCategoricalDistribution
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import FlattenExtractor
from torch import Tensor, nn

from .heads import Heads, chosen, draw, entropy
from .told import ToldTasks


class Spaces(gymnasium.Env[Any, Any]):
    """What a model is made on: spaces, and no episodes, which the agent plays itself."""

    def __init__(self, observation_space: gymnasium.Space[Any], action_space: gymnasium.Space[Any]) -> None:
        self.observation_space, self.action_space = observation_space, action_space


def extractor(tasks: ToldTasks, spaces: Spaces) -> dict[str, Any]:
    """Return the arguments of a policy that have it see observations on one scale; see `ToldTasks.scale`."""
    (size,) = spaces.observation_space.shape or (0,)
    scale = tasks.scale(size)
    return {"features_extractor_class": ScaledExtractor, "features_extractor_kwargs": {"scale": scale}}


def quiet(model: Any) -> Any:
    """Give a model a log that goes nowhere, which `train` writes to."""
    model.set_logger(Logger(folder=None, output_formats=[]))
    return model


class ScaledExtractor(FlattenExtractor):
    """Divides each number of an observation by a constant, so that a workload's features do not drown the rest."""

    scale: Tensor

    def __init__(self, observation_space: gymnasium.Space[Any], scale: np.ndarray[Any, Any]) -> None:
        super().__init__(observation_space)
        self.register_buffer("scale", torch.as_tensor(scale, dtype=torch.float32))

    def forward(self, observations: Tensor) -> Tensor:
        """Return observations (n, d) over the scale."""
        flat: Tensor = super().forward(observations)
        return flat / self.scale


class KnobDistribution(MultiCategoricalDistribution):
    """A whole design at once: `Heads` over every knob, as Stable-Baselines3 asks distributions."""

    def __init__(self, heads: Heads) -> None:
        super().__init__([heads.widest] * heads.knobs)
        self.heads = heads

    def proba_distribution_net(self, latent_dim: int) -> nn.Module:
        """Make the layer whose outputs the heads read."""
        return nn.Linear(latent_dim, self.heads.outputs)

    def proba_distribution(self, action_logits: Tensor) -> KnobDistribution:
        """Take the layer's outputs, shape (n, outputs)."""
        self.table: Tensor = self.heads(action_logits)
        return self

    def log_prob(self, actions: Tensor) -> Tensor:
        """Return logarithms of the probabilities of designs, (n,); a knob given as -1 counts for nothing."""
        return chosen(self.table, actions.long()).sum(-1)

    def entropy(self) -> Tensor:
        """Return the entropy in nats, (n,)."""
        return entropy(self.table).sum(-1)

    def sample(self) -> Tensor:
        """Draw designs, (n, p)."""
        return draw(self.table)

    def mode(self) -> Tensor:
        """Return each knob's likeliest position, (n, p)."""
        return self.table.argmax(-1)


class KnobPolicy(ActorCriticPolicy):
    """Stable-Baselines3's actor and critic with a `KnobDistribution`."""

    def __init__(self, *args: Any, heads: Heads, **kwargs: Any) -> None:
        kept: dict[str, Any] = {"heads": heads}
        self.__dict__["_given"] = kept  # before the base is initialised no module can be set, and it builds at once
        super().__init__(*args, **kwargs)

    def _build(self, lr_schedule: Any) -> None:
        self.action_dist = KnobDistribution(self.__dict__["_given"]["heads"])
        super()._build(lr_schedule)
