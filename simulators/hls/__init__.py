"""High-level synthesis of loop kernels: Merlin's pragmas on Vitis HLS."""

from .simulator import HlsSimulator
from .tools import tool_names

__all__ = ["HlsSimulator", "tool_names"]
