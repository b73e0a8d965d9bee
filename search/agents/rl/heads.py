"""Policies over the positions of several knobs at once: a category each, or a Gaussian cut into bins."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

ACTIONS = ("categorical", "gaussian")
# Logarithm of a probability that is none: finite, so that 0 times it is 0.
NEVER = -1e9
# Of the Gaussian: standard deviations before training, and how far training can take their logarithms.
FIRST_STD = 0.6
LOG_STD = (-3.0, 1.0)
# Where the outer bins end: all of a Gaussian's tails belong to them.
FAR = 50.0


class Heads(nn.Module):
    """What numbers of a network say of k knobs: logarithms of probabilities of their positions.

    `actions="categorical"`: one logit per position, as the policies of multi-discrete actions have them.
    `actions="gaussian"`: a mean and the logarithm of a standard deviation per knob. The range from -1 to 1 has an
    equal part per position, as continuous actions of the environments do, and the outer ones have the tails. The
    probability of a position is the integral over its part, log Φ(b) − log Φ(a) taken together.

    Attributes:
        outputs: numbers per design that the network has to give.
    """

    sizes: Tensor
    legal: Tensor
    edges: Tensor

    def __init__(self, sizes: tuple[int, ...], actions: str) -> None:
        """Take the sizes of k grids."""
        super().__init__()
        self.actions = actions
        self.knobs, self.widest = len(sizes), max(sizes)
        self.outputs = self.knobs * (self.widest if actions == "categorical" else 2)
        counts = torch.tensor(sizes)
        position = torch.arange(self.widest)
        self.register_buffer("legal", position < counts[:, None])
        edges = -1 + 2 * torch.arange(self.widest + 1) / counts[:, None]
        edges[:, 0] = -FAR
        edges[torch.arange(self.widest + 1) >= counts[:, None]] = FAR
        self.register_buffer("edges", edges)

    def forward(self, numbers: Tensor) -> Tensor:
        """Return logarithms of probabilities, (…, k, widest), of numbers (…, outputs); `NEVER` beyond a grid's end."""
        lead = numbers.shape[:-1]
        if self.actions == "categorical":
            logits = numbers.reshape(*lead, self.knobs, self.widest)
        else:
            mean, log_std = numbers.reshape(*lead, self.knobs, 2).unbind(-1)
            std = (log_std + math.log(FIRST_STD)).clamp(*LOG_STD).exp()
            logits = _log_between((self.edges - mean[..., None]) / std[..., None])
        table: Tensor = torch.where(self.legal, logits, NEVER).log_softmax(-1)
        return table


def _log_between(z: Tensor) -> Tensor:
    """Return log(Φ(z[i+1]) − Φ(z[i])) along the last axis, in the tail where both are small numbers."""
    low, high = z[..., :-1], z[..., 1:]
    flip = low > 0
    low, high = torch.where(flip, -high, low), torch.where(flip, -low, high)
    below, above = torch.special.log_ndtr(low), torch.special.log_ndtr(high)
    between: Tensor = above + torch.log1p(-torch.exp((below - above).clamp(max=-1e-6)))
    return between


def draw(log_probs: Tensor) -> Tensor:
    """Draw a position per knob, (…, k), from logarithms of probabilities (…, k, widest), by torch's generator."""
    probs = log_probs.exp()
    return torch.multinomial(probs.reshape(-1, probs.shape[-1]), 1).reshape(probs.shape[:-1])


def chosen(log_probs: Tensor, actions: Tensor) -> Tensor:
    """Return the logarithm of the probability of each chosen position, (…, k); 0 where the action is negative.

    A knob that the others make inactive is given as -1. Whatever was drawn for it makes the same design, so that the
    design's probability is that of its active knobs.
    """
    picked = log_probs.gather(-1, actions.clamp(min=0)[..., None])[..., 0]
    return torch.where(actions < 0, 0.0, picked)


def entropy(log_probs: Tensor) -> Tensor:
    """Return the entropy of each knob's position, (…, k), in nats."""
    return -(log_probs.exp() * log_probs).sum(-1)
