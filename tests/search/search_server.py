"""Searches and collections in processes of their own, to be killed: a helper program of the tests.

Reads one JSON request per line, forks a child that does it, and answers its process id, then what it printed, then
how it ended. Forking a program that has imported everything makes a killed search cost milliseconds, not a second.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import optuna  # noqa: F401
import pyarrow.compute
import pyarrow.parquet  # noqa: F401
import sqlalchemy  # noqa: F401
from toy import TOY

import chipgym
import chipgym.search.store
from chipgym.search.collecting import sharing


def limit_files(largest_file: int | None) -> None:
    """No file may be larger: stands in for a disk that is full."""
    if largest_file:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))


def search(store: str, agent: str, batch: int, budget: int, seed: int, pause_s: float, largest_file: int | None) -> str:
    """Searches the toy and says how that went."""
    limit_files(largest_file)
    problem = chipgym.make_problem("toy", objective=["latency_s", "energy_j"], constraints="area_mm2 <= 20")
    try:
        result = chipgym.optimize(
            problem, agent, budget, seed, store, batch=batch, callback=lambda progress: time.sleep(pause_s)
        )
    except chipgym.ChipgymError as error:
        return f"error: {error}"
    return f"done: {result.evaluations}"


def collect(out: str, samples: int | None, part: int, pause_s: float, largest_file: int | None) -> str:
    """Collects the toy's designs, `part` grid rows at a time, and says how that went."""
    limit_files(largest_file)
    sharing.FIRST_PART = sharing.MOST_IN_PART = part
    try:
        done = chipgym.collect("toy", out, samples=samples, seed=5, callback=lambda progress: time.sleep(pause_s))
    except chipgym.ChipgymError as error:
        return f"error: {error}"
    return f"done: {done.designs}"


def collect_several(
    out: str, workloads: list[str], agents: list[str], samples: int, seed: int, objective: list[str], jobs: int
) -> str:
    """Collects the toy on several workloads and says how that went."""
    try:
        done = chipgym.collect(
            "toy",
            out,
            workload=workloads,
            agents=agents,
            samples=samples,
            seed=seed,
            objective=objective,
            jobs=jobs,
            callback=lambda progress: time.sleep(0.02),
        )
    except chipgym.ChipgymError as error:
        return f"error: {error}"
    return f"done: {sum(one.designs for one in done)}"


CALLS = {"search": search, "collect": collect, "collect_several": collect_several}

if __name__ == "__main__":
    chipgym.register_simulator(TOY)
    print("ready", flush=True)
    while line := sys.stdin.readline():
        child = os.fork()
        if child == 0:
            call, arguments = json.loads(line)
            print(CALLS[call](**arguments), flush=True)
            os._exit(0)
        print(child, flush=True)
        # Not reaped yet, so that a signal sent at this very moment meets the child and no other process.
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        print("ended", flush=True)
        sys.stdin.readline()  # no more signals
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
