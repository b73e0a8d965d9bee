"""The networks that tables were collected on, as operator graphs, for models that learn from graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..datasets import Network, TableHeader, load_workload
from ..errors import ChipgymError
from ..simulators import Columns, MetricSpec
from .encoding import Encoder
from .models import GraphRows, OperatorGraph, Pairing
from .samples import Samples

# Units of what a machine has or does on average, rather than of what its operators add up to.
_AVERAGES = ("W", "mm2", "GB/s", "Gbit/s", "Hz", "MHz")


def network_of(header: TableHeader, networks: Sequence[Network] = ()) -> Network:
    """Find the network that a table was collected on.

    Args:
        header: of the table.
        networks: those that no name leads to, such as of an ONNX file.

    Raises:
        ChipgymError: where it is neither among them nor found by the name that the table has.
    """
    for network in networks:
        if network.digest == header.workload_digest:
            return network
    where = f"workload {header.workload}: a model of graphs needs its operators"
    try:
        found = load_workload(header.workload)
    except ChipgymError as error:
        raise ChipgymError(f"{where}, give it in `networks` ({error})") from None
    if not isinstance(found, Network):
        raise ChipgymError(f"{where}, and it is no network; nearest are the models ridge, forest and boosting")
    if "log10_batch" in header.features:
        found = found.with_batch(round(10 ** header.features["log10_batch"]))
    if found.digest != header.workload_digest:
        raise ChipgymError(f"{where}, give it in `networks`: what loads by that name is another network")
    return found


def amounts_of(metrics: Sequence[MetricSpec]) -> tuple[str, ...]:
    """Name the metrics that add up over a network's operators: times, energies, counts; not rates or fractions."""
    return tuple(m.name for m in metrics if m.goal == "min" and m.unit not in _AVERAGES)


def graph_rows(encoder: Encoder, columns: Columns, n: int, graph: OperatorGraph) -> GraphRows:
    """Return designs on one network, from complete columns of values.

    Raises:
        ChipgymError: for a value of a categorical knob that is not on the grid.
    """
    folded, _ = encoder.space.columns(columns)
    pairing = Pairing.of(encoder)
    design = encoder.designs(columns, n)
    return GraphRows(design, pairing.knobs(folded, n), np.zeros(n, dtype=np.int64), (graph,), pairing)


def sample_rows(samples: Samples, graphs: Mapping[str, OperatorGraph]) -> GraphRows:
    """Return designs of tables, each on the graph of its workload's name."""
    tables = samples.tables
    parts = [graph_rows(samples.encoder, t.designs(), len(t), graphs[t.header.workload]) for t in tables]
    return GraphRows(
        np.concatenate([part.design for part in parts]),
        np.concatenate([part.knobs for part in parts]),
        samples.workload,
        tuple(graphs[t.header.workload] for t in tables),
        parts[0].pairing,
    )
