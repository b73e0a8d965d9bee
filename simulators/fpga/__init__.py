"""What the simulators of FPGA designs share: devices, and how memories fill block RAMs."""

from .block_ram import BRAM18_SHAPES, bram18_count
from .devices import RESOURCES, FpgaDevice, fpga_device_names, load_fpga_device

__all__ = [
    "BRAM18_SHAPES",
    "RESOURCES",
    "FpgaDevice",
    "bram18_count",
    "fpga_device_names",
    "load_fpga_device",
]
