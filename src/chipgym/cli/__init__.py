"""The `chipgym` command: one module per verb, what they share beside them.

Nothing heavy is imported before a verb runs, so that `chipgym --help` answers at once.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

__all__ = ["INTERRUPTED", "TERMINATED", "main"]

# Exit status of a process that Ctrl-C or SIGTERM ended, as shells have it: 128 and the number of the signal.
INTERRUPTED = 130
TERMINATED = 143


class _Signals:
    """Whether SIGTERM has come; it then goes the way of Ctrl-C, which every verb knows what to say to."""

    terminated = False

    @classmethod
    def terminate(cls, number: int, frame: FrameType | None) -> NoReturn:
        cls.terminated = True
        raise KeyboardInterrupt


def was_terminated() -> bool:
    """Tell whether what looks like Ctrl-C was SIGTERM."""
    return _Signals.terminated


def main() -> NoReturn:
    """Run the command of this process and leave with its exit status."""
    closed = _fill_streams()
    try:
        signal.signal(signal.SIGTERM, _Signals.terminate)
        from .app import run, say_output_is_closed

        status = say_output_is_closed() if closed else run(sys.argv[1:])
    except KeyboardInterrupt:  # before `run` could say so
        status = TERMINATED if was_terminated() else INTERRUPTED
    sys.exit(status)


def _fill_streams() -> bool:
    """Put something in the place of standard streams that are closed, and tell whether the output was.

    Python has None for them, and the next file that is opened takes the number of a closed one. A database would get
    what is meant for the screen.
    """
    closed = sys.stdout is None
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - until the end
    return closed
