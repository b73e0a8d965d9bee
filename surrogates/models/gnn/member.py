"""A member of the graph model in PyTorch: message passing by PyTorch Geometric, then a network over rows."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch_geometric.data import Batch
from torch_geometric.nn import SAGEConv

from ....simulators import Column
from .fitted import embedding_width
from .graph import ROUNDS


class Messages(nn.Module):
    """One round of message passing, from both ends of each edge (Hamilton et al., "GraphSAGE", NeurIPS 2017)."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.producers = SAGEConv(into, out)
        self.consumers = SAGEConv(into, out, root_weight=False, bias=False)

    def forward(self, h: torch.Tensor, producers: torch.Tensor, consumers: torch.Tensor) -> torch.Tensor:
        """Return embeddings (c, out) of features or embeddings (c, into)."""
        return torch.relu(self.producers(h, producers) + self.consumers(h, consumers))


class Gated(nn.Module):
    """A linear layer whose weights are those of a design's categorical values added up."""

    def __init__(self, into: int, out: int, gates: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(gates, into, out))


class Member(nn.Module):
    """What `GnnEnsemble` describes, for f, d and p features of operators, designs and pairs, and o answers."""

    def __init__(self, f: int, d: int, p: int, gates: int, o: int, width: int) -> None:
        super().__init__()
        e = embedding_width(width)
        self.rounds = nn.ModuleList([Messages(f if i == 0 else e, e) for i in range(ROUNDS)])
        self.nodes = nn.Linear(f + e, width)
        self.first = Gated(d + p, width, gates)
        self.second = nn.Linear(width, width)
        self.out = nn.Linear(width, o)
        self.skip = Gated(f + e + d + p, o, gates)
        # The answers begin as 0, which leaves an amount to the works alone, and no value of a knob as another.
        nn.init.uniform_(self.first.weight[0].detach(), -((d + p) ** -0.5), (d + p) ** -0.5)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def operators(self, graph: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Compute all networks' operators' parts of the first hidden layer (c, w) and of the answers (gates, c, o)."""
        h = graph.x
        for layer in self.rounds:
            h = layer(h, graph.edge_index, graph.consumer_index)
        both = torch.cat([graph.x, h], 1)
        return self.nodes(both), both @ self.skip.weight[:, : both.shape[1]]

    def forward(
        self, known: tuple[torch.Tensor, torch.Tensor], designs: torch.Tensor, gates: torch.Tensor, pairs: torch.Tensor
    ) -> torch.Tensor:
        """Return answers (n, c, o) of n designs on the c operators of one network.

        Args:
            known: those operators' parts of what `operators` answers.
            designs: features (n, d).
            gates: 1, and 0 or 1 for each categorical value, (n, gates).
            pairs: features (n, c, p).
        """
        hidden = known[0] + _beside(self.first.weight, designs, gates, pairs)
        hidden = nn.functional.silu(self.second(nn.functional.silu(hidden)))
        rest = self.skip.weight[:, -self.first.weight.shape[1] :]
        straight = torch.tensordot(gates, known[1], 1) + _beside(rest, designs, gates, pairs)
        out: torch.Tensor = straight + self.out(hidden)
        return out

    def arrays(self) -> dict[str, Column]:
        """Return weights by the names of `fitted.WEIGHTS`."""
        out: dict[str, torch.Tensor] = {}
        for i, layer in enumerate(self.rounds, 1):
            assert isinstance(layer, Messages)
            out |= {f"own{i}": layer.producers.lin_r.weight.T, f"producer{i}": layer.producers.lin_l.weight.T}
            out |= {f"consumer{i}": layer.consumers.lin_l.weight.T, f"bias{i}": layer.producers.lin_l.bias}
        out |= {"nodes": self.nodes.weight.T, "nodes_bias": self.nodes.bias, "first": self.first.weight}
        out |= {"second": self.second.weight.T, "second_bias": self.second.bias}
        out |= {"out": self.out.weight.T, "out_bias": self.out.bias, "skip": self.skip.weight}
        return {name: np.ascontiguousarray(value.detach().numpy()) for name, value in out.items()}


def _beside(weight: torch.Tensor, designs: torch.Tensor, gates: torch.Tensor, pairs: torch.Tensor) -> torch.Tensor:
    """Compute what designs and pairs add to a layer, (n, c, out), by its weights (gates, d + p, out)."""
    mine = torch.tensordot(gates, weight, 1)  # (n, d + p, out)
    cut = designs.shape[1]
    return torch.bmm(designs[:, None], mine[:, :cut]) + torch.bmm(pairs, mine[:, cut:])
