"""Evaluates a design space into a table, or into one for each of several workloads."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, overload
from urllib.parse import quote

from ...datasets import Workload
from ...durable import output_file, output_folder, sync_folder
from ...errors import ChipgymError, count, shorten
from ...simulators import Simulator, Value, make_simulator
from ..agents.base import MOST_JOBS
from .parts import parts_folder
from .plan import Plan, make_plan
from .progress import CollectProgress
from .proposals import Proposing, make_proposing
from .together import Collection, collect_tables

WorkloadLike = str | os.PathLike[str] | Workload
Workloads = list[str] | list[WorkloadLike] | tuple[WorkloadLike, ...]

# As pandas, DuckDB, Polars and Spark name the folders of a partitioned table: they read it with a column of this name.
_PARTITION = "workload"
_FILE = "table.parquet"


@overload
def collect(
    simulator: str | Simulator,
    out: str | os.PathLike[str],
    *,
    workload: WorkloadLike | None = None,
    samples: int | None = None,
    seed: int = 0,
    agents: Sequence[str] | None = None,
    objective: str | Sequence[str] | None = None,
    space: Mapping[str, Value | Sequence[Value]] | None = None,
    jobs: int = 1,
    callback: Callable[[CollectProgress], None] | None = None,
    **options: Any,
) -> Collection: ...


@overload
def collect(
    simulator: str,
    out: str | os.PathLike[str],
    *,
    workload: Workloads,
    samples: int | None = None,
    seed: int = 0,
    agents: Sequence[str] | None = None,
    objective: str | Sequence[str] | None = None,
    space: Mapping[str, Value | Sequence[Value]] | None = None,
    jobs: int = 1,
    callback: Callable[[CollectProgress], None] | None = None,
    **options: Any,
) -> tuple[Collection, ...]: ...


def collect(
    simulator: str | Simulator,
    out: str | os.PathLike[str],
    *,
    workload: WorkloadLike | Workloads | None = None,
    samples: int | None = None,
    seed: int = 0,
    agents: Sequence[str] | None = None,
    objective: str | Sequence[str] | None = None,
    space: Mapping[str, Value | Sequence[Value]] | None = None,
    jobs: int = 1,
    callback: Callable[[CollectProgress], None] | None = None,
    **options: Any,
) -> Collection | tuple[Collection, ...]:
    """Evaluate designs of a simulator into a Parquet file, which `load_table` and the `tabular` simulator read.

    The same arguments give the same file, byte for byte, whatever `jobs` is and however often it was interrupted.
    What has been evaluated is kept in the folder `<out>.parts`, a file every two seconds or so, until the table is
    whole. Run the same call again to go on. A table that is there already is left as it is.

    Of a list of workloads, `out` is a folder of tables, `<out>/workload=<name>/table.parquet`, each the same as if it
    had been collected by itself. The folder is there whole or not at all.

    Args:
        simulator: a registered name, or a simulator (then `workload` and `options` must be left out).
        out: the file, or the folder. It is there whole or not at all.
        workload: one, as for `make_simulator`; or a list, for a table of each. (For one table of geometric means over
            several, give the simulator that `make_simulator` makes of them.)
        samples: how many different designs to draw from the grid for each table, the default design among them; None
            for every canonical design.
        seed: of the draw, and of the agents.
        agents: names of those that propose the samples, each an equal share; a design that two propose, and the
            default design, leave room that uniform draws fill. None for uniform draws alone.
        objective: what the agents search for, as for `make_problem`; the simulator's default where None.
        space: restrictions of the grid, as in {"rows": [16, 32], "dataflow": "ws"}.
        jobs: processes that evaluate; searches of several agents and workloads share them too.
        callback: called with the progress after each part.
        options: the simulator's own settings.

    Returns:
        The table, or in the order of a list of workloads theirs.

    Raises:
        ChipgymError: naming the argument that is wrong and the nearest right one; for a file or a folder that belongs
            to something else; and where the disk is full, with what is safe.
    """
    jobs = count("jobs", jobs, high=MOST_JOBS)

    def content(one: Simulator) -> Plan | Proposing:
        narrowed = one.space.narrow(space)
        if agents is not None:
            return make_proposing(one, narrowed, samples, seed, agents, objective)
        if objective is not None:
            raise ChipgymError("objective: nothing is searched for without agents; give agents, or leave it out")
        return make_plan(one, narrowed, samples, seed)

    if isinstance(workload, list | tuple):
        if not isinstance(simulator, str):
            raise ChipgymError("workload and options belong to make_simulator where a simulator object is given")
        folder = output_folder(out)
        made = [make_simulator(simulator, one, **options) for one in workload]
        places = _places(made)
        if folder.exists():
            _check_members(folder, places, f"{folder} is there already and", "choose another folder")
            found = [(folder / place / _FILE, content(one)) for place, one in zip(places, made, strict=True)]
            return collect_tables(found, folder, jobs, callback)
        return _collect_folder(folder, places, list(map(content, made)), jobs, callback)
    path = output_file(out, "table.parquet")
    if isinstance(simulator, str):
        simulator = make_simulator(simulator, workload, **options)
    elif not isinstance(simulator, Simulator):
        raise ChipgymError(f"simulator: {shorten(simulator)} is neither a name such as 'systolic' nor a simulator")
    elif workload is not None or options:
        raise ChipgymError("workload and options belong to make_simulator where a simulator object is given")
    return collect_tables([(path, content(simulator))], parts_folder(path), jobs, callback)[0]


def _collect_folder(
    out: Path,
    places: Sequence[str],
    contents: Sequence[Plan | Proposing],
    jobs: int,
    callback: Callable[[CollectProgress], None] | None,
) -> tuple[Collection, ...]:
    """Collect tables into a folder aside, which takes its place when all are whole."""
    aside = parts_folder(out)
    _check_members(aside, places, str(aside), "remove the folder to begin anew, or choose another", missing=False)
    wanted = [(aside / place / _FILE, content) for place, content in zip(places, contents, strict=True)]
    done = collect_tables(wanted, aside, jobs, callback)
    try:
        aside.replace(out)
        sync_folder(out.parent)
    except OSError as error:
        raise ChipgymError(
            f"out: {out} cannot be written ({error.strerror}); all tables are safe in {aside}, run the same again"
        ) from error
    return tuple(
        Collection(out / place / _FILE, one.designs, one.evaluated, one.digest, one.header)
        for place, one in zip(places, done, strict=True)
    )


def _places(simulators: Sequence[Simulator]) -> list[str]:
    """Name each workload's folder for its table.

    Raises:
        ChipgymError: for none, and for two of one name, which a column of names could not tell apart.
    """
    if not simulators:
        raise ChipgymError("workload: an empty list, expected one workload at least")
    names = [simulator.workload.name for simulator in simulators]
    for name in names:
        if names.count(name) > 1:
            raise ChipgymError(f"workload: two are called {shorten(name)}; expected one of each name")
    return [f"{_PARTITION}={quote(name, safe='')}" for name in names]


def _check_members(folder: Path, places: Sequence[str], where: str, hint: str, missing: bool = True) -> None:
    """Check that a folder has the tables of these workloads and no other's.

    Raises:
        ChipgymError: naming the first that is too many, or where `missing` counts, too few.
    """
    there = {path.name for path in folder.glob(f"{_PARTITION}=*")}
    for name in sorted(there - set(places)):
        raise ChipgymError(f"workload: {where} has {name}, which this has not; {hint}")
    for name in places:
        if missing and name not in there:
            raise ChipgymError(f"workload: {where} has no {name}; {hint}")
