"""Operators as rows of numbers: sizes that agree with what the network counts, and the edges of its graph."""

from __future__ import annotations

import numpy as np
import pytest

from chipgym.datasets import (
    KIND_NAMES,
    OPERATOR_FEATURE_NAMES,
    SIZE_NAMES,
    OperatorTable,
    load_workload,
)


def column(table: OperatorTable, name: str) -> np.ndarray:
    return table.sizes[:, SIZE_NAMES.index(name)]


@pytest.mark.parametrize(
    "name", ["resnet18", "mobilenet_v2", "bert_base", "unet", "llama-3-8b:seq=8", "mixtral-8x7b:seq=8"]
)
@pytest.mark.parametrize("batch", [1, 3])
def test_sizes_are_those_that_the_network_counts(name, batch):
    network = load_workload(name, batch=batch)
    table = OperatorTable.of(network)
    matrix = np.array([node.op.matrix for node in network.nodes])
    products = np.prod([column(table, n) for n in ("groups", "m", "k", "n")], axis=0)
    np.testing.assert_array_equal(products[matrix], column(table, "macs")[matrix])
    assert column(table, "macs")[matrix].sum() == network.macs
    assert column(table, "output_words").sum() == network.activations
    assert (table.sizes >= 1).all()


def test_kinds():
    network = load_workload("resnet18")
    table = OperatorTable.of(network)
    for node, row in zip(network.nodes, table.kinds, strict=True):
        named = {KIND_NAMES[i] for i in np.flatnonzero(row)}
        expected = {node.op.type_name}
        if node.op.type_name == "Elementwise":
            expected.add(node.op.function)
        elif node.op.type_name == "Normalization":
            expected.add(f"{node.op.kind}_norm")
        assert named == expected


def test_routed_experts_are_linear_layers_in_groups():
    network = load_workload("mixtral-8x7b:seq=3")
    table = OperatorTable.of(network)
    row = [node.name for node in network.nodes].index("layers.0.mlp.gate_proj")
    assert KIND_NAMES[int(np.flatnonzero(table.kinds[row])[0])] == "Linear"
    assert [column(table, name)[row] for name in ("groups", "m", "k", "n")] == [6, 1, 4096, 14_336]
    assert column(table, "weight_words")[row] == 6 * 4096 * 14_336  # of the experts that have rows


def test_features_are_named_and_the_edges_are_the_networks():
    network = load_workload("vit_b16")
    table = OperatorTable.of(network)
    assert (
        table.features.shape == (len(network.nodes), len(OPERATOR_FEATURE_NAMES)) == (len(table), len(KIND_NAMES) + 13)
    )
    assert len(set(OPERATOR_FEATURE_NAMES)) == len(OPERATOR_FEATURE_NAMES)
    names = [node.name for node in network.nodes]
    assert tuple((names[a], names[b]) for a, b in table.edges.T) == network.edges
    np.testing.assert_allclose(2 ** table.features[:, 0], column(table, "groups"), rtol=1e-12)
