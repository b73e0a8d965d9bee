"""A function in a process of its own: started, called, and ended when it takes too long."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from ...errors import ChipgymError, shorten
from .check import what_is_refused

Kind = Literal["refused", "exception", "timeout", "memory", "wrong_answer", "crashed"]

_CHILD = Path(__file__).with_name("child.py")
# Seconds that Python itself may take to start on a machine that is busy.
_START_S = 20.0


class SandboxError(ChipgymError):
    """A program that was not run, or did not answer.

    Attributes:
        kind: "refused" before it ran, "exception", "timeout", "memory", "wrong_answer" for what is no JSON or too much
            of it, "crashed" for a process that ended.
    """

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind: Kind = kind


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """What a program may take.

    Attributes:
        seconds: of one call, by the clock.
        memory_mb: address space of its process, Python's own 30 MB or so included.
        answer_bytes: of an answer as JSON.

    Raises:
        ChipgymError: for what is no positive number.
    """

    seconds: float = 1.0
    memory_mb: int = 256
    answer_bytes: int = 1_000_000

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
                raise ChipgymError(f"{name}: {shorten(value)} is not a number above 0")


class SandboxedFunction:
    """A function of plain data that somebody else wrote, such as a language model's.

    It is checked before it runs (see `check`): arithmetic, loops, functions and the methods of plain data; `math`, no
    other module, no file, no name that begins with two underscores. Then it runs in a process of its own, with an empty
    environment, in an empty folder, without a descriptor to spare for a file or a socket, and under limits of time and
    memory. Arguments and answers are JSON. What it prints goes nowhere.

    This stops mistakes, and programs that are careless or nosy. **It is no protection against an attacker**: a fault of
    CPython or of the check is a way out, and what gets out is the same user on the same kernel, with the network.
    Programs from strangers belong in a container or a virtual machine besides. Some systems, macOS among them, do not
    keep to a limit of memory.

    As a context manager it ends the process; one that timed out has ended already, and every call after that fails.
    """

    def __init__(self, source: str, function: str = "propose", limits: SandboxLimits | None = None) -> None:
        """Check a program and start its process.

        Args:
            source: Python text that defines `function`.
            function: what calls call.
            limits: the usual ones where None.

        Raises:
            SandboxError: for a program that is refused, or fails before any call.
            ChipgymError: on a system without limits for processes, such as Windows.
        """
        if os.name != "posix":
            raise ChipgymError("sandbox: needs a POSIX system, whose processes have limits of memory and files")
        if not isinstance(source, str):
            raise SandboxError("refused", f"source: {shorten(source)} is not the text of a program")
        if why := what_is_refused(source, function):
            raise SandboxError("refused", f"source: {why}")
        self.limits = limits or SandboxLimits()
        self._folder = tempfile.TemporaryDirectory(prefix="chipgym-sandbox-")
        self._buffer = b""
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_CHILD)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            cwd=self._folder.name, env={}, start_new_session=True,
        )  # fmt: skip
        start = {
            "source": source,
            "function": function,
            "seconds": self.limits.seconds,
            "memory_bytes": int(self.limits.memory_mb * 1e6),
            "answer_bytes": int(self.limits.answer_bytes),
        }
        try:
            self._exchange(start, self.limits.seconds + _START_S)
        except BaseException:
            self.close()
            raise

    def __call__(self, *arguments: Any) -> Any:
        """Call the function with JSON data, and return what it answers, JSON data too.

        Raises:
            SandboxError: saying what went wrong; after a timeout or a crash the process is gone.
        """
        return self._exchange(list(arguments), self.limits.seconds)

    def _exchange(self, message: Any, seconds: float) -> Any:
        """Send a line and wait for the answer's."""
        if self._process.stdin is None or self._process.stdin.closed:
            raise SandboxError("crashed", "program: its process has ended")
        deadline = time.monotonic() + seconds
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise self._ended() from None
        answer = json.loads(self._line(deadline))
        if "error" in answer:
            raise SandboxError(answer["error"], f"program: {answer['message']}")
        return answer["value"]

    def _line(self, deadline: float) -> bytes:
        """Return the next line of the process, which is ended where none comes in time."""
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                self.close()
                raise SandboxError("timeout", f"program: no answer within {self.limits.seconds:g} s")
            part = os.read(descriptor, 1 << 16)
            if not part:
                raise self._ended()
            self._buffer += part
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _ended(self) -> SandboxError:
        """Close what is left of a process that ended, and say why it did."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        status = self._process.poll()
        self.close()
        if status == -signal.SIGXCPU:
            return SandboxError("timeout", "program: it took more processor time than it may")
        return SandboxError("crashed", f"program: its process ended with status {status}")

    def close(self) -> None:
        """End the process."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
