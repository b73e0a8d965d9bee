"""Problems that every search test runs on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import chipgym
from chipgym.simulators import Problem

sys.path.insert(0, str(Path(__file__).parent))

from bowl import BowlSimulator
from server import Server

PROBLEMS = {
    "single": {},
    "pareto": {"objective": ["latency_s", "energy_j"], "constraints": ["area_mm2 <= 20"]},
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A program that searches and collects in processes that can be killed."""
    one = Server()
    yield one
    one.close()


@pytest.fixture
def quiet_optuna() -> Iterator[None]:
    """Optuna without its lines about every trial."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


@pytest.fixture
def toy() -> Problem:
    """One objective, 90 designs."""
    return chipgym.make_problem("toy")


@pytest.fixture
def pareto() -> Problem:
    """Two objectives and a constraint on the same designs."""
    return chipgym.make_problem("toy", **PROBLEMS["pareto"])


@pytest.fixture(params=PROBLEMS)
def problem(request: pytest.FixtureRequest) -> Problem:
    """Each of them."""
    return chipgym.make_problem("toy", **PROBLEMS[request.param])


@pytest.fixture
def bowl() -> Problem:
    """A billion designs with a known best."""
    return chipgym.make_problem(BowlSimulator())
