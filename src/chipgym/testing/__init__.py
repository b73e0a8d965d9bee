"""What every simulator, environment, agent and surrogate must do, as pytest suites for one's own.

A subclass in a test file, with the name of what it tests, is all that it takes:

    from chipgym.testing import SimulatorSuite

    class TestScratchpad(SimulatorSuite):
        simulator = "scratchpad"

The suites need pytest, and chipgym's own tests run them on everything that it registers.
"""

import pytest

for _suite in ("agents", "environments", "simulators", "surrogates"):
    pytest.register_assert_rewrite(f"{__name__}.{_suite}")  # so that a failure shows the values that it compared

from .agents import AgentSuite  # noqa: E402
from .environments import EnvironmentSuite  # noqa: E402
from .simulators import SimulatorSuite  # noqa: E402
from .surrogates import SurrogateSuite  # noqa: E402
from .toy import TOY, ToySimulator  # noqa: E402

__all__ = ["TOY", "AgentSuite", "EnvironmentSuite", "SimulatorSuite", "SurrogateSuite", "ToySimulator"]
