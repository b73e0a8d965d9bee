"""The graph model's settings, and how it is fitted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ....errors import ChipgymError
from ....simulators import Column
from ...target import Target
from .fitted import GnnEnsemble
from .rows import GraphRows


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
