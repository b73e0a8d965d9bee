"""A simulator that answers from a table of collected designs."""

from .fields import header_of, metrics_of, space_of
from .simulator import TabularSimulator

__all__ = ["TabularSimulator", "header_of", "metrics_of", "space_of"]
