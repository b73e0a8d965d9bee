"""Tables of some of their metrics, for models that are to learn those alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ..datasets import DesignTable
from ..errors import ChipgymError, unknown
from ..simulators.core.objective import parse_objectives
from ..simulators.tabular import metrics_of


def only_metrics(table: DesignTable, names: Sequence[str]) -> DesignTable:
    """Return a table with some of its metrics, in its order, and the objectives that are made of these.

    Args:
        table: of designs.
        names: of the metrics that stay, one at least. The first is the default objective where the table's own goes.

    Raises:
        ChipgymError: for a metric that the table has not, with the nearest that it has.
    """
    known = [m.name for m in table.header.metrics]
    for name in names:
        if name not in known:
            raise unknown("metric", name, known)
    if not names:
        raise ChipgymError("metrics: an empty list; expected one at least")
    header = dataclasses.replace(table.header, metrics=tuple(m for m in table.header.metrics if m.name in names))
    specs = metrics_of(header)
    kept: dict[str, str | tuple[str, ...]] = {}

    def stays(text: str | tuple[str, ...]) -> bool:
        try:
            parse_objectives(text, specs, kept)
        except ChipgymError:
            return False
        return True

    for name, preset in table.header.objectives.items():
        if stays(preset):
            kept[name] = preset
    targets = {text: value for text, value in table.header.targets.items() if stays(text)}
    default = table.header.default_objective
    default = default if stays(default) else names[0]
    header = dataclasses.replace(header, objectives=kept, targets=targets, default_objective=default)
    return dataclasses.replace(table, header=header, metrics={m.name: table.metrics[m.name] for m in header.metrics})
