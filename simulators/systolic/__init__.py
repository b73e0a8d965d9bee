"""Systolic-array accelerators running neural networks: output, weight and input stationary, with their memory."""

from .simulator import SystolicSimulator

__all__ = ["SystolicSimulator"]
