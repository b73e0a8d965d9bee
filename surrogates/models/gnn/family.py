"""The graph model's settings, what it sees, and how it is fitted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ....datasets import DesignTable, Network, TableHeader, Workload
from ....errors import ChipgymError
from ....simulators import Column, Columns
from ....simulators.tabular import metrics_of
from ...encoding import Encoder
from ...networks import amounts_of, network_of
from ...samples import Samples
from ...target import Target
from ..base import Learner, named_arrays
from .fitted import GnnEnsemble
from .graph import OperatorGraph
from .rows import GraphRows, Pairing, graph_rows, sample_rows


@dataclass(frozen=True)
class Gnn:
    """Message passing over a network's operators, and a sum or mean of what each of them costs (see `GnnEnsemble`).

    Fitted with Adam (Kingma and Ba, arXiv:1412.6980) under a one-cycle rate (Smith and Topin, arXiv:1708.07120) to a
    smooth absolute error; the spread is that of a deep ensemble (Lakshminarayanan et al., NeurIPS 2017).

    Attributes:
        members: networks that are fitted, each from other weights.
        width: of the hidden layers.
        steps: of the optimiser.
        batch: designs of a step, over all networks.
        rate: the greatest learning rate.
        decay: of weights.
    """

    members: int = 2
    width: int = 64
    steps: int = 1500
    batch: int = 32
    rate: float = 0.004
    decay: float = 0.1

    def fit(
        self, rows: GraphRows, z: Column, targets: Sequence[Target], amounts: Collection[str], seed: int
    ) -> GnnEnsemble:
        """Fit a model of standardised targets z (n, t).

        Args:
            rows: n designs on networks.
            z: standardised targets, (n, t).
            targets: their scales.
            amounts: names of those that operators add up to.
            seed: of whatever is drawn.

        Raises:
            ChipgymError: where PyTorch or PyTorch Geometric is missing.
        """
        try:
            from .training import train
        except ImportError as error:
            raise ChipgymError(f"model gnn: {error.name} is missing; pip install 'chipgym[gnn]'") from None
        return train(self, rows, z, targets, amounts, seed)

    def see(self, workload: Workload) -> OperatorGraph:
        """Return the operators of a network, or of that which a table was collected on.

        Raises:
            ChipgymError: where the workload is no network, or that of a table is not found.
        """
        network = network_of(workload.header) if isinstance(workload, DesignTable) else workload
        if not isinstance(network, Network):
            raise ChipgymError(f"workload {workload.name}: the model gnn sees networks, not {type(workload).__name__}")
        return OperatorGraph.of(network)

    def see_table(self, header: TableHeader, networks: Sequence[Network]) -> OperatorGraph:
        """Return the operators of the network that a table was collected on.

        Raises:
            ChipgymError: where it is neither among `networks` nor found by its name.
        """
        return OperatorGraph.of(network_of(header, networks))

    def mark(self, seen: OperatorGraph) -> str:
        """Return the digest of the operators: networks that differ may have the same features."""
        return seen.digest

    def seen_arrays(self, seen: OperatorGraph) -> dict[str, Column]:
        """Return all of the operators as arrays by name."""
        return seen.arrays()

    def seen_from(self, arrays: Mapping[str, Column], features: Mapping[str, float]) -> OperatorGraph:
        """Make the operators of a workload of what `seen_arrays` gave.

        Raises:
            ChipgymError: where an array is missing or is not what it should be.
        """
        return OperatorGraph.from_arrays(named_arrays(arrays, OperatorGraph.names))

    def rows(self, encoder: Encoder, columns: Columns, n: int, seen: OperatorGraph) -> GraphRows:
        """Return n designs on one network."""
        return graph_rows(encoder, columns, n, seen)

    def sample_rows(self, samples: Samples, seen: Mapping[str, OperatorGraph]) -> GraphRows:
        """Return designs of tables, each on the graph of its workload's name."""
        return sample_rows(samples, seen)

    def learner(self, samples: Samples, seed: int) -> Learner:
        """Return what fits the model, told which metrics operators add up to."""
        amounts = amounts_of(metrics_of(samples.header))
        return lambda x, z, targets, _: self.fit(x, z, targets, amounts, seed)

    def fitted_from(self, arrays: Mapping[str, Column], encoder: Encoder, targets: int) -> GnnEnsemble:
        """Make a fitted model of its arrays.

        Raises:
            ChipgymError: where one is missing, or is not that of so many features and targets.
        """
        pairing = Pairing.of(encoder)
        sizes = len(encoder.design_names), pairing.width, 1 + len(pairing.categorical), targets
        return GnnEnsemble.from_arrays(named_arrays(arrays, GnnEnsemble.names), *sizes)
