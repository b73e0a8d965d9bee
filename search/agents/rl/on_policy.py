"""PPO and A2C of Stable-Baselines3, and sb3-contrib's PPO with masks, as agents of the search loop."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import torch
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.buffers import MaskableRolloutBuffer
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.buffers import RolloutBuffer

from ....envs.assess import Flags
from ....envs.episodes import Action, Episodes
from ....envs.one_shot import OneShot
from ....envs.sequential import Sequential
from ....errors import unknown
from ....simulators import Evaluation, Indices, Problem
from ....simulators.core.parameter import Column
from .heads import ACTIONS, Heads
from .learner import Learner
from .stable import KnobPolicy, ScaledExtractor, Spaces, quiet
from .told import Step, played


class OnPolicy(Learner):
    """Plays whole episodes of one mode with a policy of Stable-Baselines3, and trains it on those of each ask.

    An update uses the episodes of one ask and forgets them, as the algorithms do.
    """

    #: The formulation, and the rollout buffer of the algorithm.
    mode: type[Episodes] = OneShot
    buffer: type[RolloutBuffer] = RolloutBuffer

    def __init__(self, problem: Problem, seed: int, reward_scaling: str, gae_lambda: float, gamma: float) -> None:
        """Take what is common to the algorithms."""
        super().__init__(problem, seed, reward_scaling)
        self.gae_lambda, self.gamma = gae_lambda, gamma
        one = self.mode(self.tasks, 1)
        self.spaces = Spaces(one.observation_space, one.action_space)
        features = np.abs(self.tasks.features[0])
        scale = np.ones(one.observe().shape[1])
        scale[: len(features)] = np.maximum(features, 1.0)
        self.extractor = {
            "features_extractor_class": ScaledExtractor,
            "features_extractor_kwargs": {"scale": scale},
        }
        self.restart()

    @abstractmethod
    def model_of(self, spaces: Spaces) -> Any:
        """Make the algorithm's model on these spaces."""

    def make(self) -> None:
        """Make a fresh model."""
        self.model = quiet(self.model_of(self.spaces))
        self.model.policy.set_training_mode(False)

    def act(self, seen: torch.Tensor, masks: Flags) -> torch.Tensor:
        """Draw actions for observations (n, d)."""
        return self.model.policy.get_distribution(seen).sample()

    def evaluated(self, seen: torch.Tensor, actions: torch.Tensor, masks: Flags) -> tuple[torch.Tensor, ...]:
        """Return values and logarithms of the probabilities of actions, both (n,)."""
        return self.model.policy.evaluate_actions(seen, actions)[:2]

    def added(self, masks: Flags) -> dict[str, Any]:
        """Return what the buffer takes beside what every one takes."""
        return {}

    def draw(self, n: int) -> Indices:
        """Play n episodes with the policy."""
        self.tasks.forget()
        episodes, every = self.mode(self.tasks, n), np.ones(n, np.bool_)
        episodes.begin(every, [])
        while True:
            with torch.no_grad():
                actions = self.act(torch.as_tensor(episodes.observe()), episodes.flat_masks())
            if episodes.act(actions.numpy(), every).terminated.all():
                return episodes.rows

    def recorded(self, designs: Indices, step: Step) -> tuple[Action, Flags]:
        """Return the actions to learn from and the masks that they were drawn under."""
        if self.mode is Sequential:
            return step.actions, step.masks
        return np.where(self.problem.space.active(designs), designs, -1), step.masks

    def learn(self, designs: Indices, evaluation: Evaluation, rewards: Column) -> None:
        """Play the episodes again, now that their rewards are known, into the model's buffer, and train once."""
        n = len(designs)
        self.tasks.tell(designs, evaluation, rewards)
        episodes = self.mode(self.tasks, n)
        steps = list(played(episodes, designs))
        model = self.model
        buffer = self.buffer(
            len(steps), self.spaces.observation_space, self.spaces.action_space,
            device="cpu", gae_lambda=self.gae_lambda, gamma=self.gamma, n_envs=n,
        )  # fmt: skip
        for t, step in enumerate(steps):
            actions, masks = self.recorded(designs, step)
            with torch.no_grad():
                values, logs = self.evaluated(torch.as_tensor(step.seen), torch.as_tensor(actions), masks)
            first = np.full(n, t == 0)
            buffer.add(step.seen, actions, step.outcome.rewards, first, values, logs, **self.added(masks))
        buffer.compute_returns_and_advantage(torch.zeros(n), np.ones(n, np.bool_))
        model.rollout_buffer = buffer
        model.train()
        model.policy.set_training_mode(False)


class PPOAgent(OnPolicy):
    """PPO."""

    def __init__(
        self,
        problem: Problem,
        seed: int = 0,
        *,
        actions: str = "categorical",
        learning_rate: float = 0.01,
        n_epochs: int = 10,
        batch_size: int = 32,
        clip_range: float = 0.2,
        ent_coef: float = 0.01,
        vf_coef: float = 0.5,
        max_grad_norm: float = 0.5,
        net_arch: tuple[int, ...] = (64, 64),
        reward_scaling: str = "rank",
    ) -> None:
        if not isinstance(actions, str) or actions not in ACTIONS:
            raise unknown("actions", actions, ACTIONS)
        self.actions = actions
        self.options = dict(
            learning_rate=learning_rate, n_epochs=n_epochs, batch_size=batch_size, clip_range=clip_range,
            ent_coef=ent_coef, vf_coef=vf_coef, max_grad_norm=max_grad_norm,
        )
        self.net_arch = list(net_arch)
        super().__init__(problem, seed, reward_scaling, 1.0, 1.0)

    def model_of(self, spaces: Spaces) -> Any:
        heads = Heads(tuple(self.problem.space.sizes.tolist()), self.actions)
        kwargs = {**self.extractor, "heads": heads, "net_arch": self.net_arch}
        return PPO(KnobPolicy, spaces, n_steps=self.options["batch_size"], **self.options, gamma=1.0, gae_lambda=1.0, device="cpu", policy_kwargs=kwargs)


class MaskablePPOAgent(OnPolicy):
    buffer = MaskableRolloutBuffer
    def __init__(
        self,
        problem: Problem,
        seed: int = 0,
        *,
        mode: str = "sequential",
        learning_rate: float = 0.003,
        n_epochs: int = 10,
        batch_size: int = 64,
        clip_range: float = 0.2,
        ent_coef: float = 0.01,
        vf_coef: float = 0.5,
        max_grad_norm: float = 0.5,
        gae_lambda: float = 0.95,
        net_arch: tuple[int, ...] = (64, 64),
        reward_scaling: str = "rank",
    ) -> None:
        self.mode = Sequential if mode == "sequential" else OneShot
        self.options = dict(
            learning_rate=learning_rate, n_epochs=n_epochs, batch_size=batch_size, clip_range=clip_range,
            ent_coef=ent_coef, vf_coef=vf_coef, max_grad_norm=max_grad_norm,
        )
        self.net_arch = list(net_arch)
        super().__init__(problem, seed, reward_scaling, gae_lambda, 1.0)

    def model_of(self, spaces: Spaces) -> Any:
        kwargs = {**self.extractor, "net_arch": self.net_arch}
        return MaskablePPO("MlpPolicy", spaces, n_steps=self.options["batch_size"], **self.options, gamma=1.0, gae_lambda=1.0, device="cpu", policy_kwargs=kwargs)

    def act(self, seen: torch.Tensor, masks: Flags) -> torch.Tensor:
        return self.model.policy.get_distribution(seen, action_masks=masks).sample()

    def evaluated(self, seen, actions, masks):
        return self.model.policy.evaluate_actions(seen, actions, action_masks=masks)[:2]

    def added(self, masks):
        return {"action_masks": masks}

    def recorded(self, designs, step):
        if self.mode is Sequential:
            return step.actions, step.masks
        active = self.problem.space.active(designs)
        sizes = self.problem.space.sizes
        only = np.concatenate([np.arange(s) == d for s, d in zip(sizes, self.problem.space.default_indices)])
        masks = np.where(np.repeat(active, sizes, axis=1), step.masks, only)
        return designs, masks
