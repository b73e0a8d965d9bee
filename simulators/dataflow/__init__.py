"""Reconfigurable dataflow machines (SN10, SN40L, Plasticine) running operator graphs as pipelines of sections."""

from .simulator import DataflowSimulator

__all__ = ["DataflowSimulator"]
