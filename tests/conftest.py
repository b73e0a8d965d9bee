"""Shared by all tests: the toy simulator joins everything that is registered."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Before numpy or torch is imported. pytest has a worker for each core: threads of linear algebra beside that wait for
# each other, which took a training of seconds half a minute.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings

import chipgym

sys.path.insert(0, str(Path(__file__).parent))

from toy import TOY

# The same examples on every machine and in every run; `--hypothesis-profile explore` looks for others.
settings.register_profile("fixed", derandomize=True, deadline=None, database=None)
settings.register_profile("explore", deadline=None)
settings.load_profile("fixed")

#: What computes with floating-point numbers, and runs again as on another processor (`make test-portable`).
NUMBERS = (
    "simulators", "surrogates", "datasets/test_operator_table.py", "datasets/test_table.py", "envs/test_vector.py",
    "envs/test_examples_that_train.py", "search/test_agent_conformance.py", "search/test_pareto.py",
    "search/test_regret.py", "search/test_study.py", "search/test_optimize.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what `NUMBERS` names as `portable`."""
    here = Path(__file__).parent
    for item in items:
        place = item.path.relative_to(here).as_posix() if item.path.is_relative_to(here) else ""
        if place in NUMBERS or place.partition("/")[0] in NUMBERS:
            item.add_marker("portable")


chipgym.register_simulator(TOY)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Run in the background by a shell that has no job control; commands that are sent a Ctrl-C would inherit this.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def unprivileged(tmp_path: Path) -> Iterator[Path]:
    """A folder, in a test that files' permissions hold for: root, whom none stops, becomes nobody for as long."""
    if os.geteuid() != 0:
        yield tmp_path
        return
    nobody = 65534
    with tempfile.TemporaryDirectory() as name:  # the folders above `tmp_path` are root's alone
        os.chown(name, nobody, -1)
        os.seteuid(nobody)
        try:
            yield Path(name)
        finally:
            os.seteuid(0)
