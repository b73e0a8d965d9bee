"""Problems that every adapter's tests run on."""

from __future__ import annotations

import pytest

import chipgym
from chipgym.simulators import Problem

ADAPTED = {
    "one": {},
    "constrained": {"budget_mm2": 20.0, "constraints": ["energy_j <= 0.004", "units >= 2"]},
    "several": {"objective": ["latency_s", "energy_j", "area_mm2"], "constraints": "latency_s <= 0.0005"},
    "narrow": {"space": {"units": 8, "clock_mhz": [100, 400]}, "budget_mm2": 12.0},
}


@pytest.fixture(params=ADAPTED)
def adapted(request: pytest.FixtureRequest) -> Problem:
    """One objective or several, with and without constraints, and knobs that have no choice."""
    return chipgym.make_problem("toy", **ADAPTED[request.param])


@pytest.fixture
def single() -> Problem:
    """A space of one design."""
    return chipgym.make_problem("toy", space={"units": 8, "cache": "off", "clock_mhz": 100, "cache_kb": 4})
