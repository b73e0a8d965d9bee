"""The `chipgym` command: one module per verb, what they share beside them.

Nothing heavy is imported before a verb runs, so that `chipgym --help` answers at once.
"""

from __future__ import annotations

import sys
from typing import NoReturn

__all__ = ["INTERRUPTED", "main"]

# Exit status of a process that Ctrl-C ended, as shells have it: 128 and the number of the signal.
INTERRUPTED = 130


def main() -> NoReturn:
    """Runs the command of this process and leaves with its exit status."""
    try:
        from .app import run

        status = run(sys.argv[1:])
    except KeyboardInterrupt:  # before `run` could say so
        status = INTERRUPTED
    sys.exit(status)
