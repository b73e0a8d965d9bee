"""What a family of models is, and which there are."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from ...errors import ChipgymError, shorten, unknown
from ...simulators import Column
from .gnn import Gnn, GraphRows
from .ridge import QuadraticRidge, Ridge
from .trees import Boosting, Forest, TreeEnsemble

#: What a model sees of n designs: features (n, d), or designs on operator graphs.
Rows = Column | GraphRows


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


class Family(Protocol):
    """Settings of a model, as a frozen dataclass whose fields are whole numbers or real ones, all positive.

    `Gnn`, which sees graphs rather than features, is the one model that is no `Family`.

    Attributes:
        extrapolates: whether it follows the size of workloads beyond those that it has seen; what does not is fitted
            to what `size_slopes` leave.
    """

    extrapolates: ClassVar[bool]

    def fit(self, x: Column, z: Column, designs: int, seed: int) -> QuadraticRidge | TreeEnsemble:
        """Fit a model of standardised targets.

        Args:
            x: features, (n, d).
            z: standardised targets, (n, t).
            designs: how many of the features, the first, belong to the design.
            seed: of whatever is drawn.
        """
        ...


FAMILIES: Mapping[str, type[Ridge] | type[Forest] | type[Boosting] | type[Gnn]] = {
    "ridge": Ridge,
    "forest": Forest,
    "boosting": Boosting,
    "gnn": Gnn,
}


def settings_of(model: str) -> dict[str, int | float]:
    """Return the default by setting of a model.

    Raises:
        ChipgymError: naming the nearest where there is no such model.
    """
    if not isinstance(model, str) or model not in FAMILIES:
        raise unknown("model", model, FAMILIES)
    return dataclasses.asdict(FAMILIES[model]())


def family(model: str, settings: Mapping[str, Any]) -> Family | Gnn:
    """Make a family by its name, with its settings.

    Raises:
        ChipgymError: for an unknown name or setting, and a value that is not a positive number of its kind.
    """
    known = settings_of(model)
    for setting, value in settings.items():
        if setting not in known:
            raise unknown(f"option of {model}:", setting, known)
        whole = isinstance(known[setting], int)
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or not 0 < value < 1e6:
            expected = "a positive whole number" if whole else "a positive number"
            raise ChipgymError(f"{setting}: {shorten(value)} is not {expected}; default is {known[setting]}")
    if settings.get("share", 1) > 1:
        raise ChipgymError(f"share: {shorten(settings['share'])} is more than all features; nearest is 1.0")
    return FAMILIES[model](**settings)
