"""Loaders of the field's file formats, and of the shorthand for small networks."""

from .scalesim import load_scalesim
from .shorthand import parse_shorthand
from .traces import iterate_trace, load_trace

__all__ = ["iterate_trace", "load_scalesim", "load_trace", "parse_shorthand"]
