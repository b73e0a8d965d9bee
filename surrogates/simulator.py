"""A surrogate behind the simulator interface, so that environments, agents and tables take it unchanged."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..datasets import Workload
from ..errors import ChipgymError, shorten
from ..files import is_file
from ..simulators import Column, Columns, MetricSpec, Simulator
from .files import load_surrogate, model_digest
from .models import Seen
from .surrogate import Surrogate

#: Between a model and the workload that it predicts for, as in `systolic-networks@resnet18`.
AT = "@"


@dataclass(frozen=True, eq=False)
class LearnedWorkload:
    """A model and the workload that it predicts for: what stands where a simulator has its workload.

    Attributes:
        surrogate: the model.
        source: name of the workload.
        description: its features.
        seen: what the model sees of it, these features or its operators.
        digest: sha256 in hex of both.
    """

    surrogate: Surrogate
    source: str
    description: Mapping[str, float]
    seen: Seen
    digest: str

    @staticmethod
    def of(surrogate: Surrogate, workload: str | os.PathLike[str] | Workload | None = None) -> LearnedWorkload:
        """Bind a model to one of its own workloads, or to another of their kind.

        Raises:
            ChipgymError: as `Surrogate.predict`.
        """
        found = surrogate.workload(workload)
        surrogate.warn_beyond(found)
        features, seen = found.features(), surrogate.describe(found)
        text = f"{model_digest(surrogate)}\0{found.name}\0{sorted(features.items())}"
        if mark := surrogate.family.mark(seen):
            text += f"\0{mark}"
        return LearnedWorkload(surrogate, found.name, features, seen, hashlib.sha256(text.encode()).hexdigest())

    @property
    def name(self) -> str:
        """Model, simulator and workload, as in `boosting:systolic:resnet18`."""
        return f"{self.surrogate.model}:{self.surrogate.header.simulator}:{self.source}"

    def features(self) -> dict[str, float]:
        """Return the features of the workload."""
        return dict(self.description)


class SurrogateSimulator(Simulator):
    """Answers with the predictions of a surrogate: their centres, without the uncertainty.

    Space, metrics, units and objectives are those of the simulator that it was trained on; a knob may have any value
    in the range of the training grid. Feasibility and violation are predicted as well.

    Args:
        workload: a name of `surrogate_names()`, the path of a `.npz` file, or a `Surrogate`; of a model of several
            workloads one is named after an `@`, as in `systolic-networks@resnet18` or `runs/model.npz@vgg16`.
        on: the workload, for a `Surrogate` in memory: a name of its `workloads`, or whatever `load_workload` takes.

    Raises:
        ChipgymError: as `load_surrogate` and `Surrogate.predict`, and for `on` beside a name or path.
    """

    name = "surrogate"
    version = "1"
    # Every model brings its own.
    metrics: tuple[MetricSpec, ...]  # type: ignore[misc]
    objectives: Mapping[str, str | tuple[str, ...]]  # type: ignore[misc]
    default_objective: str  # type: ignore[misc]
    targets: Mapping[str, float]  # type: ignore[misc]
    chunk = 8192

    def __init__(
        self,
        workload: str | os.PathLike[str] | Surrogate | LearnedWorkload = "systolic-networks@resnet18",
        on: str | os.PathLike[str] | Workload | None = None,
    ) -> None:
        self.learned = _learned(workload, on)
        self.workload = self.learned
        self.surrogate = self.learned.surrogate
        self.options = {}
        header = self.surrogate.header
        self.metrics = self.surrogate.metrics
        self.objectives = dict(header.objectives)
        self.default_objective = header.default_objective
        self.targets = dict(header.targets)
        self.space = self.surrogate.space

    @property
    def source(self) -> dict[str, Any]:
        """What identifies the simulator that was learned, without the workload."""
        source = self.surrogate.header.source
        return {name: source[name] for name in ("simulator", "version", "options")}

    def simulate(self, columns: Columns, n: int) -> tuple[Mapping[str, Column], Column]:
        """Predict columns of values.

        Raises:
            ChipgymError: for a value of a categorical knob that the training grid has not.
        """
        learned = self.learned
        # Whether the workload is known decides the uncertainty alone.
        found = learned.surrogate.predict_columns(columns, n, learned.seen, known=True)
        return found.mean, found.violation


def _learned(spec: object, on: str | os.PathLike[str] | Workload | None) -> LearnedWorkload:
    """Return the model and workload that the constructor was given."""
    if isinstance(spec, Surrogate):
        return LearnedWorkload.of(spec, on)
    if on is not None:
        raise ChipgymError(
            f"on: {shorten(on)} goes with a Surrogate in memory; after a name or path the workload follows an {AT}, "
            f"as in {shorten(f'{spec}{AT}resnet18')}"
        )
    if isinstance(spec, LearnedWorkload):
        return spec
    if not isinstance(spec, str | os.PathLike):
        raise ChipgymError(f"workload: expected the name, path or object of a surrogate, got {shorten(spec)}")
    if isinstance(os.fspath(spec), bytes):
        raise ChipgymError(f"workload: expected a text, got {shorten(spec)}")
    model, at, workload = str(spec).rpartition(AT)
    if not at or is_file(os.path.expanduser(spec)):
        return LearnedWorkload.of(load_surrogate(spec))
    return LearnedWorkload.of(load_surrogate(model), workload)
