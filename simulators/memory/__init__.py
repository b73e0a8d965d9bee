"""Memory controllers and DRAM serving traces of requests."""

from .simulator import MemorySimulator

__all__ = ["MemorySimulator"]
