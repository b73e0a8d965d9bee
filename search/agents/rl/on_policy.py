"""PPO and A2C of Stable-Baselines3, and sb3-contrib's PPO with masks, as agents of the search loop."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.buffers import MaskableRolloutBuffer
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.buffers import RolloutBuffer
from torch import Tensor

from ....envs.assess import Flags
from ....envs.episodes import Action, Episodes
from ....envs.one_shot import OneShot
from ....envs.sequential import Sequential
from ....errors import count
from ....simulators import Evaluation, Indices, Problem
from ....simulators.core.parameter import Column
from ..settings import choice, flag, number, widths
from .heads import ACTIONS, Heads
from .learner import Learner
from .stable import KnobPolicy, Spaces, extractor, quiet
from .told import Step, played

MODES: dict[str, type[Episodes]] = {"one_shot": OneShot, "sequential": Sequential}


class OnPolicy(Learner):
    """Plays whole episodes of one mode with a policy of Stable-Baselines3, and trains it on those of each ask.

    An update uses the episodes of one ask and forgets them, as these algorithms do.

    Attributes:
        mode: the formulation.
        buffer: the class of the algorithm's rollout buffer.
    """

    mode: type[Episodes] = OneShot
    buffer: type[RolloutBuffer] = RolloutBuffer

    def __init__(
        self, problem: Problem, seed: int, reward_scaling: str, settings: dict[str, Any], net_arch: Sequence[int]
    ) -> None:
        """Take arguments of the algorithm's constructor, and widths of hidden layers."""
        super().__init__(problem, seed, reward_scaling)
        one = self.mode(self.tasks, 1)
        self.spaces = Spaces(one.observation_space, one.action_space)
        self.settings = settings
        self.net_arch = widths("net_arch", net_arch)
        self.restart()

    @abstractmethod
    def model_of(self, policy_kwargs: dict[str, Any], **common: Any) -> Any:
        """Make the algorithm's model, given arguments of its policy and what else all of them take."""

    def make(self) -> None:
        """Make a fresh model."""
        kwargs = {**extractor(self.tasks, self.spaces), "net_arch": list(self.net_arch)}
        self.model = quiet(self.model_of(env=self.spaces, device="cpu", policy_kwargs=kwargs, **self.settings))
        self.model.policy.set_training_mode(False)

    def draw(self, n: int, turn: int) -> Indices:
        """Play n episodes with the policy; see `Learner.draw`."""
        self.tasks.forget()
        episodes, every = self.mode(self.tasks, n), np.ones(n, np.bool_)
        episodes.begin(every, [])
        ended = False
        while not ended:
            with torch.no_grad():
                actions = self.act(torch.as_tensor(episodes.observe()), episodes.flat_masks())
            ended = bool(episodes.act(actions.numpy(), every).terminated.all())
        return episodes.rows

    def learn(self, designs: Indices, evaluation: Evaluation, rewards: Column) -> None:
        """Play the episodes again, now that their rewards are known, into the model's buffer, and train once."""
        n, model = len(designs), self.model
        self.tasks.tell(designs, evaluation, self.scaled(rewards))
        steps = list(played(self.mode(self.tasks, n), designs))
        buffer = self.buffer(
            len(steps), self.spaces.observation_space, self.spaces.action_space, device="cpu", n_envs=n,
            gae_lambda=model.gae_lambda, gamma=model.gamma,
        )  # fmt: skip
        for t, step in enumerate(steps):
            actions, masks = self.given(designs, step)
            with torch.no_grad():
                values, logs = self.judge(torch.as_tensor(step.seen), torch.as_tensor(actions), masks)
            first = np.full(n, t == 0)
            buffer.add(step.seen, actions, step.outcome.rewards, first, values, logs, **self.beside(masks))
        buffer.compute_returns_and_advantage(torch.zeros(n), np.ones(n, np.bool_))
        model.rollout_buffer = buffer
        model.train()
        model.policy.set_training_mode(False)

    def act(self, seen: Tensor, masks: Flags) -> Tensor:
        """Draw an action for each observation, (n, d)."""
        drawn: Tensor = self.model.policy.get_distribution(seen).sample()
        return drawn

    def judge(self, seen: Tensor, actions: Tensor, masks: Flags) -> tuple[Tensor, Tensor]:
        """Return values of observations, and logarithms of the probabilities of actions there."""
        values, logs, _ = self.model.policy.evaluate_actions(seen, actions)
        return values, logs

    def given(self, designs: Indices, step: Step) -> tuple[Action, Flags]:
        """Return the actions of a step as they are learnt from, and the masks under which."""
        return np.where(self.problem.space.active(designs), designs, -1), step.masks

    def beside(self, masks: Flags) -> dict[str, Any]:
        """Return what the buffer takes beside what every rollout buffer does."""
        return {}


class PPOAgent(OnPolicy):
    """Proximal policy optimisation (Schulman et al., arXiv:1707.06347), Stable-Baselines3's `PPO`, on whole designs.

    An episode is one step of the environments' mode "one_shot", a contextual bandit, and the policy has a head per
    knob. Arguments are Stable-Baselines3's but for:

    Args:
        problem: what is searched.
        seed: a whole number ≥ 0.
        actions: "categorical", or "gaussian", one cut into bins; see `Heads`.
        net_arch: widths of the hidden layers of the policy, and of the value function.
        reward_scaling: see `Learner.scaled`.
    """

    def __init__(
        self,
        problem: Problem,
        seed: int = 0,
        *,
        actions: str = "categorical",
        learning_rate: float = 0.005,
        n_epochs: int = 5,
        batch_size: int = 32,
        clip_range: float = 0.2,
        ent_coef: float = 0.01,
        vf_coef: float = 0.5,
        max_grad_norm: float = 0.5,
        net_arch: Sequence[int] = (64, 64),
        reward_scaling: str = "rank",
    ) -> None:
        self.actions = choice("actions", actions, ACTIONS)
        settings = ppo_settings(learning_rate, n_epochs, batch_size, clip_range, ent_coef, vf_coef, max_grad_norm)
        super().__init__(problem, seed, reward_scaling, settings, net_arch)

    def model_of(self, policy_kwargs: dict[str, Any], **common: Any) -> Any:
        """Make a `PPO`."""
        heads = Heads(tuple(self.problem.space.sizes.tolist()), self.actions)
        return PPO(KnobPolicy, policy_kwargs={**policy_kwargs, "heads": heads}, **common)


class A2CAgent(OnPolicy):
    """Advantage actor-critic (Mnih et al., arXiv:1602.01783), Stable-Baselines3's `A2C`, on whole designs.

    One gradient step per ask; the rest as for `PPOAgent`.
    """

    batch = 8

    def __init__(
        self,
        problem: Problem,
        seed: int = 0,
        *,
        actions: str = "categorical",
        learning_rate: float = 0.003,
        ent_coef: float = 0.01,
        vf_coef: float = 0.5,
        max_grad_norm: float = 0.5,
        normalize_advantage: bool = True,
        net_arch: Sequence[int] = (64, 64),
        reward_scaling: str = "rank",
    ) -> None:
        self.actions = choice("actions", actions, ACTIONS)
        settings = {
            **gradient_settings(learning_rate, ent_coef, vf_coef, max_grad_norm),
            "normalize_advantage": flag("normalize_advantage", normalize_advantage), "gamma": 1.0,
        }  # fmt: skip
        super().__init__(problem, seed, reward_scaling, settings, net_arch)

    def model_of(self, policy_kwargs: dict[str, Any], **common: Any) -> Any:
        """Make an `A2C`."""
        heads = Heads(tuple(self.problem.space.sizes.tolist()), self.actions)
        return A2C(KnobPolicy, policy_kwargs={**policy_kwargs, "heads": heads}, **common)

    def learn(self, designs: Indices, evaluation: Evaluation, rewards: Column) -> None:
        """Learn as `OnPolicy.learn`; the advantage of one design alone has no deviation to be divided by."""
        self.model.normalize_advantage = self.settings["normalize_advantage"] and len(designs) > 1
        super().learn(designs, evaluation, rewards)


class MaskablePPOAgent(OnPolicy):
    """PPO with invalid-action masks (Huang and Ontañón, arXiv:2006.14171), sb3-contrib's `MaskablePPO`.

    Arguments are sb3-contrib's but for:

    Args:
        problem: what is searched.
        seed: a whole number ≥ 0.
        mode: of the environments: "sequential", a knob per step, which sees those chosen before it; or "one_shot".
        net_arch: widths of the hidden layers of the policy, and of the value function.
        reward_scaling: see `Learner.scaled`.
    """

    buffer = MaskableRolloutBuffer

    def __init__(
        self,
        problem: Problem,
        seed: int = 0,
        *,
        mode: str = "sequential",
        learning_rate: float = 0.005,
        n_epochs: int = 10,
        batch_size: int = 512,
        gamma: float = 1.0,
        gae_lambda: float = 0.95,
        clip_range: float = 0.2,
        ent_coef: float = 0.01,
        vf_coef: float = 0.5,
        max_grad_norm: float = 0.5,
        net_arch: Sequence[int] = (64, 64),
        reward_scaling: str = "rank",
    ) -> None:
        self.mode = MODES[choice("mode", mode, MODES)]
        settings = {
            **ppo_settings(learning_rate, n_epochs, batch_size, clip_range, ent_coef, vf_coef, max_grad_norm),
            "gamma": number("gamma", gamma, 0, 1), "gae_lambda": number("gae_lambda", gae_lambda, 0, 1),
        }  # fmt: skip
        super().__init__(problem, seed, reward_scaling, settings, net_arch)

    def model_of(self, policy_kwargs: dict[str, Any], **common: Any) -> Any:
        """Make a `MaskablePPO`."""
        return MaskablePPO("MlpPolicy", policy_kwargs=policy_kwargs, **common)

    def act(self, seen: Tensor, masks: Flags) -> Tensor:
        """Draw a legal action for each observation, (n, d)."""
        drawn: Tensor = self.model.policy.get_distribution(seen, action_masks=masks).sample()
        return drawn

    def judge(self, seen: Tensor, actions: Tensor, masks: Flags) -> tuple[Tensor, Tensor]:
        """Return values of observations, and logarithms of the probabilities of actions among the legal ones."""
        values, logs, _ = self.model.policy.evaluate_actions(seen, actions, action_masks=masks)
        return values, logs

    def given(self, designs: Indices, step: Step) -> tuple[Action, Flags]:
        """Return the actions and masks; of a whole design, inactive knobs have but their default to choose from."""
        if self.mode is Sequential:
            return step.actions, step.masks
        space = self.problem.space
        default = np.concatenate([np.arange(p.size) == d for p, d in zip(space, space.default_indices, strict=True)])
        return designs, np.where(np.repeat(space.active(designs), space.sizes, axis=1), step.masks, default)

    def beside(self, masks: Flags) -> dict[str, Any]:
        """Return the masks, which this buffer keeps too."""
        return {"action_masks": masks}


def gradient_settings(learning_rate: float, ent_coef: float, vf_coef: float, max_grad_norm: float) -> dict[str, Any]:
    """Return arguments that all on-policy algorithms have, checked.

    Raises:
        ChipgymError: naming the option that is out of its range.
    """
    return {
        "learning_rate": number("learning_rate", learning_rate, beyond=True),
        "ent_coef": number("ent_coef", ent_coef),
        "vf_coef": number("vf_coef", vf_coef),
        "max_grad_norm": number("max_grad_norm", max_grad_norm, beyond=True),
    }


def ppo_settings(
    learning_rate: float,
    n_epochs: int,
    batch_size: int,
    clip_range: float,
    ent_coef: float,
    vf_coef: float,
    max_grad_norm: float,
) -> dict[str, Any]:
    """Return arguments of PPO, checked; `n_steps`, of which episodes make no use here, keeps a warning away.

    Raises:
        ChipgymError: naming the option that is out of its range.
    """
    batch_size = count("batch_size", batch_size, 2)
    return {
        **gradient_settings(learning_rate, ent_coef, vf_coef, max_grad_norm),
        "n_epochs": count("n_epochs", n_epochs),
        "batch_size": batch_size,
        "n_steps": batch_size,
        "clip_range": number("clip_range", clip_range, beyond=True),
    }
