"""A model that has learned a simulator from tables of evaluated designs."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from ..datasets import DesignTable, Network, TableHeader, Workload, load_workload
from ..errors import ChipgymError, nearest, shorten
from ..simulators import Column, Columns, Designs, DesignSpace, MetricSpec
from ..simulators.core.simulator import BESIDE
from ..simulators.tabular import metrics_of, space_of
from .encoding import Encoder
from .models import Seen, family
from .part import Part, fit_part
from .prediction import Prediction, least_positive
from .reach import beyond, widening
from .samples import Samples
from .target import Scale

#: Names of targets that are no metrics: whether a design is feasible, as 0 or 1, and how far it is from it.
FEASIBLE, VIOLATION = "feasible", "violation"


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """A table that a model has learned from.

    Attributes:
        header: what the table says of itself.
        digest: checksum of its content, sha256 in hex.
        designs: how many of its designs were used.
    """

    header: TableHeader
    digest: str
    designs: int

    @property
    def name(self) -> str:
        """Name of the workload."""
        return self.header.workload

    def features(self) -> dict[str, float]:
        """Return the features of the workload."""
        return dict(self.header.features)


class Surrogate:
    """A scikit-learn-style estimator over (design, workload) that predicts a simulator's metrics with uncertainty.

    Every metric is learned by itself, in the scale that its values suit (see `Target`); costs from feasible designs
    alone. Feasibility is learned too, where the tables have both kinds: a design is taken to be infeasible where the
    model gives it less than an even chance, with a violation learned from infeasible designs.

    Args:
        model: "ridge" (second order), "forest", "boosting", or "gnn", which sees a network's operators.
        seed: of whatever is drawn; the same seed and tables give the same model.
        settings: of the model, by name, such as `trees=50`.

    Raises:
        ChipgymError: naming the model or setting that is wrong and the nearest right one.
    """

    def __init__(self, model: str = "boosting", *, seed: int = 0, **settings: Any) -> None:
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
            raise ChipgymError(f"seed: {shorten(seed)} is not a whole number from 0 to {2**32 - 1}")
        self.family = family(model, settings)
        self.model = model
        self.seed = seed
        self.settings = dict(settings)
        self.tables: tuple[TrainedOn, ...] = ()
        self.parts: dict[str, Part] = {}
        self.seen: dict[str, Seen] = {}  # of each table's workload, by its name

    # --- learning ------------------------------------------------------------------------------------------------

    def fit(self, tables: DesignTable | Sequence[DesignTable], networks: Sequence[Network] = ()) -> Self:
        """Learn from one table, or from several of one simulator and space on different workloads.

        Args:
            tables: of evaluated designs.
            networks: for the model "gnn", of tables whose workload's name does not load it, such as an ONNX file's.

        Raises:
            ChipgymError: for tables of different simulators, spaces or kinds of workload, where no design is feasible,
                and for the model "gnn" where a table's workload is no network, or is not found.
        """
        samples = Samples.of(tables)
        feasible = samples.feasible
        if not feasible.any():
            raise ChipgymError("tables: no design is feasible, so that there are no costs to learn")
        scales: dict[str, Scale] = {FEASIBLE: "linear"}
        always: dict[str, Column] = {m.name: samples.metric(m.name) for m in samples.header.metrics if not m.cost}
        wanted = {"cost": (feasible, {m.name: samples.metric(m.name) for m in samples.header.metrics if m.cost})}
        if not feasible.all():
            wanted["violation"] = (~feasible, {VIOLATION: samples.violation})
            always[FEASIBLE] = feasible.astype(np.float64)
        wanted["always"] = (np.ones(len(samples), dtype=bool), always)
        seen = {t.header.workload: self.family.see_table(t.header, networks) for t in samples.tables}
        x = self.family.sample_rows(samples, seen)
        learn = self.family.learner(samples, self.seed)
        self.parts = {
            name: fit_part(
                learn,
                x[rows],
                {target: column[rows] for target, column in values.items()},
                scales,
                samples.design[rows],
                samples.workload[rows],
                self.seed,
            )
            for name, (rows, values) in wanted.items()
            if values
        }
        self.seen = seen
        self.tables = tuple(TrainedOn(t.header, t.digest, len(t)) for t in samples.tables)
        self.__dict__.pop("space", None)
        self.__dict__.pop("encoder", None)
        return self

    # --- what was learned ----------------------------------------------------------------------------------------

    @property
    def header(self) -> TableHeader:
        """Header of the first table: simulator, knobs, metrics and objectives are those of all.

        Raises:
            ChipgymError: before `fit`.
        """
        if not self.tables:
            raise ChipgymError("surrogate: has learned nothing yet; call fit with a table first")
        return self.tables[0].header

    @cached_property
    def space(self) -> DesignSpace:
        """The designs that it predicts: knobs within the range of the tables' grid."""
        return space_of(self.header)

    @property
    def metrics(self) -> tuple[MetricSpec, ...]:
        """What it predicts, as the simulator declares it."""
        return metrics_of(self.header)

    @property
    def workloads(self) -> tuple[str, ...]:
        """Names of the workloads that it has learned from."""
        return tuple(table.name for table in self.tables)

    @cached_property
    def encoder(self) -> Encoder:
        """What makes features of designs and workloads."""
        return Encoder(self.space, tuple(sorted(self.header.features)))

    # --- prediction ----------------------------------------------------------------------------------------------

    def predict(self, designs: Designs, workload: str | os.PathLike[str] | Workload | None = None) -> Prediction:
        """Predict metrics of designs on a workload, with their uncertainty.

        Args:
            designs: in any form that a space takes (see `DesignSpace.columns`), of the tables' knobs.
            workload: a name of `workloads`, or whatever `load_workload` takes; may be left out where there is one.

        Raises:
            ChipgymError: for designs of another space, a workload of another kind, and a workload that was not learned
                from where there was only one.

        Warns:
            UserWarning: of a workload that is far from all that the model has learned from (see `reach.FAR`).
        """
        found = self.workload(workload)
        self.warn_beyond(found)
        return self.predict_on(designs, found)

    def predict_on(self, designs: Designs, found: TrainedOn | Workload) -> Prediction:
        """Predict as `predict`, for what `workload` answered, without a warning."""
        columns, n = self.space.columns(designs, {*BESIDE, *(m.name for m in self.metrics)})
        out = self.predict_columns(columns, n, self.describe(found), isinstance(found, TrainedOn))
        distances = self.beyond(found)
        wide = widening(distances)
        return replace(out, deviation={name: wide * std for name, std in out.deviation.items()}, beyond=distances)

    def beyond(self, found: TrainedOn | Workload) -> dict[str, float]:
        """Name the features in which a workload is far outside those of the tables, as `Prediction.beyond`."""
        return beyond(found.features(), [table.features() for table in self.tables])

    def warn_beyond(self, found: TrainedOn | Workload) -> None:
        """Warn of a workload that is far from all that the model has learned from."""
        for name, distance in self.beyond(found).items():
            known = [table.features()[name] for table in self.tables]
            warnings.warn(
                f"workload {found.name}: {name} is {found.features()[name]:.3g}, the model has learned from "
                f"{min(known):.3g} to {max(known):.3g}; its predictions there are extrapolations and may be many times "
                f"off (uncertainty widened {1 + distance:.2g} times)",
                stacklevel=3,
            )
            return  # the farthest says enough

    def workload(self, workload: str | os.PathLike[str] | Workload | None = None) -> TrainedOn | Workload:
        """Return the table or workload that `predict` takes for its argument.

        Raises:
            ChipgymError: as `predict`.
        """
        self.header  # noqa: B018 - says what is wrong before fit
        if workload is None:
            if len(self.tables) == 1:
                return self.tables[0]
            raise ChipgymError(f"workload: the model has learned from several, name one: {', '.join(self.workloads)}")
        for table in self.tables:
            if workload == table.name:
                return table
        try:
            found = load_workload(workload)
        except ChipgymError as error:
            guess = nearest(workload, self.workloads) if isinstance(workload, str) else None
            raise ChipgymError(f"{error}; nearest of the model's own is {guess!r}" if guess else str(error)) from None
        self.encoder.check(found)
        for table in self.tables:
            if found.digest == table.header.workload_digest:
                return table
        if len(self.tables) == 1:
            raise ChipgymError(
                f"workload: the model has learned from {self.header.workload} alone and knows nothing of {found.name}; "
                "train it on tables of several workloads"
            )
        return found

    def describe(self, found: TrainedOn | Workload) -> Seen:
        """Return what the model sees of a workload that `workload` answered: its features, or its operators.

        Raises:
            ChipgymError: where it sees operators and the workload has none.
        """
        return self.seen[found.name] if isinstance(found, TrainedOn) else self.family.see(found)

    def predict_columns(self, columns: Columns, n: int, workload: Seen, known: bool) -> Prediction:
        """Predict as `predict`, for complete columns that the space has made.

        Args:
            columns: of values, each (n,).
            n: how many designs.
            workload: what `describe` says of it.
            known: whether the model has learned from it.
        """
        x = self.family.rows(self.encoder, columns, n, workload)
        targets, location, deviation = {}, {}, {}
        for part in self.parts.values():
            mean, std = part.predict(x, known)
            for j, target in enumerate(part.targets):
                targets[target.name] = target
                location[target.name] = np.ascontiguousarray(mean[:, j])
                deviation[target.name] = np.ascontiguousarray(std[:, j])
        feasible, violation = np.ones(n, dtype=bool), np.zeros(n)
        if FEASIBLE in targets:
            feasible = location[FEASIBLE] >= 0.5
            beyond = least_positive(targets[VIOLATION].inverse(location[VIOLATION]))
            violation = np.where(feasible, 0.0, beyond)
        names = [m.name for m in self.metrics]
        return Prediction(
            {name: targets[name] for name in names},
            {name: location[name] for name in names},
            {name: deviation[name] for name in names},
            feasible,
            violation,
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a `.npz` file, which `load_surrogate` reads; the same model is the same bytes.

        Raises:
            ChipgymError: before `fit`, for a path of another extension, and where it cannot be written; what was there
                before is as it was.
        """
        from .files import write_surrogate

        write_surrogate(self, path)

    def __repr__(self) -> str:
        what = f" of {self.header.simulator} on {', '.join(self.workloads)}" if self.tables else ", not fitted"
        return f"Surrogate({self.model}{what})"
