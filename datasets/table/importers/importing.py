"""One way in: an importer by its name, from a file or an installed package to a table file."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

from ....durable import check_writable, durable_file, output_file, writing
from ....errors import ChipgymError, unknown
from ....files import named, read_bytes
from ..table import DesignTable
from .boom import read_boom


@dataclass(frozen=True, slots=True)
class Importer:
    """How a published table is read.

    Attributes:
        name: what `import_table` takes.
        doc: one line.
        package: the distribution on PyPI that has the file, and its file's name inside it.
        version: of the package that the importer was written for.
        read: makes a table of the file's content and the version of what it is from.
        most: bytes that such a file may have.
    """

    name: str
    doc: str
    package: tuple[str, str]
    version: str
    read: Callable[[bytes, str, str], DesignTable]
    most: int


IMPORTERS = {
    i.name: i
    for i in (
        Importer(
            "iccad-boom", "15,633 RISC-V BOOM cores of the ICCAD 2022 contest, its dummy figures",
            ("iccad-contest", "contest.csv"), "0.1.3", read_boom, 2**26,
        ),
    )
}  # fmt: skip


def import_table(
    name: str, out: str | os.PathLike[str] | None = None, source: str | os.PathLike[str] | None = None
) -> DesignTable:
    """Make a table of designs that others have published.

    Args:
        name: one of `IMPORTERS`.
        out: a .parquet file to write it to, which replaces what is there; None to keep it in memory.
        source: the published file; where None, it is taken from the package that ships it, which is not imported.

    Returns:
        The table, for `chipgym.make_problem("tabular", workload=table)` or by the path of `out`.

    Raises:
        ChipgymError: for an unknown name, a package that is not installed, a file that is not what the importer reads,
            or an output that cannot be written.
    """
    if not isinstance(name, str) or name not in IMPORTERS:
        raise unknown("importer", name, IMPORTERS)
    importer = IMPORTERS[name]
    path = None if out is None else output_file(out, f"{name}.parquet")
    if path is not None:
        check_writable(path)
    found, version = _installed(importer) if source is None else (source, "")
    table = importer.read(read_bytes(found, importer.most), named(found), version)
    if path is not None:
        _write(table, path)
    return table


def _installed(importer: Importer) -> tuple[Path, str]:
    """Return where an installed package has its file, and the package's version, without importing it."""
    package, file = importer.package
    try:
        distribution = metadata.distribution(package)
    except metadata.PackageNotFoundError:
        raise ChipgymError(
            f"{importer.name}: {package} is not installed; pip install {package}=={importer.version} or give its {file}"
        ) from None
    for entry in distribution.files or ():
        if entry.name == file:
            return Path(str(distribution.locate_file(entry))), distribution.version
    raise ChipgymError(f"{importer.name}: {package} {distribution.version} has no {file}; give it as the source")


def _write(table: DesignTable, path: Path) -> None:
    from ..parquet import TableWriter

    values = np.stack([*(table.metrics[m.name] for m in table.header.metrics), table.violation], axis=1)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with durable_file(path) as file, TableWriter(file, table.header) as writer:
            writer.write(table.positions, values)
