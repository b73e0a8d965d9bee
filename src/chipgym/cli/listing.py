"""`chipgym list`: what is registered, and what it takes and answers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import ChipgymError, unknown
from . import output, parse
from .options import Json, SimulatorOptions

if TYPE_CHECKING:
    from ..simulators import Parameter, Simulator

Rows = list[dict[str, Any]]

# Values of a grid beyond which only its ends are shown; `--json` has them all.
SHOWN_VALUES = 12


def list_registered(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="[WHAT]",
            help="simulators, workloads, tables, surrogates, agents, objectives, metrics or knobs; all where left out.",
            show_default=False,
        ),
    ] = None,
    of: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="A simulator (options with their values, objectives, metrics, knobs), an agent (options), or a"
            " workload's, table's or model's name or file.",
            show_default=False,
        ),
    ] = None,
    workload: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of a simulator's knobs: on this workload.", show_default=False),
    ] = None,
    option: SimulatorOptions = None,
    json: Json = False,
) -> None:
    """List simulators, workloads, tables, surrogates and agents, or a simulator's knobs, metrics and objectives."""
    if (workload is not None or option) and (what not in SIMULATOR_LISTS or of is None):
        flag = "--option" if workload is None else "--workload"
        raise ChipgymError(f"{flag}: goes with the {', '.join(SIMULATOR_LISTS)} of one simulator alone")
    if what is None:
        _overview(json)
        return
    if what in SIMULATOR_LISTS:
        rows = [row for simulator in _made(of, workload, option or ()) for row in SIMULATOR_LISTS[what](simulator)]
    elif what in LISTS:
        rows = LISTS[what](of)
    else:
        raise _unknown_list(what)
    if json:
        output.as_json(rows)
    elif not rows and of is not None:
        output.line(f"{of} has no options")
    else:
        _table(rows)


def _overview(json: bool) -> None:
    from ..datasets import kernel_names, network_names, table_names, trace_names
    from ..search import registered_agents
    from ..simulators import registered
    from ..surrogates import surrogate_names

    names: Mapping[str, Sequence[str]] = {
        "simulators": [e.name for e in registered()],
        "workloads": [*network_names(), *trace_names(), *kernel_names()],
        "tables": list(table_names()),
        "surrogates": list(surrogate_names()),
        "agents": [e.name for e in registered_agents()],
    }
    if json:
        output.as_json(names)
        return
    for kind, found in names.items():
        output.line(f"{kind + ':':12} {', '.join(found)}")
    output.line("")
    output.line(
        "More: chipgym list simulators|workloads|tables|surrogates|agents, "
        "chipgym list knobs|metrics|objectives SIMULATOR"
    )


def _unknown_list(what: str) -> ChipgymError:
    from ..simulators import registered

    if what in {e.name for e in registered()}:
        kinds = "|".join(["simulators", *SIMULATOR_LISTS])
        return ChipgymError(f"unknown list {what!r}: it is a simulator; try chipgym list {kinds} {what}")
    return unknown("list", what, [*LISTS, *SIMULATOR_LISTS])


def _simulators(of: str | None) -> Rows:
    from ..simulators import make_simulator, registered
    from ..simulators.core.registry import simulator_options

    if of is not None:
        made = make_simulator(of)
        rows = []
        for name, default in simulator_options(of).items():
            values = made.option_values.get(name)
            settled = made.options.get(name, default)  # what a default of "the usual one" comes to
            listed = values if values is None or isinstance(values, str) else list(values)
            rows.append({"option": name, "default": settled, "values": listed})
        return rows
    return [{"simulator": e.name, "about": e.doc} for e in registered()]


def _workloads(of: str | None) -> Rows:
    from ..datasets import Kernel, Network, Trace, kernel_names, load_workload, network_names, trace_names

    rows = []
    for name in [*network_names(), *trace_names(), *kernel_names()] if of is None else [of]:
        workload = load_workload(name)
        row: dict[str, Any] = {"workload": workload.name, "kind": type(workload).__name__.lower()}
        row |= dict.fromkeys(("macs", "parameters", "operators", "requests", "writes", "loops", "pragmas"))
        if isinstance(workload, Kernel):
            loops = list(workload.walk())
            row |= {"loops": len(loops), "pragmas": sum(len(loop.knobs) for loop in loops)}
        if isinstance(workload, Network):
            row |= {"macs": workload.macs, "parameters": workload.parameters, "operators": len(workload.nodes)}
        if isinstance(workload, Trace):
            row |= {"requests": len(workload), "writes": int(workload.is_write.sum())}
        rows.append(row)
    return rows


def _tables(of: str | None) -> Rows:
    from ..datasets import load_table, table_names

    rows = []
    for name in table_names() if of is None else [of]:
        table = load_table(name)
        header = table.header
        row = {"table": name, "simulator": header.simulator, "workload": header.workload, "designs": len(table)}
        rows.append({**row, "feasible": int(table.feasible.sum()), "drawn": header.samples is not None})
    return rows


def _surrogates(of: str | None) -> Rows:
    from ..surrogates import load_surrogate, surrogate_names

    rows = []
    for name in surrogate_names() if of is None else [of]:
        found = load_surrogate(name)
        row = {"surrogate": name, "model": found.model, "simulator": found.header.simulator}
        designs = sum(table.designs for table in found.tables)
        rows.append({**row, "designs": designs, "workloads": ", ".join(found.workloads)})
    return rows


def _agents(of: str | None) -> Rows:
    from ..search import agent_options, registered_agents

    if of is not None:
        return [{"option": name, "default": default} for name, default in agent_options(of).items()]
    return [{"agent": e.name, "about": e.doc} for e in registered_agents()]


def _objectives(simulator: Simulator) -> Rows:
    from ..simulators.core.objective import list_presets

    return [
        {
            "simulator": simulator.name,
            "objective": preset.name,
            "minimises": ", ".join(preset.minimises),
            "default": preset.default,
        }
        for preset in list_presets(simulator.metrics, simulator.objectives, simulator.default_objective)
    ]


def _metrics(simulator: Simulator) -> Rows:
    return [
        {"simulator": simulator.name, "metric": m.name, "unit": m.unit, "better": m.goal, "about": m.doc}
        for m in simulator.metrics
    ]


def _knobs(simulator: Simulator) -> Rows:
    return [_knob(simulator, p) for p in simulator.space.parameters]


def _knob(simulator: Simulator, knob: Parameter) -> dict[str, Any]:
    about = knob.describe()
    return {
        "simulator": simulator.name,
        "knob": knob.name,
        "grid": about["values"],
        "accepts": about["accepts"],
        "default": about["default"],
        "unit": about["unit"],
        "active_when": about["active_when"],
        "about": about["doc"],
    }


def _made(of: str | None, workload: str | None, options: Sequence[str]) -> list[Simulator]:
    """Make the simulator called `of` as it is asked for, or every one on its default workload."""
    from ..simulators import make_simulator, registered

    if of is None:
        return [made for e in registered() if (made := _made_or_warned(e.name)) is not None]
    return [make_simulator(of, workload, **parse.simulator_settings(of, options))]


def _made_or_warned(name: str) -> Simulator | None:
    """Make a simulator on its default workload; None, and a warning, where one of another package cannot be made."""
    from ..simulators import make_simulator
    from ..simulators.core.registry import plugin_package

    try:
        return make_simulator(name)
    except Exception as error:
        package = plugin_package(name)
        if package is None:
            raise
        warnings.warn(f"simulator {name!r} of {package} is left out ({error})", stacklevel=2)
        return None


def _table(rows: Rows) -> None:
    columns = list(rows[0]) if rows else ["nothing registered"]
    # One simulator's own rows need not repeat its name, nor a column in which no row has anything to say.
    if len({row.get("simulator") for row in rows}) == 1 and len(columns) > 2:
        columns = [c for c in columns if c != "simulator"]
    columns = [c for c in columns if any(row[c] not in (None, "") for row in rows)] or columns
    output.table(columns, [[_cell(row[c]) for c in columns] for row in rows])


def _cell(value: object) -> object:
    if isinstance(value, list):
        shown = value if len(value) <= SHOWN_VALUES else [*value[:3], "…", *value[-2:]]
        return " ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in shown)
    return {True: "yes", False: ""}.get(value, value) if isinstance(value, bool) else value


LISTS: Mapping[str, Callable[[str | None], Rows]] = {
    "simulators": _simulators,
    "workloads": _workloads,
    "tables": _tables,
    "surrogates": _surrogates,
    "agents": _agents,
}
# What a simulator takes and answers, which may depend on its workload and options.
SIMULATOR_LISTS: Mapping[str, Callable[[Simulator], Rows]] = {
    "objectives": _objectives,
    "metrics": _metrics,
    "knobs": _knobs,
}
