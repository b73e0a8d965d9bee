"""Several tables collected at once: their searches side by side, then what is left to evaluate, then the files."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...datasets import TableHeader
from ...durable import durable_file
from ...errors import ChipgymError
from ..workers import Say, unordered
from .parts import Parts, header_difference, parts_folder
from .plan import Plan
from .progress import Clock, CollectProgress, SearchClock
from .proposals import AgentSearch, Found, Proposing
from .sharing import Evaluator, Shares

Callback = Callable[[CollectProgress], None]


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


@dataclass(eq=False)
class _Table:
    """A table in the making."""

    path: Path
    plan: Plan
    proposing: Proposing | None
    parts: Parts
    evaluated: int = 0

    @property
    def missing(self) -> list[tuple[int, int]]:
        return self.parts.missing(self.plan.span)

    @property
    def known(self) -> int:
        """Designs whose answers are there: in parts, or as agents have found them."""
        return self.parts.designs + sum(map(self.plan.known_among, self.missing))


def collect_tables(
    wanted: Sequence[tuple[Path, Plan | Proposing]], folder: Path, jobs: int, callback: Callback | None
) -> tuple[Collection, ...]:
    """Collect tables, each into its file; those that are there already are left as they are.

    Args:
        wanted: file and content of each.
        folder: where all that is not whole yet is, for messages.
        jobs: processes that search and evaluate.
        callback: called with the progress of all of them together.

    Raises:
        ChipgymError: as `collect`.
    """
    tables = []
    for path, content in wanted:
        plan, proposing = (content, None) if isinstance(content, Plan) else (content.plan, content)
        _check_size(plan)
        tables.append(_Table(path, plan, proposing, Parts(parts_folder(path), plan.header)))
    digests = {table.path: _finished(table.path, table.plan) for table in tables if table.path.exists()}
    making = [table for table in tables if table.path not in digests]
    whole = sum(table.plan.designs for table in tables if table.path in digests)
    with _disk_errors_told(folder, making), contextlib.ExitStack() as held:
        for table in tables:
            if table.path in digests:
                table.parts.remove()  # left behind by a process that was killed after the table was whole
            else:
                held.enter_context(table.parts)
        _search(making, whole, jobs, callback)
        _evaluate(making, whole, jobs, callback)
        for table in making:
            digests[table.path] = _assemble(table)
            table.parts.remove()
    return tuple(
        # Two agents may have evaluated the same design.
        Collection(t.path, t.plan.designs, min(t.evaluated, t.plan.designs), digests[t.path], t.plan.header)
        for t in tables
    )


def _search(tables: Sequence[_Table], whole: int, jobs: int, callback: Callback | None) -> None:
    """Let agents propose the designs of those tables that are of such; `whole` designs are there already."""
    searches = [
        (number, search)
        for number, table in enumerate(tables)
        if table.proposing
        for search in table.proposing.searches(table.parts.folder)
    ]
    clock = SearchClock(whole + sum(table.plan.designs for table in tables))

    def told(task: tuple[int, AgentSearch], said: tuple[int, int]) -> None:
        progress = clock.tell(searches.index(task), *said)
        if callback:
            callback(progress)

    if whole:
        clock.tell(-1, whole, whole)
    found: dict[AgentSearch, Found] = {}
    for (number, search), answer in unordered(_run, searches, min(jobs, max(len(searches), 1)), told):
        found[search] = answer
        tables[number].evaluated += answer.evaluated
    for number, table in enumerate(tables):
        if table.proposing:
            # In the order of the agents, whichever was ready first.
            table.plan = table.proposing.planned([found[search] for n, search in searches if n == number])


def _run(task: tuple[int, AgentSearch], say: Say) -> Found:
    return task[1](say)


def _evaluate(tables: Sequence[_Table], whole: int, jobs: int, callback: Callback | None) -> None:
    """Evaluate what is not known, and write everything down."""
    done = whole + sum(table.known for table in tables)
    total = whole + sum(table.plan.designs for table in tables)
    clock = Clock(done, total)
    shares = Shares([table.missing for table in tables])
    evaluator = Evaluator(tuple(table.plan for table in tables))
    for share, (values, seconds) in unordered(evaluator, shares, jobs if done < total else 1):
        number, numbers = share
        table = tables[number]
        fresh = len(values) - table.plan.known_among(numbers)
        table.parts.write(numbers, values)
        shares.adapt(share, seconds)
        table.evaluated += fresh
        done += fresh
        # What is known already is only written down, which takes no time that is worth a bar.
        if callback and fresh:
            callback(clock.tell(done, seconds))


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
    """Return the checksum of a table that is there already and is the one that was asked for.

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


@contextlib.contextmanager
def _disk_errors_told(folder: Path, tables: Sequence[_Table]) -> Iterator[None]:
    """Turn a disk's errors into one line that says what is safe and how to go on."""
    try:
        yield
    except OSError as error:
        designs = sum(table.parts.designs for table in tables)
        safe = f"{designs} evaluated designs are safe in {folder}; " if designs else ""
        raise ChipgymError(
            f"out: {error.filename or folder} cannot be written ({error.strerror or error}); {safe}"
            "when it can be, run the same again to go on"
        ) from error


def _assemble(table: _Table) -> str:
    """Write the table from its parts, and return its checksum."""
    from ...datasets.table.parquet import TableWriter

    parts, plan = table.parts, table.plan
    with durable_file(table.path, parts.partial(table.path.name)) as file:
        with TableWriter(file, plan.header) as writer:
            for numbers, values in parts.read():
                writer.write(plan.rows(*numbers).astype("int32"), values)
        if writer.rows != plan.designs:
            raise ChipgymError(f"out: {parts.folder} has {writer.rows} of {plan.designs} designs; remove it")
    return writer.digest
