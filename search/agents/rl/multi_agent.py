"""Several learners that design one machine together, each some of its knobs: independent PPO and multi-agent PPO."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ....envs.multi_agent import DesignParallelEnv
from ....errors import unknown
from ....simulators import Evaluation, Indices, Problem
from ....simulators.core.parameter import Column
from .heads import Heads, chosen, draw, entropy
from .learner import Learner
from .networks import SideBySide, clip_each

GROUPINGS = {"subsystem": "subsystem", "knob": "parameter"}


class IPPOAgent(Learner):
    """Independent PPO."""

    central = False

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
        net_arch: tuple[int, ...] = (64, 64),
        reward_scaling: str = "rank",
    ) -> None:
        super().__init__(problem, seed, reward_scaling)
        env = DesignParallelEnv(self.tasks, agents=GROUPINGS[grouping])
        seen, _ = env.reset(seed=0)
        features = np.abs(self.tasks.features[0])
        self.actions, self.hidden = actions, tuple(net_arch)
        self.learning_rate, self.n_epochs, self.clip_range = learning_rate, n_epochs, clip_range
        self.ent_coef, self.vf_coef, self.max_grad_norm = ent_coef, vf_coef, max_grad_norm
        self.shares = list(env.shares.values())
        def scaled(x):
            x = x.copy(); x[:len(features)] /= np.maximum(features, 1); return x
        self.seen = torch.as_tensor(np.stack([scaled(seen[a]) for a in env.possible_agents]))
        self.judged = torch.as_tensor(scaled(env.state()))[None] if self.central else self.seen
        self.heads = Heads(tuple(problem.space.sizes.tolist()), actions)
        p, m = len(problem.space), len(self.shares)
        self.owner = torch.empty(p, dtype=torch.int64); self.slot = torch.empty(p, dtype=torch.int64)
        for a, own in enumerate(self.shares):
            self.owner[own] = a; self.slot[own] = torch.arange(len(own))
        self.member = torch.nn.functional.one_hot(self.owner, m).float()
        self.each = self.heads.outputs // p
        self.restart()

    def make(self) -> None:
        m = len(self.shares)
        most = max(len(o) for o in self.shares)
        self.actor = SideBySide(m, (self.seen.shape[1], *self.hidden, most * self.each), 0.01)
        self.critic = SideBySide(len(self.judged), (self.judged.shape[1], *self.hidden, 1), 1.0)
        self.optimizer = torch.optim.Adam([*self.actor.parameters(), *self.critic.parameters()], lr=self.learning_rate, eps=1e-5)

    def table(self) -> Tensor:
        """log-probs, (p, widest)."""
        out = self.actor(self.seen[:, None])[:, 0]  # (m, most*each)
        numbers = out.reshape(len(out), -1, self.each)[self.owner, self.slot]
        return self.heads(numbers.reshape(-1))

    def draw(self, n: int, turn: int) -> Indices:
        with torch.no_grad():
            table = self.table()
            rows = draw(table.expand(n, *table.shape))
        return self.problem.space.canonicalize(rows.numpy())

    def learn(self, designs: Indices, evaluation: Evaluation, rewards: Column) -> None:
        actions = torch.as_tensor(np.where(self.problem.space.active(designs), designs, -1))
        returns = torch.as_tensor(self.scaled(rewards), dtype=torch.float32)[:, None]
        n = len(designs)
        with torch.no_grad():
            values = self.critic(self.judged[:, None])[:, 0, 0]
            gain = returns - values
            if n > 1:
                gain = (gain - gain.mean(0)) / (gain.std(0) + 1e-8)
            table = self.table()
            old = chosen(table.expand(n, *table.shape), actions) @ self.member
        for _ in range(self.n_epochs):
            table = self.table()
            logs = chosen(table.expand(n, *table.shape), actions) @ self.member
            ratio = (logs - old).exp()
            clipped = ratio.clamp(1 - self.clip_range, 1 + self.clip_range)
            surrogate = torch.min(ratio * gain, clipped * gain).mean(0).sum()
            values = self.critic(self.judged[:, None])[:, 0, 0]
            miss = (values - returns).pow(2).mean(0).sum()
            loss = -surrogate + self.vf_coef * miss - self.ent_coef * entropy(table).sum()
            self.optimizer.zero_grad()
            loss.backward()
            clip_each(self.actor, self.max_grad_norm)
            clip_each(self.critic, self.max_grad_norm)
            self.optimizer.step()


class MAPPOAgent(IPPOAgent):
    """MAPPO."""

    central = True
