"""What every registered simulator must do; a new one joins by being registered."""

from __future__ import annotations

import pytest

from chipgym.simulators import SimulatorEntry, registered
from chipgym.testing import SimulatorSuite


class TestRegistered(SimulatorSuite):
    """Every simulator that is registered, the toy of the tests too."""

    @pytest.fixture(scope="class", params=registered(), ids=lambda e: e.name)
    @classmethod
    def entry(cls, request: pytest.FixtureRequest) -> SimulatorEntry:
        return request.param
