"""Energy, area, leakage, clock and DRAM constants of an accelerator, by process node, each with its source.

`load_technology("45nm")` returns a `Technology`; docs/technology.md lists every constant, its source and its limits.
"""

from .dram import DramInterface
from .load import load_technology, technology_names
from .logic import LogicModel, WidthLaw
from .sram import LINE_BITS, MAX_FITTED_KB, MAX_KB, MIN_KB, PowerLaw, SramModel
from .technology import Technology
from .voltage import VoltageTable

__all__ = [
    "LINE_BITS",
    "MAX_FITTED_KB",
    "MAX_KB",
    "MIN_KB",
    "DramInterface",
    "LogicModel",
    "PowerLaw",
    "SramModel",
    "Technology",
    "VoltageTable",
    "WidthLaw",
    "load_technology",
    "technology_names",
]
