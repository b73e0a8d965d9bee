"""DQN and SAC of Stable-Baselines3 as agents of the search loop: they learn from every design told, again and again."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box
from stable_baselines3 import DQN, SAC
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.utils import polyak_update
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import Tensor

from ....envs.assess import Flags
from ....envs.continuous import BoxOneShot
from ....envs.episodes import Action
from ....envs.observation import Observation
from ....envs.sequential import Sequential
from ....errors import count
from ....simulators import Evaluation, Indices, Problem
from ....simulators.core.parameter import Column
from ..settings import number, widths
from .heads import NEVER
from .learner import Learner
from .stable import Spaces, extractor, quiet
from .told import ToldTasks, played

# Where a policy acts again because its designs were evaluated already: so many more of its choices are random ones.
FURTHER = 0.5


class OffPolicy(Learner):
    """Keeps transitions of every design told in a replay buffer of Stable-Baselines3, and trains on draws from it.

    Rewards of all that the buffer holds are scaled anew after each ask, so that they stay comparable. Designs that
    the agent did not propose are as good as its own. A fresh policy begins with the buffer as it is.
    """

    off_policy = True

    def __init__(
        self,
        problem: Problem,
        seed: int,
        reward_scaling: str,
        spaces: Spaces,
        steps: int,
        buffer_size: int,
        settings: dict[str, Any],
        gradient_steps: int,
        net_arch: Sequence[int],
    ) -> None:
        """Take spaces, steps of an episode, transitions to hold, and arguments of the algorithm's constructor."""
        super().__init__(problem, seed, reward_scaling)
        self.spaces, self.steps = spaces, steps
        self.settings, self.gradient_steps = settings, count("gradient_steps", gradient_steps)
        self.net_arch = widths("net_arch", net_arch)
        held = max(count("buffer_size", buffer_size) // steps, 1)
        self.buffer = ReplayBuffer(held * steps, spaces.observation_space, spaces.action_space, device="cpu")
        self._told: Column = np.zeros(held)
        self._count = 0
        self.restart()

    @abstractmethod
    def model_of(self, **common: Any) -> Any:
        """Make the algorithm's model, given what both take."""

    @abstractmethod
    def transitions(self, designs: Indices, evaluation: Evaluation) -> tuple[Observation, Action, Observation]:
        """Return observations, actions and next observations of the episodes to n designs, each (n, steps, …)."""

    def make(self) -> None:
        """Make a fresh model over the buffer."""
        kwargs = {**extractor(self.tasks, self.spaces), "net_arch": list(self.net_arch)}
        common = {"env": self.spaces, "device": "cpu", "buffer_size": 1, "policy_kwargs": kwargs}
        self.model = quiet(self.model_of(**common, **self.settings))
        self.model.replay_buffer = self.buffer
        self.model.policy.set_training_mode(False)

    def learn(self, designs: Indices, evaluation: Evaluation, rewards: Column) -> None:
        """Put the episodes into the buffer, the oldest out, and train on draws from it."""
        self.tasks.tell(designs, evaluation, rewards)
        held, buffer, last = len(self._told), self.buffer, self.steps - 1
        before, actions, after = self.transitions(designs, evaluation)
        for i in range(len(designs)):
            at = (self._count + i) % held
            part = slice(at * self.steps, (at + 1) * self.steps)
            buffer.observations[part, 0], buffer.next_observations[part, 0] = before[i], after[i]
            buffer.actions[part, 0] = actions[i].reshape(self.steps, -1)
            buffer.dones[part.stop - 1, 0] = 1.0
            self._told[at] = rewards[i]
        self._count += len(designs)
        n = min(self._count, held)
        buffer.full = self._count >= held
        buffer.pos = self._count % held * self.steps
        buffer.rewards[last : n * self.steps : self.steps, 0] = self.scaled(self._told[:n])
        self.train()
        self.model.policy.set_training_mode(False)

    def train(self) -> None:
        """Take the ask's gradient steps."""
        self.model.train(self.gradient_steps, self.model.batch_size)


class MaskedQNetwork(QNetwork):
    """Values of the actions that are legal; the mask is the end of the observation. What is illegal is worth nothing.

    So neither the greedy action nor the target's greatest value is one that nobody could take.
    """

    def forward(self, obs: Any) -> Tensor:
        """Return values (n, actions) of observations (n, d + actions)."""
        values: Tensor = super().forward(obs)
        return torch.where(obs[:, -values.shape[1] :] > 0, values, NEVER)


class MaskedDQNPolicy(DQNPolicy):
    """Stable-Baselines3's policy with a `MaskedQNetwork`."""

    def make_q_net(self) -> MaskedQNetwork:
        """Make a network with a features extractor of its own."""
        return MaskedQNetwork(**self._update_features_extractor(self.net_args)).to(self.device)


class DQNAgent(OffPolicy):
    """Deep Q-network (Mnih et al., Nature 518, 2015), Stable-Baselines3's `DQN`, one knob a step.

    Episodes are those of the environments' mode "sequential", and the legal actions are part of what the network
    sees. Actions are greedy, or random among the legal ones with a probability that falls as designs are told. Where
    they lead to designs that were evaluated already it acts again, with more chance each time. Arguments are
    Stable-Baselines3's but for:

    Args:
        problem: what is searched.
        seed: a whole number ≥ 0.
        gradient_steps: after each ask.
        tau: how far the target network follows after each ask; 1 is a copy.
        exploration_designs: designs over which the probability falls from `exploration_initial_eps` to
            `exploration_final_eps`.
        net_arch: widths of the hidden layers.
        reward_scaling: see `Learner.scaled`.
    """

    def __init__(
        self,
        problem: Problem,
        seed: int = 0,
        *,
        learning_rate: float = 0.001,
        buffer_size: int = 100_000,
        batch_size: int = 256,
        gradient_steps: int = 16,
        tau: float = 0.5,
        gamma: float = 1.0,
        exploration_initial_eps: float = 1.0,
        exploration_final_eps: float = 0.05,
        exploration_designs: int = 500,
        max_grad_norm: float = 10.0,
        net_arch: Sequence[int] = (64, 64),
        reward_scaling: str = "rank",
    ) -> None:
        self.tau = number("tau", tau, 0, 1, beyond=True)
        self.first = number("exploration_initial_eps", exploration_initial_eps, 0, 1)
        self.final = number("exploration_final_eps", exploration_final_eps, 0, 1)
        self.exploring = count("exploration_designs", exploration_designs)
        settings = {
            "learning_rate": number("learning_rate", learning_rate, beyond=True),
            "batch_size": count("batch_size", batch_size),
            "gamma": number("gamma", gamma, 0, 1),
            "max_grad_norm": number("max_grad_norm", max_grad_norm, beyond=True),
        }
        one = Sequential(ToldTasks(problem), 1)
        k = one.flat_masks().shape[1]
        seen: Any = one.observation_space
        low, high = np.append(seen.low, np.zeros(k)), np.append(seen.high, np.ones(k))
        spaces = Spaces(Box(low.astype(np.float32), high.astype(np.float32)), one.action_space)
        super().__init__(
            problem, seed, reward_scaling, spaces, len(one.turns), buffer_size, settings, gradient_steps, net_arch
        )

    def model_of(self, **common: Any) -> Any:
        """Make a `DQN`."""
        return DQN(MaskedDQNPolicy, **common)

    def draw(self, n: int, turn: int) -> Indices:
        """Play n episodes, greedily but for some actions; see `Learner.draw`."""
        self.tasks.forget()
        share = min(len(self._rewards) / self.exploring, 1.0)
        chance = self.first + (self.final - self.first) * share
        chance = min(chance + FURTHER * turn / self.steps, 1.0)
        episodes, every = Sequential(self.tasks, n), np.ones(n, np.bool_)
        episodes.begin(every, [])
        ended = False
        while not ended:
            masks = episodes.flat_masks()
            with torch.no_grad():
                greedy = self.model.q_net(torch.as_tensor(with_mask(episodes.observe(), masks))).argmax(1)
            any_legal = torch.multinomial(torch.as_tensor(masks).float(), 1)[:, 0]
            actions = torch.where(torch.rand(n) < chance, any_legal, greedy)
            ended = bool(episodes.act(actions.numpy(), every).terminated.all())
        return episodes.rows

    def transitions(self, designs: Indices, evaluation: Evaluation) -> tuple[Observation, Action, Observation]:
        """Play the episodes to these designs again; see `OffPolicy.transitions`."""
        episodes = Sequential(self.tasks, len(designs))
        steps = list(played(episodes, designs))
        seen = [with_mask(step.seen, step.masks) for step in steps]
        seen.append(with_mask(episodes.observe(), episodes.flat_masks()))
        every = np.stack(seen, axis=1)
        return every[:, :-1], np.stack([step.actions for step in steps], axis=1), every[:, 1:]

    def train(self) -> None:
        """Take the gradient steps, and let the target network follow."""
        super().train()
        polyak_update(self.model.q_net.parameters(), self.model.q_net_target.parameters(), self.tau)


class SACAgent(OffPolicy):
    """Soft actor-critic (Haarnoja et al., arXiv:1801.01290), Stable-Baselines3's `SAC`, on continuous actions.

    An episode is one step of the environments' mode "one_shot" with `action_type="box"`: a number from -1 to 1 per
    knob, in whose range each position has an equal part. A design is learnt from at the middle of its parts. Where
    actions lead to designs that were evaluated already, uniform ones take their place in more and more knobs.
    Arguments are Stable-Baselines3's but for those of `DQNAgent`, and:

    Args:
        problem: what is searched.
        seed: a whole number ≥ 0.
        learning_starts: designs that are drawn uniformly before the policy acts.
        ent_coef: the weight of the entropy, or "auto" to learn it.
        target_entropy: of "auto", in nats; minus the number of knobs where "auto".
    """

    def __init__(
        self,
        problem: Problem,
        seed: int = 0,
        *,
        learning_rate: float = 0.003,
        buffer_size: int = 100_000,
        learning_starts: int = 96,
        batch_size: int = 128,
        gradient_steps: int = 8,
        tau: float = 0.02,
        ent_coef: float | str = "auto",
        target_entropy: float | str = "auto",
        net_arch: Sequence[int] = (64, 64),
        reward_scaling: str = "rank",
    ) -> None:
        self.warm = count("learning_starts", learning_starts, 0)
        settings = {
            "learning_rate": number("learning_rate", learning_rate, beyond=True),
            "batch_size": count("batch_size", batch_size),
            "tau": number("tau", tau, 0, 1, beyond=True),
            "ent_coef": "auto" if ent_coef == "auto" else number("ent_coef", ent_coef),
            "target_entropy": "auto" if target_entropy == "auto" else number("target_entropy", target_entropy, -1e6),
            "gamma": 1.0,
        }
        one = BoxOneShot(ToldTasks(problem), 1)
        spaces = Spaces(one.observation_space, one.action_space)
        super().__init__(problem, seed, reward_scaling, spaces, 1, buffer_size, settings, gradient_steps, net_arch)

    def model_of(self, **common: Any) -> Any:
        """Make a `SAC`."""
        return SAC("MlpPolicy", **common)

    def draw(self, n: int, turn: int) -> Indices:
        """Play n episodes with the policy; see `Learner.draw`."""
        self.tasks.forget()
        episodes, every = BoxOneShot(self.tasks, n), np.ones(n, np.bool_)
        episodes.begin(every, [])
        with torch.no_grad():
            actions = self.model.actor(torch.as_tensor(episodes.observe()))
        uniform = torch.rand(actions.shape) * 2 - 1
        chance = 1.0 if len(self._rewards) < self.warm else min(FURTHER * turn / len(self.problem.space), 1.0)
        episodes.act(torch.where(torch.rand(actions.shape) < chance, uniform, actions).numpy(), every)
        return episodes.rows

    def transitions(self, designs: Indices, evaluation: Evaluation) -> tuple[Observation, Any, Observation]:
        """Return the one step of each episode, whose observations are the same before and after."""
        seen = np.repeat(self.tasks.features, len(designs), axis=0)[:, None]
        return seen, ((2 * designs + 1) / self.problem.space.sizes - 1).astype(np.float32)[:, None], seen


def with_mask(seen: Observation, masks: Flags) -> Observation:
    """Return observations (n, d) with flat masks (n, k) behind them, float32."""
    return np.concatenate([seen, masks], axis=1, dtype=np.float32)
