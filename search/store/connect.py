"""Opening a store: an SQLite file at a path, or any database that SQLAlchemy reaches by URL."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from ...errors import ChipgymError, printable, shorten
from ...files import open_file, reading, reason, status
from . import schema

# Seconds to wait for another process's transaction.
BUSY_S = 30.0
# What PostgreSQL calls the lock that processes take while they open a store; any number that others do not use.
_OPENING = int.from_bytes(b"chipgym")
_SQLITE_HEADER = b"SQLite format 3\0"


def place(store: str | os.PathLike[str]) -> tuple[str, Path | sa.URL]:
    """Return what to call a store in messages (without a password), and its file or URL.

    Raises:
        ChipgymError: where it is neither a path nor a URL.
    """
    if isinstance(store, str) and "://" in store:
        try:
            url = sa.make_url(store)
            url.render_as_string()
        except (ArgumentError, ValueError):  # ValueError: a port that is no number, or half of a letter
            raise ChipgymError("store: not a database URL such as 'postgresql+psycopg://user@host/name'") from None
        if "@" in (url.host or ""):  # the end of a password; it must not come up in a message about the host
            raise ChipgymError("store: a database URL has one '@' before the host; write others as %40")
        if url.drivername in ("postgres", "postgresql"):
            url = url.set(drivername="postgresql+psycopg")
        if url.get_backend_name() == "sqlite":
            _check_sqlite(url)
            if url.database not in (None, "", ":memory:"):
                path = Path(os.path.expanduser(str(url.database)))
                return printable(str(path)), path
        secrets = [name for name in url.query if "passw" in name.lower()]
        return url.difference_update_query(secrets).render_as_string(hide_password=True), url
    if not isinstance(store, str | os.PathLike) or not os.fspath(store) or "\0" in str(store):
        raise ChipgymError(f"store: {shorten(store)} is not a path or a database URL")
    path = Path(os.path.expanduser(store))
    return printable(str(path)), path


def _check_sqlite(url: sa.URL) -> None:
    """Check that a URL of an SQLite file says nothing that would be left aside.

    Least of all a password to encrypt it with.

    Raises:
        ChipgymError: naming what it says.
    """
    expected = "expected sqlite:///PATH, or PATH alone"
    if url.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise ChipgymError(f"store: {url.drivername} is not supported, so that nothing would be encrypted; {expected}")
    given = {"user": url.username, "password": url.password, "host": url.host, "port": url.port, **url.query}
    for name, value in given.items():
        if value:
            raise ChipgymError(f"store: an SQLite file takes no {shorten(name)}; {expected}")


def engine(where: Path | sa.URL, label: str, *, create: bool) -> sa.Engine:
    """Make an engine for a store whose file, where it has one, looks like one.

    Args:
        where: file or URL.
        label: what to call it in messages.
        create: whether a file that does not exist is made, with its folders.

    Raises:
        ChipgymError: naming what is wrong with the place.
    """
    if not isinstance(where, Path):
        return _server(where, label, create)
    _check_file(where, create)
    uri = f"file:{quote(os.fsencode(where.absolute()))}?mode={'rwc' if create else 'rw'}"

    def connect() -> sqlite3.Connection:
        # Transactions are begun by SQLAlchemy's event below, so that creating tables is part of one too.
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        # FULL: a transaction that was committed survives a power cut. The rollback journal is the default and leaves
        # a single file behind, which can be copied.
        connection.execute("PRAGMA synchronous=FULL")
        # A file may come from someone else: its schema calls no functions, and its pages are looked at before use.
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("PRAGMA cell_size_check=ON")
        return connection

    made = sa.create_engine("sqlite://", creator=connect, poolclass=sa.pool.NullPool)

    def begin(connection: sa.Connection) -> None:
        # A writer takes its lock at once, where it waits for another's: a transaction that first reads and then
        # writes would be refused instead.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if create else "BEGIN")

    sa.event.listen(made, "begin", begin)
    return made


def _server(url: sa.URL, label: str, create: bool) -> sa.Engine:
    try:
        # No pool: a search holds one connection, and a reader none between its questions.
        made = sa.create_engine(url, poolclass=sa.pool.NullPool)
    except NoSuchModuleError:
        raise ChipgymError(f"store: no SQLAlchemy dialect for {shorten(label)}") from None
    except ModuleNotFoundError as error:
        extra = ": pip install 'chipgym[postgres]'" if error.name == "psycopg" else ""
        raise ChipgymError(f"store: {label} needs {error.name}, which is not installed{extra}") from None
    except (SQLAlchemyError, ImportError, TypeError, ValueError) as error:
        raise ChipgymError(f"store: {label} cannot be used ({reason(error)})") from None
    if made.dialect.name == "postgresql":
        sa.event.listen(made, "begin", _begin_postgresql if create else _begin_to_read)
    return made


def _begin_postgresql(connection: sa.Connection) -> None:
    # Without a limit a process that vanished in mid-transaction is waited for until TCP gives it up. Floats with all
    # their bits are the default since PostgreSQL 12, unless a role or a database is set otherwise.
    connection.exec_driver_sql(
        f"SELECT set_config('lock_timeout', '{BUSY_S:.0f}s', true), set_config('extra_float_digits', '3', true)"
    )


def _begin_to_read(connection: sa.Connection) -> None:
    # One state of the store in all queries, so that rows and their checksums belong together.
    connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    _begin_postgresql(connection)


def _check_file(path: Path, create: bool) -> None:
    label = printable(str(path))
    try:
        found = status(path)
        if found is None and not create:
            raise ChipgymError(f"store: there is no file {label}")
        if found is not None and stat.S_ISDIR(found.st_mode):
            raise ChipgymError(f"store: {label} is a folder, expected a file such as {path / 'search.db'}")
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
        if found is not None:
            with open_file(path) as file:
                head = file.read(len(_SQLITE_HEADER))
            # A search that was killed before its first transaction leaves an empty file: that is an empty store.
            if head not in (b"", _SQLITE_HEADER):
                raise ChipgymError(f"store: {label} is not a store (not an SQLite file); it was left as it is")
    except (FileExistsError, NotADirectoryError):
        raise ChipgymError(f"store: {printable(str(path.parent))} is not a folder") from None
    except (OSError, ValueError) as error:
        if isinstance(error, ChipgymError):
            raise error if str(error).startswith("store: ") else ChipgymError(f"store: {error}") from None
        raise ChipgymError(f"store: {label} cannot be opened ({reason(error)})") from None


@contextmanager
def readable(label: str, verb: str = "read") -> Iterator[None]:
    """Turn a database's errors while reading, or what `verb` says, into one line.

    Raises:
        ChipgymError: for any of them.
    """
    with reading(f"store: {label} cannot be {verb}"):
        yield


@contextmanager
def writable(label: str, stored: int | None = None) -> Iterator[None]:
    """Turn a database's errors while writing into one line that says what is safe and how to go on.

    Args:
        label: what to call the store.
        stored: how many designs the run has in it, None where that is not known yet.

    Raises:
        ChipgymError: for any of them.
    """
    safe = "what is stored is intact" if stored is None else f"the {stored} designs stored so far are intact"
    try:
        yield
    except IntegrityError as error:
        raise ChipgymError(
            f"store: another process is writing this run to {label}; {safe}; "
            "wait for it and run the same search again to continue, or choose another store"
        ) from error
    except (SQLAlchemyError, sqlite3.Error) as error:
        if _is_damage(error):
            raise ChipgymError(f"store: {label} is damaged ({reason(error)}); choose another store") from error
        raise ChipgymError(
            f"store: {label} cannot be written ({reason(error)}); {safe}; "
            "when it can be, run the same search again to resume"
        ) from error


def _is_damage(error: Exception) -> bool:
    """Tell whether SQLite says that the file itself is broken, so that nothing in it can be called safe."""
    code = getattr(getattr(error, "orig", error), "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)  # primary codes


def prepare(connection: sa.Connection, label: str, *, create: bool) -> str | None:
    """Check that a database is a store of a known format, and make it one where it is empty and `create` says so.

    With `create`, one process at a time goes on from here to the end of its transaction.

    Returns:
        The format; None for an empty database that is not to be changed.

    Raises:
        ChipgymError: for another program's database or another format.
    """
    if create and connection.dialect.name == "postgresql":
        # As SQLite's BEGIN IMMEDIATE: two that both find an empty database would both make the tables.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_OPENING)))
    tables = set(sa.inspect(connection).get_table_names())
    if schema.meta.name not in tables:
        # A file is a store or it is not; a database server may hold other tables beside ours.
        if tables if connection.dialect.name == "sqlite" else tables & set(schema.metadata.tables):
            raise ChipgymError(f"store: {label} is a database of another program; it was left as it is")
        if not create:
            return None
        schema.metadata.create_all(connection)
        connection.execute(schema.meta.insert().values(key="format", value=schema.FORMAT))
        return schema.FORMAT
    query = sa.select(schema.meta.c.value).where(schema.meta.c.key == "format")
    found = connection.execute(query).scalar()
    if found not in (schema.FORMAT, schema.UNSEALED):
        raise ChipgymError(
            f"store format: {label} has {shorten(found)}, this version writes {schema.FORMAT!r}; choose another store"
        )
    needed = set(schema.metadata.tables if found == schema.FORMAT else schema.FIRST)
    if not needed <= tables or (found == schema.UNSEALED and schema.seals.name in tables):
        raise ChipgymError(f"store: {label} is damaged (its tables are not those of format {found})")
    if create and found == schema.UNSEALED:  # what a store from before there was any has not
        schema.metadata.create_all(connection, [schema.reasons, schema.starts])
    return str(found)
