"""Reconfigurable dataflow machines (SN10, SN40L, Plasticine) running operator graphs as pipelines of sections."""

from .reference.baseline import is_chain, optimal_cuts
from .simulator import DataflowSimulator

__all__ = ["DataflowSimulator", "is_chain", "optimal_cuts"]
