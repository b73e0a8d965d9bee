"""What a family of models is: its settings, what it sees of designs and workloads, and what remains of a fitted one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from ...datasets import Network, TableHeader, Workload
from ...errors import ChipgymError
from ...simulators import Column, Columns
from ..encoding import Encoder
from ..samples import Samples
from ..target import Target

#: What a family sees of a workload, which is its own affair: features by name, or an `OperatorGraph`.
Seen = Any


class Rows(Protocol):
    """What a model sees of n designs: features (n, d), or designs on operator graphs."""

    def __len__(self) -> int:
        """Return how many designs there are."""
        ...

    def __getitem__(self, chosen: Column, /) -> Any:
        """Select some of the designs, by a mask (n,) or by their numbers."""
        ...


class Fitted(Protocol):
    """A model that was fitted: it predicts, and it is nothing but arrays."""

    def predict(self, x: Any) -> tuple[Column, Column]:
        """Return means and spreads, each (n, t), of standardised targets.

        Args:
            x: designs, `Rows` of the kind that it was fitted to.
        """
        ...

    def arrays(self) -> dict[str, Column]:
        """Return all of the model as arrays by name."""
        ...


#: Fits a model to the standardised values (n, t) of some targets over what it sees of n designs, and the number of each
#: design's workload (n,).
Learner = Callable[[Any, Column, Sequence[Target], Column], Fitted]


class Family(Protocol):
    """Settings of a model, and how it looks at designs and workloads.

    It is a frozen dataclass whose fields are whole numbers or real ones, all positive. `FeatureFamily` has all but
    the fit of a family that sees features.
    """

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    def __init__(self, **settings: Any) -> None: ...

    def see(self, workload: Workload) -> Seen:
        """Return what the model sees of a workload.

        Raises:
            ChipgymError: where it sees what the workload has not.
        """
        ...

    def see_table(self, header: TableHeader, networks: Sequence[Network]) -> Seen:
        """Return what the model sees of the workload of a table.

        Args:
            header: of the table.
            networks: of tables whose workload's name does not load it.

        Raises:
            ChipgymError: where it sees what the workload has not, or the workload is not found.
        """
        ...

    def mark(self, seen: Seen) -> str:
        """Return what tells a workload from others of the same features; empty where they are all that is seen."""
        ...

    def seen_arrays(self, seen: Seen) -> dict[str, Column]:
        """Return what a file keeps of a workload beside its features, as arrays by name."""
        ...

    def seen_from(self, arrays: Mapping[str, Column], features: Mapping[str, float]) -> Seen:
        """Make what is seen of a workload of its features and of what `seen_arrays` gave.

        Raises:
            ChipgymError: where an array is missing or is not what it should be.
        """
        ...

    def rows(self, encoder: Encoder, columns: Columns, n: int, seen: Seen) -> Rows:
        """Return n designs on one workload as the model sees them, from complete columns of values (n,).

        Raises:
            ChipgymError: for a value of a categorical knob that is not on the grid.
        """
        ...

    def sample_rows(self, samples: Samples, seen: Mapping[str, Seen]) -> Rows:
        """Return designs of tables as the model sees them, with what it sees of each workload by name."""
        ...

    def learner(self, samples: Samples, seed: int) -> Learner:
        """Return what fits the model to some of the samples' rows.

        Args:
            samples: the designs that it may be given some of.
            seed: of whatever is drawn.
        """
        ...

    def fitted_from(self, arrays: Mapping[str, Column], encoder: Encoder, targets: int) -> Fitted:
        """Make a fitted model of its arrays.

        Args:
            arrays: by name, as `Fitted.arrays` gave them.
            encoder: of the designs that it was fitted to.
            targets: how many it predicts.

        Raises:
            ChipgymError: where one is missing, or is not that of so many features and targets.
        """
        ...


def named_arrays(arrays: Mapping[str, Column], names: Sequence[str]) -> dict[str, Column]:
    """Select the arrays of these names.

    Raises:
        ChipgymError: naming the first that is missing.
    """
    for name in names:
        if name not in arrays:
            raise ChipgymError(f"has no array {name}")
    return {name: arrays[name] for name in names}
