"""Several learners that design one machine together, each some of its knobs: independent PPO and multi-agent PPO."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from ....envs.multi_agent import DesignParallelEnv
from ....envs.observation import Observation
from ....errors import count
from ....simulators import Evaluation, Indices, Problem
from ....simulators.core.parameter import Column
from ..settings import choice, flag, number, widths
from .heads import ACTIONS, Heads, chosen, draw, entropy
from .learner import Learner
from .networks import SideBySide, clip_each
from .told import ToldTasks

#: What `parallel_env` calls each grouping.
GROUPINGS: Mapping[str, str] = MappingProxyType({"subsystem": "subsystem", "knob": "parameter"})


class IPPOAgent(Learner):
    """Independent PPO (de Witt et al., arXiv:2011.09533): every agent learns for itself, from the reward of the whole.

    The agents are those of `chipgym.envs.parallel_env` with one round, and see what they see there. All choose their
    knobs at once, and all get the reward of the design that comes of it. Each has a policy, with a head per knob, a
    value function of its own observation, and a ratio of its own probabilities: nothing but the reward is shared.
    Advantages are the reward less the value, as generalised advantages of an episode of one step are for any λ. Every
    epoch takes all of an ask's designs. Arguments are those of `PPOAgent`, but for:

    Args:
        problem: what is searched.
        seed: a whole number ≥ 0.
        grouping: "subsystem", an agent for each group of knobs that the simulator declares; or "knob", one for each
            knob, as MARL-DSE has it (Krishnan et al., arXiv:2211.16385).
        normalize_advantage: whether advantages are standardised over an ask's designs. What a value function takes
            from all of them alike then cancels.
    """

    #: Whether one value function sees the state of the whole.
    central: ClassVar[bool] = False

    def __init__(
        self,
        problem: Problem,
        seed: int = 0,
        *,
        grouping: str = "subsystem",
        actions: str = "categorical",
        learning_rate: float = 0.003,
        n_epochs: int = 10,
        clip_range: float = 0.2,
        ent_coef: float = 0.01,
        vf_coef: float = 0.5,
        max_grad_norm: float = 0.5,
        normalize_advantage: bool = True,
        net_arch: Sequence[int] = (64, 64),
        reward_scaling: str = "rank",
    ) -> None:
        super().__init__(problem, seed, reward_scaling)
        self.learning_rate = number("learning_rate", learning_rate, beyond=True)
        self.n_epochs = count("n_epochs", n_epochs)
        self.clip_range = number("clip_range", clip_range, beyond=True)
        self.ent_coef, self.vf_coef = number("ent_coef", ent_coef), number("vf_coef", vf_coef)
        self.max_grad_norm = number("max_grad_norm", max_grad_norm, beyond=True)
        self.normalize_advantage = flag("normalize_advantage", normalize_advantage)
        self.hidden = widths("net_arch", net_arch)
        self.heads = Heads(tuple(problem.space.sizes.tolist()), choice("actions", actions, ACTIONS))
        env = DesignParallelEnv(self.tasks, agents=GROUPINGS[choice("grouping", grouping, GROUPINGS)])
        seen, _ = env.reset(seed=0)  # of one workload, which leaves nothing to draw
        own = [on_one_scale(self.tasks, seen[agent]) for agent in env.possible_agents]
        # One observation per agent, and one per value function; every episode of a search begins with the same.
        self.seen = torch.from_numpy(np.stack(own))
        self.judged = torch.from_numpy(on_one_scale(self.tasks, env.state())[None]) if self.central else self.seen
        self.shares = tuple(env.shares.values())
        self._owner = np.empty(len(problem.space), np.int64)
        self._slot = np.empty(len(problem.space), np.int64)
        for agent, positions in enumerate(self.shares):
            self._owner[positions], self._slot[positions] = agent, np.arange(len(positions))
        self._member = torch.from_numpy(np.eye(len(self.shares), dtype=np.float32)[self._owner])  # (p, agents)
        self.restart()

    def make(self) -> None:
        """Make fresh policies and value functions."""
        each = self.heads.outputs // self.heads.knobs
        most = max(len(positions) for positions in self.shares)
        self.actors = SideBySide(len(self.shares), (self.seen.shape[1], *self.hidden, most * each), 0.01)
        self.critics = SideBySide(len(self.judged), (self.judged.shape[1], *self.hidden, 1), 1.0)
        every = [*self.actors.parameters(), *self.critics.parameters()]
        self.optimizer = torch.optim.Adam(every, lr=self.learning_rate, eps=1e-5)

    def policies(self) -> Tensor:
        """Return logarithms of each knob's probabilities, (p, widest), by the agent that it belongs to."""
        said = self.actors(self.seen[:, None])[:, 0]  # (agents, most knobs × numbers of one)
        numbers = said.reshape(len(said), -1, self.heads.outputs // self.heads.knobs)[self._owner, self._slot]
        table: Tensor = self.heads(numbers.flatten())
        return table

    def values(self) -> Tensor:
        """Return what each value function expects, (value functions,)."""
        expected: Tensor = self.critics(self.judged[:, None])[:, 0, 0]
        return expected

    def draw(self, n: int, turn: int) -> Indices:
        """Let all agents choose in n episodes; see `Learner.draw`."""
        with torch.no_grad():
            table = self.policies()
            rows: Indices = draw(table.expand(n, *table.shape)).numpy()
        return self.problem.space.canonicalize(rows)

    def learn(self, designs: Indices, evaluation: Evaluation, rewards: Column) -> None:
        """Train every agent on the designs of an ask, for some epochs."""
        actions = torch.from_numpy(np.where(self.problem.space.active(designs), designs, -1))
        returns = torch.from_numpy(self.scaled(rewards).astype(np.float32))[:, None]
        with torch.no_grad():
            gains = returns - self.values()
            if self.normalize_advantage:
                gains = standardized(gains)
            before = self.logarithms(self.policies(), actions)
        for _ in range(self.n_epochs):
            table = self.policies()
            ratios = (self.logarithms(table, actions) - before).exp()
            surrogate = clipped(ratios, gains, self.clip_range).mean(0).sum()
            miss = (self.values() - returns).pow(2).mean(0).sum()
            loss = -surrogate + self.vf_coef * miss - self.ent_coef * entropy(table).sum()
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            clip_each(self.actors, self.max_grad_norm)
            clip_each(self.critics, self.max_grad_norm)
            self.optimizer.step()

    def logarithms(self, table: Tensor, actions: Tensor) -> Tensor:
        """Return logarithms of the probabilities of what each agent chose, (n, agents), of actions (n, p)."""
        return chosen(table.expand(len(actions), *table.shape), actions) @ self._member


class MAPPOAgent(IPPOAgent):
    """Multi-agent PPO (Yu et al., arXiv:2103.01955): policies as `IPPOAgent` has them, and one central value function.

    It sees `state()` of the environment, what all agents see together, and every agent's advantage is the reward less
    its value. In episodes of one step about one workload both kinds of value functions see what is the same in every
    episode, and take the same from every design's reward. With `normalize_advantage` the two agents are therefore one
    and the same search; without it they differ in how their values follow the mean reward. Arguments are those of
    `IPPOAgent`.
    """

    central = True


def on_one_scale(tasks: ToldTasks, seen: Observation) -> Observation:
    """Return an observation (d,) as `ToldTasks.scale` has networks see it, float32."""
    return (seen / tasks.scale(len(seen))).astype(np.float32)


def clipped(ratios: Tensor, gains: Tensor, clip_range: float) -> Tensor:
    """Return PPO's clipped surrogate (Schulman et al., arXiv:1707.06347, equation 7) of each entry."""
    return torch.min(ratios * gains, ratios.clamp(1 - clip_range, 1 + clip_range) * gains)


def standardized(gains: Tensor) -> Tensor:
    """Return advantages (n, …) less their mean over n, over their standard deviation there; of one as they are."""
    if len(gains) < 2:
        return gains
    return (gains - gains.mean(0)) / (gains.std(0) + 1e-8)
