"""What the reinforcement learners share: new designs by the policy, rewards on one scale, a fresh start when stuck."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from ....simulators import Evaluation, Indices, Problem
from ....simulators.core.parameter import Column
from ..base import Agent
from ..novelty import Novelty
from ..settings import choice
from .isolation import isolated
from .told import ToldTasks

#: How rewards reach the learner.
SCALINGS = ("rank", "standard", "none")
# Times that the policy acts before designs that were evaluated already are proposed all the same.
ROUNDS = 8
# What tells the generators of learning from an ask, and of a fresh policy, from that of the ask itself.
LEARNING, WEIGHTS = 1, 2


class Learner(Agent):
    """A policy that proposes designs by acting in an environment, and learns from what they are worth.

    See the package's docstring for how it remains a function of (seed, ask number, told history).

    Attributes:
        tasks: what the environments play on.
        off_policy: whether designs that the agent did not propose teach it anything.
    """

    batch = 32
    several_objectives: ClassVar[bool] = False
    off_policy: ClassVar[bool] = False

    def __init__(self, problem: Problem, seed: int, reward_scaling: str) -> None:
        """Take what is searched; a subclass then calls `restart`.

        Raises:
            ChipgymError: for another scaling of rewards.
        """
        super().__init__(problem, seed)
        self.reward_scaling = choice("reward_scaling", reward_scaling, SCALINGS)
        self.tasks = ToldTasks(problem)
        self.restarts = -1
        self._novel = Novelty(problem.space)
        self._rewards: Column = np.empty(0)

    @abstractmethod
    def make(self) -> None:
        """Make the policy and what trains it, with weights from the global generators."""

    @abstractmethod
    def draw(self, n: int, turn: int) -> Indices:
        """Let the policy act in n episodes, and return their designs, canonical, shape (n, p).

        Args:
            n: how many episodes.
            turn: which part of its last `ROUNDS` this is, from 0, for a policy that then explores more.
        """

    @abstractmethod
    def learn(self, designs: Indices, evaluation: Evaluation, rewards: Column) -> None:
        """Learn from designs (n, p), their evaluation, and the problem's rewards (n,), which `scaled` scales."""

    def restart(self) -> None:
        """Begin with a fresh policy, whose weights follow from the seed and how many there were before."""
        self.restarts += 1
        with isolated(self._rng(self.restarts, WEIGHTS)):
            self.make()

    def propose(self, n: int, rng: np.random.Generator) -> Indices:
        """Let the policy act until it has designed n that are new, at most `ROUNDS` times; repeats fill the number."""
        with isolated(rng):
            new = drawn = np.empty((0, len(self.problem.space)), np.int64)
            for turn in range(ROUNDS):
                drawn = self.draw(n, turn)
                new = self._novel.new(np.concatenate([new, drawn]), n)
                if len(new) == n:
                    break
        return np.concatenate([new, drawn])[:n]

    def tell(self, designs: Indices, evaluation: Evaluation) -> None:
        """Learn from the designs of the last ask; where none of them was new, begin with a fresh policy."""
        self._learn(designs, evaluation)
        if self._note(designs) == 0:
            self.restart()

    def begin(self, designs: Indices, evaluation: Evaluation) -> None:
        """Take designs that the policy did not draw, which it will not propose again.

        A learner that is off-policy learns from them. To another they say nothing about its own policy.
        """
        self.asks += 1
        if self.off_policy:
            self._learn(designs, evaluation)
        self._note(designs)

    def explanation(self) -> tuple[str, ...]:
        """Say how often it began anew."""
        if not self.restarts:
            return ()
        times = "once" if self.restarts == 1 else f"{self.restarts} times"
        return (f"The policy began anew {times}, after asks in which it designed nothing new.",)

    def _learn(self, designs: Indices, evaluation: Evaluation) -> None:
        rewards = self.problem.reward(evaluation)
        self._rewards = np.append(self._rewards, rewards)
        with isolated(self._rng(self.asks - 1, LEARNING)):
            self.learn(designs, evaluation, rewards)

    def _note(self, designs: Indices) -> int:
        """Remember designs, and return how many of them are new."""
        before = len(self._novel)
        self._novel.add(designs)
        return len(self._novel) - before

    def _rng(self, number: int, purpose: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence((self.seed, number, purpose)))

    def scaled(self, rewards: Column) -> Column:
        """Return rewards that are learnt from together on the learner's scale.

        "rank": places among them, from -1 to 1, so that one infeasible design among good ones does not hide how these
        differ. "standard": less the mean of all told so far, over their standard deviation. "none": as they are.
        """
        if self.reward_scaling == "rank":
            return ranks(rewards)
        return self.standardized(rewards) if self.reward_scaling == "standard" else rewards

    def standardized(self, rewards: Column) -> Column:
        """Return rewards less the mean of all told so far, over their standard deviation."""
        out: Column = (rewards - self._rewards.mean()) / (self._rewards.std() + 1e-8)
        return out


def ranks(rewards: Column) -> Column:
    """Return the place of each of n rewards among them, from -1 for the least to 1 for the greatest.

    Equals share the mean of their places.
    """
    ordered = np.sort(rewards)
    twice = np.searchsorted(ordered, rewards, "left") + np.searchsorted(ordered, rewards, "right") - 1
    out: Column = twice / max(len(rewards) - 1, 1) - 1 if len(rewards) > 1 else np.zeros(1)
    return out
