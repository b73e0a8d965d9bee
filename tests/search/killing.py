"""Searches in processes of their own and the signals that end them: what the tests of the stores have in common."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from typing import Any

import pandas as pd
from server import Server

from chipgym.search import load_result, open_store

REQUEST = {"agent": "random", "batch": 4, "budget": 80, "seed": 3, "pause_s": 0.002, "largest_file": None}


def begin(server: Server, store: Any, **request) -> int:
    """Begins a search and says its process."""
    return server.begin("search", store=str(store), **{**REQUEST, **request})


def search(server: Server, store: Any, **request) -> str:
    """What a whole search says at its end."""
    begin(server, store, **request)
    return server.end()[0]


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
    assert search(server, whole, **request) == "done: 80"
    expected = load_result(whole).to_pandas()
    hit, stores = 0, []
    while hit < kills:
        store = place(f"killed{len(stores)}")
        stores.append(store)
        while True:
            child = begin(server, store, **request)
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
            begin(one, store, **request)
        return [one.end()[0] for one in (server, *others)]
    finally:
        for other in others:
            other.close()
