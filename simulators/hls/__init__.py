"""High-level synthesis of loop kernels: Merlin's pragmas on Vitis HLS."""

from .devices import Fpga, device_names, load_device
from .simulator import HlsSimulator
from .tools import tool_names

__all__ = ["Fpga", "HlsSimulator", "device_names", "load_device", "tool_names"]
