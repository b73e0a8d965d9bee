"""A simulator of a scratchpad memory for chipgym: what its entry point names, without importing the model."""

from chipgym.simulators import SimulatorEntry

ENTRY = SimulatorEntry(
    name="scratchpad",
    title="Scratchpad",
    target="scratchpad_sim.simulator:ScratchpadSimulator",
    doc="A scratchpad memory in front of DRAM, running one pass over a network's weights",
)
