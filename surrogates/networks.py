"""The networks that tables were collected on, and what adds up over their operators: for models of graphs."""

from __future__ import annotations

from collections.abc import Sequence

from ..datasets import Network, TableHeader, load_workload
from ..errors import ChipgymError
from ..simulators import MetricSpec

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
