"""chipgym's suites on the scratchpad, and what is known of it alone."""

import chipgym
from chipgym.testing import EnvironmentSuite, SimulatorSuite


class TestScratchpad(SimulatorSuite):
    """What every simulator has to do."""

    simulator = "scratchpad"


class TestScratchpadEnvironment(EnvironmentSuite):
    """What every environment has to do."""

    environment = "chipgym/Scratchpad-v0"


def test_double_buffering_hides_the_shorter_of_loading_and_use():
    simulator = chipgym.make_simulator("scratchpad")
    single, double = simulator.evaluate({"buffering": ["single", "double"]})["latency_s"]
    assert single / 2 < double < single
