"""What the reinforcement learners share: new designs by the policy, rewards on one scale, a fresh start when stuck."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from ....errors import unknown
from ....simulators import Evaluation, Indices, Problem
from ....simulators.core.parameter import Column
from ...keys import row_keys
from ..base import Agent
from .isolation import isolated
from .told import ToldTasks

#: How rewards reach the learner.
SCALINGS = ("rank", "standard", "none")
# Times that the policy acts before designs that were evaluated already are proposed all the same.
ROUNDS = 8
# What the generators of an ask, of learning from it, and of a fresh policy are told apart by.
LEARNING, WEIGHTS = 1, 2


class Learner(Agent):
    """A policy that proposes designs by acting in an environment, and learns from what they are worth.

    See the package's docstring for how it remains a function of (seed, ask number, told history).
    """

    batch = 32
    several_objectives: ClassVar[bool] = False
    #: Whether designs that the agent did not propose teach it anything.
    off_policy: ClassVar[bool] = False

    def __init__(self, problem: Problem, seed: int, reward_scaling: str) -> None:
        """Take what is searched; a subclass then calls `restart`.

        Raises:
            ChipgymError: for another scaling of rewards.
        """
        super().__init__(problem, seed)
        if not isinstance(reward_scaling, str) or reward_scaling not in SCALINGS:
            raise unknown("reward_scaling", reward_scaling, SCALINGS)
        self.reward_scaling = reward_scaling
        self.tasks = ToldTasks(problem)
        self.starts = 0
        self._seen: set[bytes] = set()
        self._rewards: Column = np.empty(0)

    @abstractmethod
    def make(self) -> None:
        """Make the policy and whatever trains it, drawing from the global generators."""

    @abstractmethod
    def draw(self, n: int) -> Indices:
        """Let the policy act in n episodes, and return their designs, canonical, shape (n, p)."""

    @abstractmethod
    def learn(self, designs: Indices, evaluation: Evaluation, rewards: Column) -> None:
        """Learn from designs (n, p) and their scaled rewards (n,)."""

    def restart(self) -> None:
        """Begin with a fresh policy, whose weights follow from the seed and the number of starts."""
        with isolated(self._rng(self.starts, WEIGHTS)):
            self.make()
        self.starts += 1

    def propose(self, n: int, rng: np.random.Generator) -> Indices:
        """Let the policy act until there are n designs that are new, for some rounds; repeats make up the number."""
        with isolated(rng):
            new: dict[bytes, Indices] = {}
            drawn = np.empty((0, len(self.problem.space)), np.int64)
            for _ in range(ROUNDS):
                drawn = self.draw(n)
                new |= {k: row for k, row in zip(row_keys(drawn), drawn, strict=True) if k not in self._seen}
                if len(new) >= n:
                    break
        return np.concatenate([np.array(list(new.values()), np.int64).reshape(-1, drawn.shape[1]), drawn])[:n]

    def tell(self, designs: Indices, evaluation: Evaluation) -> None:
        """Learn from the designs of the last ask; where none of them was new, begin with a fresh policy."""
        rewards = self._scaled(self.problem.reward(evaluation))
        with isolated(self._rng(self.asks - 1, LEARNING)):
            self.learn(designs, evaluation, rewards)
        if self._note(designs) == 0:
            self.restart()

    def begin(self, designs: Indices, evaluation: Evaluation) -> None:
        """Take designs that the policy did not draw.

        They are proposed no more, and later rewards are ranked among theirs. A learner that is off-policy learns from
        them; to another they say nothing about its own policy.
        """
        self.asks += 1
        rewards = self._scaled(self.problem.reward(evaluation))
        if self.off_policy:
            with isolated(self._rng(self.asks - 1, LEARNING)):
                self.learn(designs, evaluation, rewards)
        self._note(designs)

    def _note(self, designs: Indices) -> int:
        """Remember designs, and return how many of them are new."""
        before = len(self._seen)
        self._seen.update(row_keys(designs))
        return len(self._seen) - before

    def _rng(self, number: int, purpose: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence((self.seed, number, purpose)))

    def _scaled(self, rewards: Column) -> Column:
        """Return rewards on the scale of the learner, and remember them."""
        before, self._rewards = self._rewards, np.append(self._rewards, rewards)
        if self.reward_scaling == "none":
            return rewards
        if self.reward_scaling == "standard":
            return (rewards - self._rewards.mean()) / (self._rewards.std() + 1e-8)
        return ranked(rewards, rewards)


def ranked(rewards: Column, among: Column) -> Column:
    """Return where rewards (n,) stand among others (m,), from -1 for the least to 1 for the greatest.

    Equals share the mean of their places.
    """
    ordered = np.sort(among)
    place = (np.searchsorted(ordered, rewards, "left") + np.searchsorted(ordered, rewards, "right") - 1) / 2
    return 2 * place / max(len(ordered) - 1, 1) - 1
