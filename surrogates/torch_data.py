"""The datasets that `tensors` makes; imports PyTorch, and PyTorch Geometric where graphs are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils.data import Dataset

from ..datasets import OperatorTable
from .samples import Samples

if TYPE_CHECKING:
    from torch_geometric.data import Data


@dataclass(frozen=True, eq=False)
class DesignDataset(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """n designs; item i is their features x[i] and metrics y[i].

    Attributes:
        x: features of designs and workloads, as the surrogates see them, (n, d), float32; under `features`.
        y: metrics in their own units, (n, m), float32, NaN where a cost of an infeasible design is meant; under
            `metrics`.
        feasible: (n,), bool.
        workload: number of each design's table, (n,), int64; under `workloads`.
        features: names of the columns of x; those of the design come first, `designs` of them.
        metrics: names of the columns of y.
        workloads: names of the tables' workloads.
        designs: how many of the features belong to the design.
    """

    x: torch.Tensor
    y: torch.Tensor
    feasible: torch.Tensor
    workload: torch.Tensor
    features: tuple[str, ...]
    metrics: tuple[str, ...]
    workloads: tuple[str, ...]
    designs: int

    @staticmethod
    def of(samples: Samples) -> DesignDataset:
        """Make the dataset of some tables' designs, one table after the other."""
        metrics = tuple(m.name for m in samples.header.metrics)
        y = np.stack([samples.metric(name) for name in metrics], axis=1)
        return DesignDataset(
            torch.tensor(samples.x, dtype=torch.float32),
            torch.tensor(y, dtype=torch.float32),
            torch.tensor(samples.feasible),
            torch.tensor(samples.workload),
            samples.encoder.names,
            metrics,
            tuple(table.header.workload for table in samples.tables),
            len(samples.encoder.design_names),
        )

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.x[i], self.y[i]


@dataclass(frozen=True, eq=False)
class GraphDataset(Dataset["Data"]):
    """n designs on operator graphs; item i is a `torch_geometric.data.Data` of one.

    Its `x` (nodes, features under `OPERATOR_FEATURE_NAMES`) and `edge_index` (2, edges; from producer to consumer) are
    those of the network, one node per operator, and are shared by all designs on it; `design` (1, d), `y` (1, m),
    `feasible` (1,) and `workload` (1,) are the design's, as in `DesignDataset`. Batches come from
    `torch_geometric.loader.DataLoader`.

    Attributes:
        rows: the designs.
        graphs: x and edge_index of each workload.
    """

    rows: DesignDataset
    graphs: tuple[tuple[torch.Tensor, torch.Tensor], ...]

    @staticmethod
    def of(rows: DesignDataset, tables: Sequence[OperatorTable]) -> GraphDataset:
        """Put designs on the operators of each of their workloads."""
        graphs = [(torch.tensor(t.features, dtype=torch.float32), torch.tensor(t.edges)) for t in tables]
        return GraphDataset(rows, tuple(graphs))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> Data:
        from torch_geometric.data import Data

        rows = self.rows
        x, edges = self.graphs[int(rows.workload[i])]
        return Data(
            x=x,
            edge_index=edges,
            design=rows.x[i : i + 1, : rows.designs],
            y=rows.y[i : i + 1],
            feasible=rows.feasible[i : i + 1],
            workload=rows.workload[i : i + 1],
        )
