"""What the simulators of FPGA designs share: devices, how memories fill block RAMs, and formulas over knobs."""

from .block_ram import BRAM18_SHAPES, bram18_count
from .tables.devices import RESOURCES, FpgaDevice, fpga_device_names, load_fpga_device

__all__ = [
    "BRAM18_SHAPES",
    "RESOURCES",
    "FpgaDevice",
    "bram18_count",
    "fpga_device_names",
    "load_fpga_device",
]
