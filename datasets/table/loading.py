"""One way in: a table that ships by its name, or a file."""

from __future__ import annotations

import os
from pathlib import Path

from ...errors import ChipgymError, shorten, unknown
from ...files import is_file, is_folder
from .table import DesignTable

_SHIPPED = Path(__file__).parent / "shipped"


def table_names() -> tuple[str, ...]:
    """List the tables that ship with the package."""
    return tuple(sorted(path.stem for path in _SHIPPED.glob("*.parquet")))


def load_table(spec: str | os.PathLike[str]) -> DesignTable:
    """Load a table of evaluated designs, checked from end to end.

    Args:
        spec: a name of `table_names()`, or the path of a Parquet file that `chipgym.collect` wrote. A name comes
            before a file of that name.

    Raises:
        ChipgymError: nothing has that name; the file is missing, cut off, damaged, too large, of another format, or
            not a table of evaluated designs.
    """
    if not isinstance(spec, str | os.PathLike) or isinstance(os.fspath(spec), bytes):
        raise ChipgymError(f"table: expected a name or a path, got {shorten(spec)}")
    spec = os.path.expanduser(spec) if isinstance(spec, str) else Path(os.path.expanduser(spec))
    if isinstance(spec, str):
        name = spec.strip()
        if not name:
            raise ChipgymError("table: expected a name or a path, got an empty text")
        if name in table_names():
            spec = _SHIPPED / f"{name}.parquet"
        elif not _looks_like_path(spec):
            raise ChipgymError(f"{unknown('table', name, table_names())}, or the path of a .parquet file")
    from .parquet import read_table

    return read_table(spec)


def load_tables(spec: str | os.PathLike[str]) -> tuple[DesignTable, ...]:
    """Load the tables of a folder that `chipgym.collect` wrote for several workloads, or one table.

    Args:
        spec: a folder, whose tables come in the order of their names, or what `load_table` takes.

    Raises:
        ChipgymError: as `load_table`, and for a folder without a table.
    """
    folder = Path(os.path.expanduser(spec)) if isinstance(spec, str | os.PathLike) else None
    if folder is None or not is_folder(folder) or spec in table_names():
        return (load_table(spec),)
    found = sorted(folder.rglob("*.parquet"))
    if not found:
        raise ChipgymError(f"folder {shorten(os.fspath(folder), 200)}: has no .parquet file")
    return tuple(map(load_table, found))


def _looks_like_path(text: str) -> bool:
    if "\0" in text:
        return True  # the reader says what is wrong with it
    return "/" in text or os.sep in text or bool(Path(text).suffix) or is_file(text)
