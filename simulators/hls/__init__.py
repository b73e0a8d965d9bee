"""High-level synthesis of loop kernels: Merlin's pragmas on Vitis HLS."""

from .simulator import HlsSimulator
from .tables.tools import tool_names

__all__ = ["HlsSimulator", "tool_names"]
