"""Loop-nest kernels: the workloads of high-level synthesis."""

from .access import Access, Affine
from .features import KERNEL_FEATURE_NAMES, KERNEL_FEATURES
from .files import build_kernel, kernel_names, load_kernel
from .kernel import Kernel
from .loop import OPERATIONS, PRAGMAS, TYPE_BITS, UNNAMED, Array, Carried, Loop

__all__ = [
    "KERNEL_FEATURES",
    "KERNEL_FEATURE_NAMES",
    "OPERATIONS",
    "PRAGMAS",
    "TYPE_BITS",
    "UNNAMED",
    "Access",
    "Affine",
    "Array",
    "Carried",
    "Kernel",
    "Loop",
    "build_kernel",
    "kernel_names",
    "load_kernel",
]
