"""Evaluates a design space into a table, in parts that a killed collection goes on from."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...datasets import TableHeader, Workload
from ...durable import durable_file, output_file
from ...errors import ChipgymError, shorten
from ...simulators import DesignSpace, Simulator, Value, make_simulator
from ...simulators.core.parameter import Column
from ...simulators.tabular import header_of
from ..agents.base import whole
from ..workers import unordered
from .parts import Parts, Range, header_difference
from .plan import Plan, checked_samples, make_plan
from .proposals import checked_agents, propose

# Numbers of the first part of a process; then as many as take about PART_S, which is what a kill can cost.
FIRST_PART = 64
MOST_IN_PART = 262144
PART_S = 2.0


@dataclass(frozen=True, slots=True)
class CollectProgress:
    """A collection after a part.

    Attributes:
        done: designs evaluated, those of earlier processes included.
        total: designs to evaluate.
        resumed: designs that earlier processes have evaluated.
        elapsed_s: seconds that this process has evaluated.
        rate: designs evaluated per second by this process, without its first part unless that is all.
        left_s: estimated seconds to the last design; None before the first.
    """

    done: int
    total: int
    resumed: int
    elapsed_s: float
    rate: float
    left_s: float | None


@dataclass(frozen=True, slots=True)
class Collection:
    """A table that was collected.

    Attributes:
        path: the file.
        designs: how many are in it.
        evaluated: how many of them this call has evaluated.
        digest: checksum of its content, sha256 in hex.
        header: what the table says of itself.
    """

    path: Path
    designs: int
    evaluated: int
    digest: str
    header: TableHeader


def parts_folder(out: str | os.PathLike[str]) -> Path:
    """Where the parts of a table are until it is whole."""
    path = Path(os.path.expanduser(out))
    return path.with_name(f"{path.name}.parts")


def collect(
    simulator: str | Simulator,
    out: str | os.PathLike[str],
    *,
    workload: str | os.PathLike[str] | Workload | None = None,
    samples: int | None = None,
    seed: int = 0,
    agents: Sequence[str] | None = None,
    space: Mapping[str, Value | Sequence[Value]] | None = None,
    jobs: int = 1,
    callback: Callable[[CollectProgress], None] | None = None,
    **options: Any,
) -> Collection:
    """Evaluates designs of a simulator into a Parquet file, which `load_table` and the `tabular` simulator read.

    The same arguments give the same file, byte for byte, whatever `jobs` is and however often it was interrupted: what
    has been evaluated is kept in the folder `<out>.parts`, a file every two seconds or so, until the table is whole.
    Run the same call again to go on. A table that is there already is left as it is.

    Args:
        simulator: a registered name, or a simulator (then `workload` and `options` must be left out).
        out: the file. It is there whole or not at all.
        workload: as for `make_simulator`.
        samples: how many different designs to draw from the grid, the default design among them; None for every
            canonical design.
        seed: of the draw, and of the agents.
        agents: names of those that propose the samples, each an equal share, searching for the simulator's default
            objective; a design that two propose, and the default design, leave room that uniform draws fill. They
            learn one after the other in this process. None for uniform draws alone.
        space: restrictions of the grid, as in {"rows": [16, 32], "dataflow": "ws"}.
        jobs: processes that evaluate.
        callback: called with the progress after each part.
        options: the simulator's own settings.

    Raises:
        ChipgymError: naming the argument that is wrong and the nearest right one; for a file or a folder that belongs
            to something else; and where the disk is full, with what is safe.
    """
    path = output_file(out, "table.parquet")
    if isinstance(simulator, str):
        simulator = make_simulator(simulator, workload, **options)
    elif not isinstance(simulator, Simulator):
        raise ChipgymError(f"simulator: {shorten(simulator)} is neither a name such as 'systolic' nor a simulator")
    elif workload is not None or options:
        raise ChipgymError("workload and options belong to make_simulator where a simulator object is given")
    jobs = whole("jobs", jobs)
    narrowed = simulator.space.narrow(space)
    if agents is None:
        plan = make_plan(simulator, narrowed, samples, seed)
    else:
        plan = _unproposed(simulator, narrowed, samples, seed, checked_agents(agents))
    _check_size(plan)
    parts = Parts(parts_folder(path), plan.header)
    if path.exists():
        digest = _finished(path, plan)
        with _told(parts):
            parts.remove()  # left behind by a process that was killed after the table was whole
        return Collection(path, plan.designs, 0, digest, plan.header)
    with _told(parts), parts:
        searched, plan = _proposed(plan, parts, callback)
        known = sum(map(plan.known_among, parts.missing(plan.span)))
        # What agents have evaluated is only written down, which takes no time that is worth a bar.
        evaluated = searched + _evaluate(plan, parts, jobs, None if known else callback) - known
        evaluated = min(evaluated, plan.designs)  # two agents may have evaluated the same design
        digest = _assemble(plan, parts, path)
        parts.remove()
    return Collection(path, plan.designs, evaluated, digest, plan.header)


def _unproposed(
    simulator: Simulator, space: DesignSpace, samples: int | None, seed: int, agents: tuple[str, ...]
) -> Plan:
    """A plan whose designs agents have yet to propose: what a table says of itself does not depend on them."""
    if samples is None:
        raise ChipgymError("samples: agents propose a number of designs; expected samples beside agents")
    n, seed = checked_samples(space, samples), whole("seed", seed, 0)
    nothing = np.empty((n, len(space)), dtype=np.int64)
    return Plan(simulator, space, header_of(simulator, space, n, seed, agents), nothing)


def _proposed(plan: Plan, parts: Parts, callback: Callable[[CollectProgress], None] | None) -> tuple[int, Plan]:
    """The plan with what agents propose, where they do, and how many designs this process evaluated for it."""
    header = plan.header
    if header.agents is None or header.seed is None:
        return 0, plan

    def tell(done: int, resumed: int, elapsed_s: float) -> None:
        rate = max(done - resumed, 0) / max(elapsed_s, 1e-9)
        left = (plan.designs - done) / rate if rate > 0 else None
        if callback:
            callback(CollectProgress(done, plan.designs, resumed, elapsed_s, rate, left))

    found = propose(plan.simulator, plan.space, header.agents, plan.designs, header.seed, parts.folder, tell)
    return found.evaluated, replace(plan, samples=found.rows, known=found.known)


def _check_size(plan: Plan) -> None:
    from ...datasets.table.parquet import MAX_BYTES, decoded_bytes

    size = decoded_bytes(plan.header, plan.designs)
    if size > MAX_BYTES:
        most = plan.designs * MAX_BYTES // size
        raise ChipgymError(
            f"out: {plan.designs} designs take {size / 2**30:.3g} GiB, at most {MAX_BYTES >> 30} can be read back; "
            f"narrow the space or draw samples, at most {most}"
        )


def _finished(path: Path, plan: Plan) -> str:
    """The checksum of a table that is there already and is the one that was asked for.

    Raises:
        ChipgymError: where it is something else.
    """
    from ...datasets.table.parquet import read_header

    try:
        header, digest, _ = read_header(path)
    except ChipgymError as error:
        raise ChipgymError(f"out: {path} is there already and is no table; choose another ({error})") from None
    if header.to_json() != plan.header.to_json():
        where, has, this = header_difference(header, plan.header)
        raise ChipgymError(f"{where}: {path} is there already and has {has}, this is {this}; choose another file")
    return digest


@contextmanager
def _told(parts: Parts) -> Iterator[None]:
    """Turns a disk's errors into one line that says what is safe and how to go on."""
    try:
        yield
    except OSError as error:
        safe = f"{parts.designs} evaluated designs are safe in {parts.folder}; " if parts.designs else ""
        raise ChipgymError(
            f"out: {error.filename or parts.folder} cannot be written ({error.strerror or error}); {safe}"
            "when it can be, run the same again to go on"
        ) from error


def _evaluate(plan: Plan, parts: Parts, jobs: int, callback: Callable[[CollectProgress], None] | None) -> int:
    """Evaluates what is missing, and says how many designs that were."""
    clock = _Clock(parts.designs, plan.designs)
    shares = _Shares(parts.missing(plan.span))
    for numbers, (values, seconds) in unordered(_Timed(plan), shares, jobs):
        parts.write(numbers, values)
        shares.adapt(numbers, seconds)
        progress = clock.tell(parts.designs, seconds)
        if callback:
            callback(progress)
    return parts.designs - clock.resumed


class _Clock:
    """How fast designs are evaluated.

    The start of processes is left out, and from the second part on so is the first: kernels are compiled in it, and it
    would make the time left look many times what it is.
    """

    def __init__(self, resumed: int, total: int) -> None:
        self.resumed = resumed
        self._total = total
        self._begun: float | None = None
        self._since, self._counted = 0.0, resumed

    def tell(self, done: int, seconds: float) -> CollectProgress:
        """Progress after a part that took so many seconds, with so many designs done in all."""
        now = time.perf_counter()
        first = self._begun is None
        if self._begun is None:
            self._begun = self._since = now - seconds
        rate = (done - self._counted) / max(now - self._since, 1e-9)
        if first:
            self._since, self._counted = now, done
        left = (self._total - done) / rate if rate > 0 else None
        return CollectProgress(done, self._total, self.resumed, now - self._begun, rate, left)


@dataclass(frozen=True)
class _Timed:
    """A plan that also says how many seconds a range took."""

    plan: Plan

    def __call__(self, numbers: Range) -> tuple[Column, float]:
        begun = time.perf_counter()
        return self.plan(numbers), time.perf_counter() - begun


class _Shares:
    """Ranges still to be evaluated, cut into parts that take about as long as may be lost."""

    def __init__(self, missing: Sequence[Range]) -> None:
        self._missing = list(reversed(missing))
        self._size = FIRST_PART

    def __iter__(self) -> Iterator[Range]:
        while self._missing:
            start, end = self._missing.pop()
            stop = min(start + self._size, end)
            if stop < end:
                self._missing.append((stop, end))
            yield start, stop

    def adapt(self, numbers: Range, seconds: float) -> None:
        """Learns how long a part took."""
        count = numbers[1] - numbers[0]
        wanted = round(count * PART_S / max(seconds, 1e-9))
        if wanted < self._size or count == self._size:  # a small rest of a range says little about larger parts
            self._size = max(1, min(wanted, 4 * self._size, MOST_IN_PART))


def _assemble(plan: Plan, parts: Parts, path: Path) -> str:
    """Writes the table from its parts, and says its checksum."""
    from ...datasets.table.parquet import TableWriter

    with durable_file(path, parts.partial(path.name)) as file:
        with TableWriter(file, plan.header) as table:
            for numbers, values in parts.read():
                table.write(plan.rows(*numbers).astype("int32"), values)
        if table.rows != plan.designs:
            raise ChipgymError(f"out: {parts.folder} has {table.rows} of {plan.designs} designs; remove it")
    return table.digest
