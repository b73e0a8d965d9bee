"""The test side of `search_server.py`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


class Server:
    """The helper program and its conversation."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("search_server.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout.readline() == "ready\n"

    def begin(self, call: str, **arguments) -> int:
        """Begins a call of the program and says its process."""
        self._say(json.dumps([call, arguments]))
        return int(self._line())

    def end(self) -> tuple[str, int]:
        """What the child printed, and its exit code: minus the signal where it was killed."""
        printed = ""
        while (line := self._line()) != "ended":
            printed += line
        self._say("no more signals")
        return printed, int(self._line())

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def _say(self, line: str) -> None:
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def _line(self) -> str:
        return self.process.stdout.readline().rstrip("\n")
