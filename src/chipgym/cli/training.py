"""`chipgym train`: a surrogate of collected tables, and how far it is from what it has not seen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..durable import check_writable
from ..errors import ChipgymError
from . import output, parse
from .options import Json

if TYPE_CHECKING:
    from ..datasets import Network
    from ..surrogates import Errors, Split


def train_surrogate(
    tables: Annotated[
        list[str], typer.Argument(metavar="TABLE...", help="Tables of one simulator: names, files, or folders of them.")
    ],
    out: Annotated[str, typer.Option(metavar="FILE", help="The model, a .npz file.", show_default=False)],
    model: Annotated[str, typer.Option(metavar="NAME", help="ridge, forest, boosting or gnn.")] = "boosting",
    split: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="What to hold out and measure on: designs, workloads or both; repeatable, all where left out.",
            show_default=False,
        ),
    ] = None,
    share: Annotated[float, typer.Option(metavar="FRACTION", help="How much of it to hold out.")] = 0.25,
    held_out: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A workload to hold out; repeatable, drawn where left out.", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed gives the same splits and model.")] = 0,
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE", help="A setting of the model, as in trees=50; repeatable.", show_default=False
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Learn this metric alone; repeatable, all where left out.", show_default=False
        ),
    ] = None,
    constraint: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT",
            help="A limit that feasibility is measured within too, such as 'area_mm2 <= 10'; repeatable.",
            show_default=False,
        ),
    ] = None,
    network: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="For gnn: a network whose table does not name what loads it, such as an ONNX file; repeatable.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Train a surrogate on collected tables.

    For each split a model learns from one part of the designs and is measured on the other. Then the model that is
    written learns from all.
    """
    from ..datasets import load_tables
    from ..surrogates import SPLITS, Surrogate, measure, only_metrics, split_tables
    from ..surrogates.files import model_path
    from ..surrogates.models import settings_of

    path = model_path(out)
    check_writable(path)  # now, rather than after all the training
    settings = parse.settings("--option", option or (), settings_of(model), model)
    loaded = [table for spec in tables for table in load_tables(spec)]
    networks = [_network(name) for name in network or ()]
    surrogate = Surrogate(model, seed=seed, **settings)
    known = [m.name for m in loaded[0].header.metrics]
    if metric:
        loaded = [only_metrics(table, metric) for table in loaded]
        known = [m.name for m in loaded[0].header.metrics]
    if len(split or ()) != len(set(split or ())):
        raise ChipgymError("--split: one is given twice")
    wanted = split or (SPLITS if len(loaded) > 2 else SPLITS[:1])
    splits = [split_tables(loaded, name, share=share, seed=seed, workloads=held_out) for name in wanted]
    measured: dict[str, tuple[Split, Errors]] = {}
    for each in splits:
        output.note(f"measuring on held-out {each.name}: {_held(each)}")
        fitted = Surrogate(model, seed=seed, **settings).fit(each.train, networks)
        measured[each.name] = each, measure(fitted, each.test, constraint or (), networks)
    surrogate.fit(loaded, networks)
    surrogate.save(path)
    if json:
        output.as_json(
            {
                "model": model,
                "settings": settings,
                "seed": seed,
                "tables": [{"table": t.name, "digest": t.digest, "designs": len(t)} for t in loaded],
                "errors": {name: _document(each, errors) for name, (each, errors) in measured.items()},
                "out": str(path),
                "bytes": path.stat().st_size,
            }
        )
        return
    _show({name: errors for name, (_, errors) in measured.items()}, known)
    designs = sum(map(len, loaded))
    output.line(f"{model} of {designs:,} designs in {path}, {path.stat().st_size:,} bytes")
    at = f"@{surrogate.workloads[0]}" if len(loaded) > 1 else ""
    output.line(f"search it with: chipgym search surrogate --workload {path}{at}")


def _network(name: str) -> Network:
    from ..datasets import Network, load_workload

    found = load_workload(name)
    if not isinstance(found, Network):
        raise ChipgymError(f"--network: {name} is no network")
    return found


def _held(split: Split) -> str:
    """Say what a split measures on, in words."""
    workloads = sorted({table.header.workload for table in split.test})
    designs = sum(map(len, split.test))
    return f"{designs:,} designs of {', '.join(workloads)}"


def _document(split: Split, errors: Errors) -> dict[str, Any]:
    return {
        "trained_on": sum(map(len, split.train)),
        "held_out_workloads": [] if split.name == "designs" else [table.header.workload for table in split.test],
        **errors.to_dict(),
    }


def _show(measured: dict[str, Errors], metrics: list[str]) -> None:
    """Print errors of each metric, the splits beside one another."""
    headings = ["metric"]
    for name in measured:
        headings += [f"error, {name}", "rank", "in 1 std"]
    rows: list[list[object]] = []
    for metric in metrics:
        row: list[object] = [metric]
        for errors in measured.values():
            e = errors.metrics[metric]
            row += [_percent(e.mape), _figure(e.spearman), _percent(e.within_1_std)]
        rows.append(row)
    output.table(
        headings, rows, "mean relative error, rank correlation within a workload, share within 1 std (68 % meant)"
    )
    for name, errors in measured.items():
        if errors.infeasible:
            output.line(
                f"{name}: feasibility right for {_percent(errors.feasible_accuracy)} of {errors.designs:,} designs "
                f"(balanced accuracy {_percent(errors.balanced_accuracy)}); "
                f"{_percent(errors.false_feasible)} of {errors.infeasible:,} infeasible ones taken to be feasible"
            )


def _percent(value: float) -> str:
    return "–" if math.isnan(value) else f"{100 * value:.1f} %"


def _figure(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"
