"""Loaders of the field's file formats and of the shorthand for small networks."""

from .scalesim import load_scalesim
from .shorthand import parse_shorthand

__all__ = ["load_scalesim", "parse_shorthand"]
