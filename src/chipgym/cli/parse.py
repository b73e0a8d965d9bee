"""`name=value` texts of the command line as the Python values that they stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import ChipgymError, shorten, unknown

if TYPE_CHECKING:
    from ..simulators import Parameter, Simulator, Value

_WHOLE = re.compile(r"[+-]?[0-9]{1,4000}")  # int() refuses more digits
_REAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(inf|nan)", re.IGNORECASE)
_WORDS = {"true": True, "false": False, "none": None}


def number(text: str) -> int | float | str:
    """Read a text as a whole number, else a real number (`inf` and `nan` included), else itself."""
    text = text.strip()
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _REAL.fullmatch(text) else text


def pairs(flag: str, texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Split `name=value` texts in order.

    Raises:
        ChipgymError: naming `flag` for a text of another form, or a name that comes twice.
    """
    seen = set()
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name or not value:
            raise ChipgymError(f"{flag}: {shorten(text)} is not of the form name=value")
        if name in seen:
            raise ChipgymError(f"{flag}: {name} is given twice")
        seen.add(name)
        yield name, value


def design(simulator: Simulator, texts: Iterable[str]) -> dict[str, Value]:
    """Read a design from texts such as `rows=64`; the space checks that the values are in their domains.

    Raises:
        ChipgymError: for another form, a knob that the space has not, or text where it takes numbers.
    """
    return {name: _knob_value(_knob(simulator, name), value) for name, value in pairs("--set", texts)}


def start(simulator: Simulator, texts: Iterable[str]) -> list[dict[str, Value]]:
    """Read designs from texts such as `rows=64,cols=32`.

    Raises:
        ChipgymError: as `design`.
    """
    out = []
    for text in texts:
        settings = pairs("--start", text.split(","))
        out.append({name: _knob_value(_knob(simulator, name), value) for name, value in settings})
    return out


def exceptions(texts: Iterable[str]) -> tuple[type[Exception], ...]:
    """Find types of exceptions by names such as `ValueError` or `package.module:CrashError`.

    Raises:
        ChipgymError: for a name that no exception has.
    """
    import builtins

    from ..simulators import load_target

    known = {name: kind for name, kind in vars(builtins).items() if _is_exception(kind)}
    out = []
    for text in texts:
        if ":" not in text and text not in known:
            raise unknown("exception of --catch:", text, known)
        try:
            kind = known[text] if text in known else load_target(text)
        except (ImportError, AttributeError, ValueError) as error:
            raise ChipgymError(f"--catch: {shorten(text)} cannot be imported ({error})") from None
        if not _is_exception(kind):
            raise ChipgymError(f"--catch: {shorten(text)} is not a type of exception such as ValueError")
        out.append(kind)
    return tuple(out)


def _is_exception(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Exception)


def restrictions(simulator: Simulator, texts: Iterable[str]) -> dict[str, list[Value]]:
    """Read parts of a grid from texts such as `rows=16,32`.

    Raises:
        ChipgymError: for another form, a knob that the space has not, or a value outside its domain.
    """
    out = {}
    for name, values in pairs("--space", texts):
        parts = [part.strip() for part in values.split(",")]
        if "" in parts:
            raise ChipgymError(f"--space: {name} has an empty value in {shorten(values)}")
        knob = _knob(simulator, name)
        out[name] = [_knob_value(knob, part) for part in parts]
        for value in out[name]:  # one by one, so that the error names the one that is wrong
            knob.accepts.column(name, [value])
            if out[name].count(value) > 1:
                raise ChipgymError(f"--space: {name} has {value} twice in {shorten(values)}")
    return out


def settings(flag: str, texts: Iterable[str], defaults: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Read settings of a simulator or an agent from texts such as `technology=22nm`.

    A setting whose default is a text stays one, and one whose default is a list is read as numbers between commas,
    as in `64,64`, `[64, 64]` or `[]`. Any other is read as a number, `true`, `false` or `none` where it looks like one.

    Raises:
        ChipgymError: for another form, or a setting that `defaults` has not.
    """
    out: dict[str, Any] = {}
    for name, value in pairs(flag, texts):
        if name not in defaults:
            raise unknown(f"option of {owner}:", name, defaults)
        out[name] = _setting(value, defaults[name])
    return out


def _setting(text: str, default: object) -> object:
    if isinstance(default, str):
        return text
    if isinstance(default, list | tuple):
        inside = text[1:-1].strip() if text.startswith("[") and text.endswith("]") else text
        return [number(part) for part in inside.split(",")] if inside else []
    return _WORDS.get(text.lower(), number(text))


def simulator_settings(simulator: str, texts: Iterable[str]) -> dict[str, Any]:
    """Read settings as `settings` does, for a registered simulator.

    Raises:
        ChipgymError: for an unknown simulator or setting, with the nearest known.
    """
    from ..simulators.core.registry import simulator_options

    return settings("--option", texts, simulator_options(simulator), simulator)


def _knob(simulator: Simulator, name: str) -> Parameter:
    if name in simulator.space.names:
        return simulator.space[name]
    if name in simulator.options:
        raise ChipgymError(f"unknown knob {name!r}; it is an option of {simulator.name}: --option {name}=…")
    raise unknown("knob", name, simulator.space.names)


def _knob_value(knob: Parameter, text: str) -> Value:
    """Read a text as the type that the knob takes; the knob's own domain checks the rest."""
    from ..simulators import Choices

    if isinstance(knob.accepts, Choices):
        return text
    value = number(text)
    if isinstance(value, str):
        raise ChipgymError(f"{knob.name}: {shorten(value)} is not {knob.accepts}")
    return value
