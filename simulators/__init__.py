"""Simulators of accelerators and memory systems, and the vocabulary they share.

One folder per machine; `core` holds what they have in common. Each built-in simulator is registered here by name and
imported only where it is used.
"""

from . import core
from .core import *  # noqa: F403
from .core import SimulatorEntry, register

__all__ = core.__all__

register(
    SimulatorEntry(
        name="systolic",
        title="Systolic",
        target=f"{__name__}.systolic:SystolicSimulator",
        doc="Systolic-array accelerators (output, weight, input stationary) running neural networks",
        validation=f"{__name__}.systolic.reference.validation:validate",
    )
)
register(
    SimulatorEntry(
        name="tabular",
        title="Tabular",
        target=f"{__name__}.tabular:TabularSimulator",
        doc="Any simulator's collected designs, looked up in a table instead of simulated",
    )
)
register(
    SimulatorEntry(
        name="memory",
        title="Memory",
        target=f"{__name__}.memory:MemorySimulator",
        doc="DRAM controllers (DDR3, DDR4, LPDDR4, HBM2) serving traces of memory requests",
        validation=f"{__name__}.memory.reference.validation:validate",
    )
)
register(
    SimulatorEntry(
        name="hls",
        title="HLS",
        target=f"{__name__}.hls:HlsSimulator",
        doc="Loop kernels under the pragmas of high-level synthesis (Merlin on Vitis HLS), without the vendor's tools",
        validation=f"{__name__}.hls.reference.validation:validate",
    )
)
register(
    SimulatorEntry(
        name="hls4ml",
        title="HLS4ML",
        target=f"{__name__}.hls4ml:Hls4mlSimulator",
        doc="Neural networks as circuits on FPGAs, as hls4ml and Vivado HLS build them",
        validation=f"{__name__}.hls4ml.reference.validation:validate",
    )
)
register(
    SimulatorEntry(
        name="dataflow",
        title="Dataflow",
        target=f"{__name__}.dataflow:DataflowSimulator",
        doc="Reconfigurable dataflow units (SN40L, SN10, Plasticine) running networks as pipelines of sections",
        validation=f"{__name__}.dataflow.reference.validation:validate",
    )
)
