"""Searches in processes of their own and the signals that end them: what the tests of the stores have in common."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from chipgym.search import load_result, open_store

REQUEST = {"agent": "random", "batch": 4, "budget": 80, "seed": 3, "pause_s": 0.002, "largest_file": None}


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

    def begin(self, store, **request) -> int:
        self._say(json.dumps({"store": str(store), **REQUEST, **request}))
        return int(self._line())

    def end(self) -> tuple[str, int]:
        """What the child printed, and its exit code: minus the signal where it was killed."""
        printed = ""
        while (line := self._line()) != "ended":
            printed += line
        self._say("no more signals")
        return printed, int(self._line())

    def search(self, store, **request) -> str:
        self.begin(store, **request)
        return self.end()[0]

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def _say(self, line: str) -> None:
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def _line(self) -> str:
        return self.process.stdout.readline().rstrip("\n")


def kill_and_resume(server: Server, place: Callable[[str], Any], draw: random.Random, kills: int, **request) -> list:
    """Kills searches until `kills` were hit, each store carried to its end; compares all with an unkilled one.

    Args:
        server: runs the searches.
        place: makes a new store of a name.
        draw: when to kill.
        kills: how many searches must have been hit.
        request: beyond REQUEST.

    Returns:
        The stores that were written.
    """
    whole = place("whole")
    assert server.search(whole, **request) == "done: 80"
    expected = load_result(whole).to_pandas()
    hit, stores = 0, []
    while hit < kills:
        store = place(f"killed{len(stores)}")
        stores.append(store)
        while True:
            child = server.begin(store, **request)
            time.sleep(draw.uniform(0, 0.08))
            if hit < kills:
                os.kill(child, signal.SIGKILL)
            printed, code = server.end()
            hit += code == -signal.SIGKILL
            if code == 0:
                assert printed == "done: 80"
                break
        pd.testing.assert_frame_equal(load_result(store).to_pandas(), expected, check_exact=True)
        (run,) = open_store(store).runs()
        assert run.evaluations == 80
    return stores


def write_together(store: Any, server: Server, *requests: dict[str, Any]) -> list[str]:
    """Searches that begin at the same time on one store, one of them on `server`, and what each said."""
    others = [Server() for _ in requests[1:]]
    try:
        for one, request in zip((server, *others), requests, strict=True):
            one.begin(store, **request)
        return [one.end()[0] for one in (server, *others)]
    finally:
        for other in others:
            other.close()
