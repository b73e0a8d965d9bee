"""What every environment must do, by the suite that outsiders run too."""

from __future__ import annotations

import pytest

from chipgym.envs import env_id
from chipgym.simulators import registered
from chipgym.testing import EnvironmentSuite


class TestRegistered(EnvironmentSuite):
    """The environment of every simulator that is registered, the toy of the tests too."""

    @pytest.fixture(scope="class", params=[env_id(entry) for entry in registered()])
    @classmethod
    def env_id(cls, request: pytest.FixtureRequest) -> str:
        return request.param
