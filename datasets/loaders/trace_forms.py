"""What a line of a memory-trace file looks like in each simulator's form, and what it says.

Each follows the reader of the simulator that it comes from: DRAMSys 5 (`StlPlayer`), Ramulator 1 (`Processor.cpp`),
Ramulator 2 (`memory_trace`, `simpleO3`), DRAMSim2 (`TraceBasedSim.cpp`), DRAMsim3 (`common.cc`) and USIMM. Numbers
without 0x are hexadecimal where that reader takes them so, and decimal in Ramulator 2's loads and stores and in the
traces of processors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

Flags = np.ndarray[Any, np.dtype[np.bool_]]
#: What the groups of a form's pattern match, a tuple per line.
Groups = Sequence[tuple[bytes, ...]]


class Rows(NamedTuple):
    """What n lines say, a list of n each.

    Attributes:
        stamps: cycles; since when is the form's affair.
        is_write: bool (n,).
        addresses: first bytes, or places of vectors from the last one.
        sizes: bytes, 0 where none is given; None where none ever is.
        written_back: an address that is written in the same cycle, -1 where there is none; None where none ever is.
    """

    stamps: list[int]
    is_write: Flags
    addresses: list[int] | list[list[int]]
    sizes: list[int] | None = None
    written_back: list[int] | None = None


@dataclass(frozen=True)
class Form:
    """One form of a line.

    Attributes:
        example: for messages.
        core: regular expression of a line without the blanks around it, case aside.
        rows: what its groups say.
        stamped: whether a line has a time of its own, rather than cycles since the request before.
        vectors: whether addresses are vectors.
    """

    example: str
    core: str
    rows: Callable[[Groups], Rows]
    stamped: bool = False
    vectors: bool = False
    #: A line that begins at once, ended by its end; or, as the last group, a line that is none of this form.
    pattern: re.Pattern[bytes] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        whole = rf"(?im)^(?:{self.core}[ \t\r\f\v]*$|(\S[^\n]*))"
        object.__setattr__(self, "pattern", re.compile(whole.encode()))


_DECIMAL, _HEX, _EITHER = r"([0-9]{1,19})", r"(?:0x)?([0-9a-f]{1,16})", r"(0x[0-9a-f]{1,16}|[0-9]{1,19})"
_GAP = r"[ \t]+"
# DRAMSim2 and DRAMsim3 write for these alone: a P_LOCK_WR reads in both.
_WRITES = frozenset((b"WRITE", b"P_MEM_WR", b"BOFF"))
_READS = ("READ", "IFETCH", "P_FETCH", "P_MEM_RD", "P_LOCK_RD", "P_LOCK_WR", "P_INT_ACK")
_OPERATIONS = "|".join([*_READS, *sorted(w.decode() for w in _WRITES)])


def _hex(texts: Sequence[bytes]) -> list[int]:
    return [int(text, 16) for text in texts]


def _either(texts: Sequence[bytes]) -> list[int]:
    return [int(text, 16) if text[1:2] in (b"x", b"X") else int(text) for text in texts]


def _sizes(texts: Sequence[bytes]) -> list[int] | None:
    """Return sizes in bytes; -1 for a size of 0, which 0 would not tell from none."""
    return [int(text) or -1 if text else 0 for text in texts] if any(texts) else None


def _begins(texts: Sequence[bytes], letters: bytes) -> Flags:
    return np.array([text[:1] in letters for text in texts], np.bool_)


def _one_a_cycle(operations: Sequence[bytes], letters: bytes, addresses: list[int] | list[list[int]]) -> Rows:
    return Rows([1] * len(operations), _begins(operations, letters), addresses)


def _dramsys(found: Groups) -> Rows:
    stamps, sizes, operations, addresses, _ = zip(*found, strict=True)
    return Rows(list(map(int, stamps)), _begins(operations, b"wW"), _hex(addresses), _sizes(sizes))


def _dramsim(found: Groups) -> Rows:
    addresses, operations, stamps, sizes, _ = zip(*found, strict=True)
    writes = np.array([operation.upper() in _WRITES for operation in operations], np.bool_)
    return Rows(list(map(int, stamps)), writes, _hex(addresses), _sizes(sizes))


def _timeless(found: Groups) -> Rows:
    addresses, operations, _ = zip(*found, strict=True)
    return _one_a_cycle(operations, b"wW", _hex(addresses))


def _load_store(found: Groups) -> Rows:
    operations, addresses, _ = zip(*found, strict=True)
    return _one_a_cycle(operations, b"sS", _either(addresses))


def _vector(found: Groups) -> Rows:
    operations, vectors, _ = zip(*found, strict=True)
    return _one_a_cycle(operations, b"wW", [[int(place) for place in text.split(b",")[::-1]] for text in vectors])


def _usimm(found: Groups) -> Rows:
    gaps, operations, addresses, _ = zip(*found, strict=True)
    return Rows([int(gap) + 1 for gap in gaps], _begins(operations, b"wW"), _hex(addresses))


def _processor(found: Groups) -> Rows:
    gaps, addresses, backs, operations, _ = zip(*found, strict=True)
    back = [int(text, 16) if text[1:2] in (b"x", b"X") else int(text) if text else -1 for text in backs]
    return Rows(
        [int(gap) + 1 for gap in gaps],
        np.array([operation in (b"w", b"W") for operation in operations], np.bool_),
        _either(addresses),
        None,
        back if any(backs) else None,
    )


def _of_dramsys(colon: str) -> Form:
    size = rf"(?:\([ \t]*{_DECIMAL}[ \t]*\)[ \t]*)?"
    core = rf"{_DECIMAL}{colon}{size}(read|write){_GAP}{_HEX}(?:{_GAP}\S*)?"
    return Form("'31: read 0x400140'", core, _dramsys, stamped=True)


#: What `.stl` and `.rstl` files alone may hold: DRAMSys needs no colon, without which a line may be DRAMSim's as well.
_LOOSE = _of_dramsys(rf"(?:[ \t]*:[ \t]*|{_GAP})")
#: Forms in the order in which a file's first request is tried against them.
FORMS: tuple[Form, ...] = (
    _of_dramsys(r"[ \t]*:[ \t]*"),
    Form(
        "'0x400140 READ 31'",
        rf"{_HEX}{_GAP}({_OPERATIONS}){_GAP}{_DECIMAL}(?:{_GAP}{_DECIMAL}B)?",
        _dramsim,
        stamped=True,
    ),
    Form("'0x400140 write 00ff'", rf"{_HEX}{_GAP}(read|write)(?:{_GAP}[0-9a-f]+)?", _timeless),
    Form("'0x400140 R'", rf"{_HEX}{_GAP}([RW])", _timeless),
    Form("'LD 0x400140'", rf"(LD|ST){_GAP}{_EITHER}", _load_store),
    Form(
        "'R 0,1,2,100,32'",
        rf"([RW]){_GAP}([0-9]{{1,19}}(?:[ \t]*,[ \t]*[0-9]{{1,19}})+)",
        _vector,
        vectors=True,
    ),
    Form("'3 R 0x400140'", rf"{_DECIMAL}{_GAP}([RW]){_GAP}{_HEX}(?:{_GAP}(?:0x)?[0-9a-f]{{1,16}})?", _usimm),
    Form("'3 4194624'", rf"{_DECIMAL}{_GAP}{_EITHER}(?:{_GAP}(?:{_EITHER}|([RW])))?", _processor),
)


def form_of(line: bytes, dramsys: bool) -> Form | None:
    """Return the form that a file's first request is of, or None where it is of no known one.

    Args:
        line: the request, its comment removed.
        dramsys: whether the file's extension is one of DRAMSys's.
    """
    forms = (_LOOSE, *FORMS[1:]) if dramsys else FORMS
    return next((form for form in forms if (found := form.pattern.match(line)) and not found[found.re.groups]), None)
