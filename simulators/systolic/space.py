"""The knobs of a systolic accelerator, from an edge device to one chip of a data centre."""

from __future__ import annotations

from ..core import Choices, DesignSpace, Integers, Parameter, Reals
from .model.tiling import ORDERS
from .tables import Technology

DATAFLOWS = ("os", "ws", "is")
# Clocks offered on the grid, in MHz; those beyond a technology's table are left out.
CLOCKS_MHZ = (100, 200, 400, 600, 800, 1000, 1200, 1600)
ARRAY_SIDES = Integers(1, 1024)
SRAM_KB = Integers(1, 1024 * 1024)


def systolic_space(technology: Technology) -> DesignSpace:
    """Make the design space on one technology.

    The grid runs from 8 × 8 PEs with 3 × 8 KB (a microcontroller's helper) past 256 × 256 PEs with 24 MB (TPU v1,
    Jouppi et al., ISCA 2017). Every knob beyond it, within its domain, is evaluated too.
    """
    top = technology.max_clock_hz / 1e6
    clocks = tuple(c for c in CLOCKS_MHZ if c <= top)
    sizes = tuple(2**i for i in range(3, 14))
    return DesignSpace((
        Parameter("rows", (8, 16, 32, 64, 128, 256), ARRAY_SIDES, 32, "PEs", subsystem="array",
                  doc="rows of processing elements in an array"),
        Parameter("cols", (8, 16, 32, 64, 128, 256), ARRAY_SIDES, 32, "PEs", subsystem="array",
                  doc="columns of processing elements in an array, and lanes of its vector unit"),
        Parameter("num_arrays", (1, 2, 4, 8), Integers(1, 1024), 1, subsystem="array",
                  doc="arrays that share the folds of a layer, the SRAMs and the DRAM interfaces"),
        Parameter("dataflow", DATAFLOWS, Choices(DATAFLOWS), "ws", subsystem="mapping",
                  doc="what stays in the PEs: outputs, weights or inputs"),
        Parameter("ifmap_sram_kb", sizes, SRAM_KB, 128, "KB", subsystem="memory",
                  doc="double-buffered SRAM for inputs"),
        Parameter("filter_sram_kb", sizes, SRAM_KB, 128, "KB", subsystem="memory",
                  doc="double-buffered SRAM for filters"),
        Parameter("ofmap_sram_kb", sizes, SRAM_KB, 128, "KB", subsystem="memory",
                  doc="double-buffered SRAM for outputs and partial sums"),
        Parameter("dram_bandwidth", (1.0, 2.0, 4.0, 8.0, 16.0, 32.0), Reals(1e-3, 65536.0, infinite=True), 8.0,
                  "words/cycle", subsystem="memory",
                  doc="words per cycle and operand interface (three of them); inf never stalls and costs nothing"),
        Parameter("clock_mhz", clocks, Reals(1.0, 20000.0), min(clocks, key=lambda c: abs(c - 800)), "MHz",
                  subsystem="clock", doc="clock of the arrays; the supply voltage follows it"),
        Parameter("loop_order", ("best",), Choices(("best", *ORDERS)), "best", subsystem="mapping",
                  doc="order of the loops over SRAM tiles, outermost first; best takes the least time"),
    ))  # fmt: skip
