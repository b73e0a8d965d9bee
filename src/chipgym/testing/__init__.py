"""What every simulator, environment, agent and surrogate must do, as pytest suites for one's own.

A subclass in a test file, with the name of what it tests, is all that it takes:

    from chipgym.testing import SimulatorSuite

    class TestScratchpad(SimulatorSuite):
        simulator = "scratchpad"

The suites need pytest, and chipgym's own tests run them on everything that it registers.
"""

from .agents import AgentSuite
from .environments import EnvironmentSuite
from .simulators import SimulatorSuite
from .surrogates import SurrogateSuite
from .toy import TOY, ToySimulator

__all__ = ["TOY", "AgentSuite", "EnvironmentSuite", "SimulatorSuite", "SurrogateSuite", "ToySimulator"]
