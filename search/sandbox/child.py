"""The process that runs a program: it is started as a script, knows nothing of chipgym, and talks JSON lines.

The first line of its input has the program and the limits. Each line after it has a call's arguments, and is answered
with one line: a value, or what went wrong.
"""

from __future__ import annotations

import contextlib
import json
import math
import resource
import sys
import time
from typing import Any, TextIO

_NAMES = (
    "abs", "all", "any", "bool", "dict", "divmod", "enumerate", "filter", "float", "frozenset", "int", "isinstance",
    "len", "list", "map", "max", "min", "pow", "range", "repr", "reversed", "round", "set", "sorted", "str", "sum",
    "tuple",
    "zip", "ArithmeticError", "AssertionError", "Exception", "IndexError", "KeyError", "LookupError", "OverflowError",
    "RuntimeError", "StopIteration", "TypeError", "ValueError", "ZeroDivisionError",
)  # fmt: skip
# Seconds of processor time beyond a call's, after which the process ends though nobody is left to end it.
_GRACE_S = 2


def _import(name: str, *_: object) -> Any:
    if name != "math":
        raise ImportError(f"{name} is not available")
    return math


def _nothing(*_: object, **__: object) -> None:
    """Stand in for `print`: there is nowhere to print to."""


def _builtins() -> dict[str, Any]:
    own = vars(sys.modules["builtins"])
    return {**{name: own[name] for name in _NAMES}, "print": _nothing, "__import__": _import}


def _limit(memory_bytes: int) -> None:
    """Give up what a program is not to have: files, more processes, and more memory."""
    limits = {"RLIMIT_AS": memory_bytes, "RLIMIT_FSIZE": 0, "RLIMIT_CORE": 0, "RLIMIT_NPROC": 0, "RLIMIT_NOFILE": 3}
    for name, most in limits.items():
        with contextlib.suppress(AttributeError, ValueError, OSError):  # systems lack one or another
            resource.setrlimit(getattr(resource, name), (most, most))


def _answer(call: Any, arguments: list[Any], most: int) -> dict[str, Any]:
    try:
        text = json.dumps(call(*arguments), allow_nan=False)
    except MemoryError:
        return {"error": "memory", "message": "it took more memory than it may have"}
    except RecursionError:
        return {"error": "exception", "message": "RecursionError: it calls itself too deep"}
    except (TypeError, ValueError) as error:
        wrong = "JSON" in str(error) or "Circular" in str(error)
        return {"error": "wrong_answer" if wrong else "exception", "message": f"{type(error).__name__}: {error}"}
    except BaseException as error:
        return {"error": "exception", "message": f"{type(error).__name__}: {error}"}
    if len(text) > most:
        return {"error": "wrong_answer", "message": f"an answer of {len(text)} letters, expected at most {most}"}
    return {"value": json.loads(text)}


def _say(out: TextIO, answer: dict[str, Any]) -> None:
    message = answer.get("message")
    if isinstance(message, str):
        answer = {**answer, "message": " ".join(message.split())[:300]}
    out.write(json.dumps(answer) + "\n")
    out.flush()


def main() -> None:
    """Read the program, run it, and answer calls until the input ends."""
    lines, out = sys.stdin, sys.stdout
    start = json.loads(lines.readline())
    namespace: dict[str, Any] = {"__builtins__": _builtins(), "__name__": "program", "math": math}
    code = compile(start["source"], "<program>", "exec")
    _limit(start["memory_bytes"])
    ready = _answer(lambda: exec(code, namespace), [], start["answer_bytes"])
    _say(out, ready)
    if "error" in ready:
        return
    function = namespace.get(start["function"])
    for line in lines:
        seconds = math.ceil(time.process_time() + start["seconds"]) + _GRACE_S
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))
        _say(out, _answer(function, json.loads(line), start["answer_bytes"]))


if __name__ == "__main__":
    main()
