"""Neural networks on FPGAs as hls4ml builds them: a circuit of its own for every layer."""

from .lowering.reuse import legal_reuse_factors
from .simulator import Hls4mlSimulator

__all__ = ["Hls4mlSimulator", "legal_reuse_factors"]
