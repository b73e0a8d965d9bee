"""chipgym's problems as Optuna benchmarks."""

from ._problem import Problem

__all__ = ["Problem"]
