"""Kernels as JSON: those that ship, and a user's own. One form for both."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from importlib import resources
from typing import Any, TypeVar

from ...errors import ChipgymError, shorten, unknown
from ...files import in_file, is_file, named, read_json
from .access import Access
from .checks import MOST_NESTED
from .kernel import ROOT, Kernel
from .loop import Array, Carried, Loop

_SHIPPED = resources.files(__package__) / "shipped"
#: The statements that stand outside all loops, as a kernel's file has them.
_STATEMENTS = ("operations", "hoisted", "loads", "stores")

T = TypeVar("T")


@cache
def kernel_names() -> tuple[str, ...]:
    """List the names that `build_kernel` and `load_workload` know, sorted."""
    return tuple(sorted(f.name.removesuffix(".json") for f in _SHIPPED.iterdir() if f.name.endswith(".json")))


@cache
def build_kernel(name: str) -> Kernel:
    """Build the named kernel that ships.

    Raises:
        ChipgymError: no kernel has that name; the message has the nearest.
    """
    if name not in kernel_names():
        raise unknown("kernel", name, kernel_names())
    return kernel_from_json(json.loads((_SHIPPED / f"{name}.json").read_text(encoding="utf-8")))


def load_kernel(path: str | os.PathLike[str]) -> Kernel:
    """Load the kernel that a JSON file describes.

    Raises:
        ChipgymError: the file is missing or is no kernel; the message names the file and the field.
    """
    try:
        data = read_json(path)
    except ChipgymError as error:
        ships = os.fspath(path) in kernel_names() and not is_file(path)
        hint = f"; the kernel of that name that ships is build_kernel({os.fspath(path)!r})" if ships else ""
        raise ChipgymError(f"{error}{hint}") from None
    with in_file(named(path)):
        return kernel_from_json(data)


def kernel_from_json(data: object) -> Kernel:
    """Build a kernel of JSON data: `name`, `origin`, `arrays`, `loops`, and what stands outside them as in a loop.

    Raises:
        ChipgymError: naming the field that is missing, unknown or of another form.
    """
    try:
        return _kernel(data)
    except RecursionError:
        raise ChipgymError(
            f"kernel: lists or loops are nested too deep, expected at most {MOST_NESTED} loops"
        ) from None


def _kernel(data: object) -> Kernel:
    given = _object("kernel", data, ("name", "origin", "arrays", "loops", *_STATEMENTS), ("name", "arrays", "loops"))
    outside = {key: given[key] for key in _STATEMENTS if key in given}
    return Kernel(
        name=given["name"],
        arrays=_each("arrays", given["arrays"], _array),
        loops=_each("loops", given["loops"], _loop),
        statements=_loop({"label": ROOT, "trip": 1, **outside}) if outside else None,
        origin=str(given.get("origin", "")),
    )


def _array(data: object) -> Array:
    given = _object("array", data, ("name", "type", "shape", "role"), ("name", "type", "shape"))
    return Array(**{**given, "shape": _each(f"shape of array {shorten(given['name'])}", given["shape"], _same)})


def _loop(data: object) -> Loop:
    given = _object("loop", data, tuple(f.name for f in fields(Loop)), ("label", "trip"))
    made = dict(given)
    for key, read in _PARTS.items():
        if key in given:
            made[key] = _each(f"{key} of loop {shorten(given['label']).strip(chr(39))}", given[key], read)
    return Loop(**made)


def _carried(data: object) -> Carried:
    given = _object("carried", data, tuple(f.name for f in fields(Carried)), ("through",))
    return Carried(**{**given, "chain": _each("chain", given.get("chain", []), _same)})


def _same(data: object) -> object:
    """Return the data as they are, which the part itself checks."""
    return data


_PARTS: Mapping[str, Callable[[object], Any]] = {
    "knobs": _same, "loads": Access.parse, "stores": Access.parse, "carried": _carried, "loops": _loop,
}  # fmt: skip


def _each(what: str, data: object, read: Callable[[Any], T]) -> tuple[T, ...]:
    if not isinstance(data, list):
        raise ChipgymError(f"{what}: {shorten(data)} is not a list")
    return tuple(read(one) for one in data)


def _object(what: str, data: object, known: tuple[str, ...], needed: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ChipgymError(f"{what}: {shorten(data)} is not a JSON object")
    for key in data:
        if key not in known:
            raise unknown(f"field of a {what}:", key, known)
    for key in needed:
        if key not in data:
            raise ChipgymError(f"{what}: {key!r} is missing from {shorten(data)}")
    return data
