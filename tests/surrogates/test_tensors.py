"""Tables as PyTorch datasets and as graphs for PyTorch Geometric."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from collected import systolic, table

import chipgym
from chipgym.datasets import OPERATOR_FEATURE_NAMES
from chipgym.errors import ChipgymError
from chipgym.surrogates import graph_dataset, torch_dataset
from chipgym.surrogates.samples import Samples

torch = pytest.importorskip("torch")
pytest.importorskip("torch_geometric")

WORKLOADS = ("mlp:16-64-5", "mlp:8-8-8-8")


def test_a_loader_takes_a_table():
    data = torch_dataset(table())
    x, y = next(iter(torch.utils.data.DataLoader(data, batch_size=16)))
    assert x.shape == (16, len(data.features))
    assert y.shape == (16, 3)
    assert x.dtype == y.dtype == torch.float32
    assert len(data) == len(table())
    assert data.metrics == ("latency_s", "energy_j", "area_mm2")
    np.testing.assert_allclose(data.y[:, 1].numpy(), table().metrics["energy_j"].astype(np.float32))
    np.testing.assert_array_equal(torch.isnan(data.y).any(dim=1).numpy(), ~table().feasible)
    np.testing.assert_array_equal(data.feasible.numpy(), table().feasible)


def test_features_are_those_of_the_surrogates():
    tables = [systolic(workload) for workload in WORKLOADS]
    data, samples = torch_dataset(tables), Samples.of(tables)
    assert data.features == samples.encoder.names
    np.testing.assert_array_equal(data.x.numpy(), samples.x.astype(np.float32))
    assert data.workloads == WORKLOADS
    assert data.features[data.designs] == samples.encoder.workload_features[0]
    assert (data.workload.numpy() == samples.workload).all()


def test_graphs_are_there_once_per_network():
    tables = [systolic(workload) for workload in WORKLOADS]
    data = graph_dataset(tables)
    assert len(data) == sum(map(len, tables))
    first, second, last = data[0], data[1], data[len(data) - 1]
    assert first.x.data_ptr() == second.x.data_ptr()
    assert first.edge_index.data_ptr() == second.edge_index.data_ptr()
    for item, workload in ((first, WORKLOADS[0]), (last, WORKLOADS[1])):
        network = chipgym.datasets.load_workload(workload)
        assert item.x.shape == (len(network.nodes), len(OPERATOR_FEATURE_NAMES))
        assert item.edge_index.shape == (2, len(network.edges))
        assert data.rows.workloads[int(item.workload)] == workload


def test_batches_of_graphs():
    from torch_geometric.loader import DataLoader

    data = graph_dataset(systolic(WORKLOADS[0]))
    batch = next(iter(DataLoader(data, batch_size=4)))
    nodes, edges = data[0].num_nodes, data[0].num_edges
    assert batch.x.shape[0] == 4 * nodes
    assert batch.edge_index.shape[1] == 4 * edges
    assert int(batch.edge_index[:, -1].max()) >= 3 * nodes
    assert batch.design.shape == (4, data.rows.designs)
    torch.testing.assert_close(batch.y, data.rows.y[:4])


def test_what_cannot_be_loaded():
    for load in (torch_dataset, graph_dataset):
        with pytest.raises(ChipgymError, match="tables: 5 is not a table"):
            load([5])
    with pytest.raises(ChipgymError, match=r"workload cloud-1: .* it is no network"):
        graph_dataset(chipgym.load_table("memory-cloud-1"))


@pytest.mark.parametrize(("load", "library"), [(torch_dataset, "torch"), (graph_dataset, "torch_geometric")])
def test_a_missing_library_is_named(load, library, monkeypatch):
    for name in [n for n in sys.modules if n.startswith(("torch_geometric", "chipgym.surrogates.torch_data"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ChipgymError, match=rf"{library}.* is missing; pip install 'chipgym\[gnn\]'"):
        load(systolic(WORKLOADS[0]))
