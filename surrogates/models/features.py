"""Families of models that see designs and workloads as features."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol

import numpy as np

from ...datasets import Network, TableHeader, Workload
from ...errors import ChipgymError
from ...simulators import Column, Columns
from ..baseline import Sloped, fit_sloped
from ..encoding import Encoder
from ..samples import Samples
from .base import Fitted, Learner, named_arrays


class FeatureModel(Fitted, Protocol):
    """A model that was fitted to features.

    Attributes:
        names: of its arrays.
    """

    names: ClassVar[tuple[str, ...]]

    @staticmethod
    def from_arrays(arrays: Mapping[str, Column], features: int, designs: int, targets: int) -> FeatureModel:
        """Make a model of what `arrays` gave.

        Args:
            arrays: those under `names`.
            features: how many it sees.
            designs: how many of them, the first, belong to the design.
            targets: how many it predicts.

        Raises:
            ChipgymError: where it is not that of so many features and targets.
        """
        ...


class FeatureFamily(ABC):
    """What families that see features have in common: a `Family` but for its settings and its fit.

    Attributes:
        extrapolates: whether it follows the size of workloads beyond those that it has seen; what does not is fitted
            to what `size_slopes` leave.
        model: what `fit` gives.
    """

    extrapolates: ClassVar[bool]
    model: ClassVar[type[FeatureModel]]

    @abstractmethod
    def fit(self, x: Column, z: Column, designs: int, seed: int) -> FeatureModel:
        """Fit a model of standardised targets.

        Args:
            x: features, (n, d).
            z: standardised targets, (n, t).
            designs: how many of the features, the first, belong to the design.
            seed: of whatever is drawn.
        """

    def see(self, workload: Workload) -> dict[str, float]:
        """Return the features of a workload."""
        return workload.features()

    def see_table(self, header: TableHeader, networks: Sequence[Network]) -> dict[str, float]:
        """Return the features of a table's workload."""
        return dict(header.features)

    def mark(self, seen: Mapping[str, float]) -> str:
        """Return nothing: workloads of the same features are the same to the model."""
        return ""

    def seen_arrays(self, seen: Mapping[str, float]) -> dict[str, Column]:
        """Return no array: features are in the header of a table."""
        return {}

    def seen_from(self, arrays: Mapping[str, Column], features: Mapping[str, float]) -> dict[str, float]:
        """Return the features of a workload."""
        return dict(features)

    def rows(self, encoder: Encoder, columns: Columns, n: int, seen: Mapping[str, float]) -> Column:
        """Return features of n designs on one workload, (n, d)."""
        return encoder.with_workload(encoder.designs(columns, n), seen)

    def sample_rows(self, samples: Samples, seen: Mapping[str, Mapping[str, float]]) -> Column:
        """Return features of tables' designs, (n, d)."""
        return samples.x

    def learner(self, samples: Samples, seed: int) -> Learner:
        """Return what fits slopes over the workloads' sizes first, where the family has need of them."""
        designs, sizes = len(samples.encoder.design_names), samples.encoder.sizes
        return lambda x, z, targets, workload: fit_sloped(self, x, z, targets, workload, designs, sizes, seed)

    def fitted_from(self, arrays: Mapping[str, Column], encoder: Encoder, targets: int) -> Sloped:
        """Make a fitted model of its arrays and its slopes.

        Raises:
            ChipgymError: where one is missing, or is not that of so many features and targets.
        """
        features, designs = len(encoder.names), len(encoder.design_names)
        fitted = self.model.from_arrays(named_arrays(arrays, self.model.names), features, designs, targets)
        slopes, shape = named_arrays(arrays, ("slopes",))["slopes"], (features, targets)
        if slopes.dtype != np.float64 or slopes.shape != shape or not np.isfinite(slopes).all():
            raise ChipgymError(f"slopes is not of {shape} finite numbers")
        return Sloped(slopes, fitted)
