"""A member of the graph model in PyTorch: message passing by PyTorch Geometric, then a network over rows."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch_geometric.data import Batch
from torch_geometric.nn import SAGEConv

from ....simulators import Column
from .graph import ROUNDS


class Messages(nn.Module):
    """One round of message passing, from both ends of each edge (Hamilton et al., "GraphSAGE", NeurIPS 2017)."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.producers = SAGEConv(into, out)
        self.consumers = SAGEConv(into, out, root_weight=False, bias=False)

    def forward(self, h: torch.Tensor, producers: torch.Tensor, consumers: torch.Tensor) -> torch.Tensor:
        """Embeddings (c, out) of features or embeddings (c, into)."""
        return torch.relu(self.producers(h, producers) + self.consumers(h, consumers))


class Member(nn.Module):
    """What `GnnEnsemble` describes, for f, d and p features of operators, designs and pairs, and o answers."""

    def __init__(self, f: int, d: int, p: int, o: int, width: int) -> None:
        super().__init__()
        e = max(4, width // 2)
        self.parts = (f, e, d, p)
        self.rounds = nn.ModuleList([Messages(f if i == 0 else e, e) for i in range(ROUNDS)])
        self.first = nn.Linear(sum(self.parts), width)
        self.second = nn.Linear(width, width)
        self.out = nn.Linear(width, o, bias=False)
        self.skip = nn.Linear(sum(self.parts), o)
        for zero in (self.out.weight, self.skip.weight, self.skip.bias):  # begins as the works alone
            nn.init.zeros_(zero)

    def operators(self, graph: Batch) -> torch.Tensor:
        """Features and embeddings (c, f + e) of the operators of all networks."""
        h = graph.x
        for layer in self.rounds:
            h = layer(h, graph.edge_index, graph.consumer_index)
        return torch.cat([graph.x, h], 1)

    def forward(
        self, operators: torch.Tensor, of: torch.Tensor, designs: torch.Tensor, at: torch.Tensor, pairs: torch.Tensor
    ) -> torch.Tensor:
        """Answers (r, o) of r rows.

        Args:
            operators: as `operators` answers.
            of: each row's operator, (r,).
            designs: features (n, d).
            at: each row's design, (r,).
            pairs: features (r, p).
        """
        cuts = [operators.shape[1], designs.shape[1], pairs.shape[1]]

        def layer(linear: nn.Linear) -> torch.Tensor:
            # Operators and designs are multiplied once each rather than once in every row.
            a, b, c = torch.split(linear.weight, cuts, 1)
            return nn.functional.linear(operators, a, linear.bias)[of] + (designs @ b.T)[at] + pairs @ c.T

        hidden = nn.functional.silu(self.second(nn.functional.silu(layer(self.first))))
        out: torch.Tensor = layer(self.skip) + self.out(hidden)
        return out

    def arrays(self) -> dict[str, Column]:
        """Weights by the names of `fitted.WEIGHTS`."""
        out: dict[str, torch.Tensor] = {}
        for i, layer in enumerate(self.rounds, 1):
            assert isinstance(layer, Messages)
            out |= {f"own{i}": layer.producers.lin_r.weight.T, f"producer{i}": layer.producers.lin_l.weight.T}
            out |= {f"consumer{i}": layer.consumers.lin_l.weight.T, f"bias{i}": layer.producers.lin_l.bias}
        for suffix, module in (("", self.first), ("_skip", self.skip)):
            blocks = torch.split(module.weight.T, list(self.parts))
            names = [f"{name}{suffix}" for name in ("node", "embedding", "design", "pair")]
            out |= dict(zip(names, blocks, strict=True))
        out |= {"hidden": self.second.weight.T, "second_bias": self.second.bias, "out": self.out.weight.T}
        out |= {"hidden_bias": self.first.bias, "out_bias": self.skip.bias}
        return {name: np.ascontiguousarray(value.detach().numpy()) for name, value in out.items()}
