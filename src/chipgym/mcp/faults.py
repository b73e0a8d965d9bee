"""What went wrong with a call, as JSON that a program can act on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..errors import ChipgymError, nearest, printable, shorten, unknown
from ..jsonable import plain

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

_TYPES = {"str", "int", "float", "bool"}
# Letters of a wrong value that an error says again.
LONGEST_VALUE = 500
#: Every code that an error has, and what it means.
CODES = {
    "unknown_tool": "there is no tool of this name",
    "unknown_field": "the request has a field that the tool does not take",
    "missing_field": "the request lacks a field",
    "wrong_type": "a field is of another type, or too long",
    "unknown_name": "no simulator, workload, knob, metric, agent or option of this name",
    "bad_value": "a value that its knob or field may not have",
    "pinned": "the server was started for another problem",
    "budget_spent": "fewer evaluations are left than the call needs",
    "simulation_failed": "the simulator raised for a design",
    "bad_input": "anything else that is wrong with the request",
    "internal_error": "a fault of the server; its standard error has more",
}


def fault_data(error: Exception) -> dict[str, Any]:
    """Return an error as data: code, message, field, value, expected and the nearest legal value."""
    if not isinstance(error, ChipgymError):
        message = f"{type(error).__name__}: a fault of the server, not of the request; its standard error has more"
        return _data("internal_error", message)
    message = printable(" ".join(str(error).split()))
    field = error.field
    if field is None:  # the line begins with it, as in "budget: 0 is not …"
        head = message.partition(": ")[0]
        field = head if head.isidentifier() and head != message else None
    return _data(error.code, message, field, error.value, error.expected, error.nearest)


def _data(
    code: str,
    message: str,
    field: str | None = None,
    value: object = None,
    expected: object = None,
    near: object = None,
) -> dict[str, Any]:
    if len(shorten(value, LONGEST_VALUE + 1)) > LONGEST_VALUE:
        value = shorten(value, LONGEST_VALUE)
    data = {"code": code, "message": message, "field": field, "value": value, "expected": expected, "nearest": near}
    out: dict[str, Any] = plain(data)
    return {"error": out}


def invalid_request(tool: str, model: type[BaseModel], error: ValidationError) -> ChipgymError:
    """Make the error for arguments that are not what a tool takes: the first fault that was found."""
    # A field that there is none of says most: the one that is missing is often what it was meant to be.
    faults = sorted(error.errors(include_url=False), key=lambda fault: fault["type"] != "extra_forbidden")
    fault = faults[0]
    field, value = _path(fault["loc"]), fault["input"]
    names = list(model.model_fields)
    if fault["type"] == "extra_forbidden":
        near = nearest(field, names)
        hint = f"; did you mean {near!r}?" if near else ""
        return ChipgymError(
            f"{field}: {tool} has no such field{hint} (known: {', '.join(names)})",
            field=field, value=value, expected=names, nearest=near, code="unknown_field",
        )  # fmt: skip
    expected = fault["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    if fault["type"] == "missing":
        text = f"{field}: {tool} needs it"
        return ChipgymError(text, field=field, expected=_about(model, field), code="missing_field")
    limits = fault.get("ctx", {})
    if fault["type"] == "literal_error":
        choices = re.findall(r"'([^']*)'", limits["expected"])
        fault_of_name = unknown(field, value, choices)
        fault_of_name.field = field
        return fault_of_name
    near = next((limits[key] for key in ("le", "ge") if key in limits), None)
    length = next((limits[key] for key in ("max_length", "min_length") if key in limits), None)
    if length is not None:
        few = "min_length" in limits
        expected = f"a list of {'at least' if few else 'at most'} {length}"
        text = f"{field}: has {limits['actual_length']}, expected {expected}"
        return ChipgymError(
            text, field=field, value=f"{limits['actual_length']} of them", expected=expected, code="bad_value"
        )
    return ChipgymError(
        f"{field}: {value!r} is not {expected}" if len(repr(value)) < 60 else f"{field}: {expected}",
        field=field, value=value, expected=expected, nearest=near,
        code="bad_value" if near is not None else "wrong_type",
    )  # fmt: skip


def _about(model: type[BaseModel], field: str) -> str | None:
    found = model.model_fields.get(field)
    return found.description if found else None


def _path(places: tuple[int | str, ...]) -> str:
    """Write where a fault is, as in designs[3].rows."""
    text = ""
    for place in places:
        if isinstance(place, int):
            text += f"[{place}]"
        elif not text:
            text = str(place)
        elif place not in _TYPES:  # which of several types was tried is no part of the request
            text += f".{place}"
    return text[:LONGEST_VALUE] or "arguments"
