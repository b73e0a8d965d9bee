"""Networks of several agents side by side: one product for all of them."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn


class SideBySide(nn.Module):
    """m multilayer perceptrons of one shape and weights of their own, with tanh between their layers.

    Weights begin orthogonal: with gain √2, and in the last layer with `gain`, as Huang et al. have it ("The 37
    implementation details of proximal policy optimization", 2022, detail 2).
    """

    def __init__(self, m: int, widths: tuple[int, ...], gain: float) -> None:
        """Take the number of perceptrons, and the widths of their input, hidden layers and output."""
        super().__init__()
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        last = len(widths) - 2
        for i, (inner, outer) in enumerate(pairwise(widths)):
            weight = torch.empty(m, inner, outer)
            for one in weight:
                nn.init.orthogonal_(one, gain if i == last else math.sqrt(2))
            self.weights.append(nn.Parameter(weight))
            self.biases.append(nn.Parameter(torch.zeros(m, 1, outer)))

    def forward(self, seen: Tensor) -> Tensor:
        """Return outputs (m, n, widths[-1]) for inputs (m, n, widths[0])."""
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            seen = torch.baddbmm(bias, seen.tanh() if i else seen, weight)
        return seen


def clip_each(module: nn.Module, most: float) -> None:
    """Shorten the gradient of each of the perceptrons side by side to length `most`, each by itself."""
    grads = [p.grad for p in module.parameters() if p.grad is not None]
    length = torch.stack([g.flatten(1).pow(2).sum(1) for g in grads]).sum(0).sqrt()  # (m,)
    factor = (most / (length + 1e-6)).clamp(max=1.0)[:, None, None]
    for g in grads:
        g.mul_(factor)
