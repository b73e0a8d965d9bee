"""Tables of evaluated designs for PyTorch and PyTorch Geometric: what a model of one's own learns from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..datasets import DesignTable, Network, OperatorTable
from ..errors import ChipgymError
from .networks import network_of
from .samples import Samples

if TYPE_CHECKING:
    from .torch_data import DesignDataset, GraphDataset


def torch_dataset(tables: DesignTable | Sequence[DesignTable]) -> DesignDataset:
    """Make a PyTorch dataset, which a `DataLoader` takes, of one or several tables' designs.

    Args:
        tables: of one simulator and space, each of another workload.

    Raises:
        ChipgymError: for tables that do not belong together, and where PyTorch is missing.
    """
    samples = Samples.of(tables)
    try:
        from .torch_data import DesignDataset
    except ImportError as error:
        raise _missing("torch_dataset", error) from None
    return DesignDataset.of(samples)


def graph_dataset(tables: DesignTable | Sequence[DesignTable], networks: Sequence[Network] = ()) -> GraphDataset:
    """Make a dataset for PyTorch Geometric of one or several tables' designs, each with its network's operator graph.

    Args:
        tables: of one simulator and space, each of another network.
        networks: of tables whose workload's name does not load it, such as an ONNX file's.

    Raises:
        ChipgymError: for tables that do not belong together, a workload that is no network or is not found, and where
            PyTorch Geometric is missing.
    """
    samples = Samples.of(tables)
    graphs = [OperatorTable.of(network_of(table.header, networks)) for table in samples.tables]
    try:
        import torch_geometric.data  # noqa: F401 - missing now rather than at the first item

        from .torch_data import DesignDataset, GraphDataset
    except ImportError as error:
        raise _missing("graph_dataset", error) from None
    return GraphDataset.of(DesignDataset.of(samples), graphs)


def _missing(what: str, error: ImportError) -> ChipgymError:
    return ChipgymError(f"{what}: {error.name} is missing; pip install 'chipgym[gnn]'")
