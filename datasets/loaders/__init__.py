"""Loaders of the field's file formats and of other libraries' models, and of the shorthand for small networks."""

from .onnx import load_onnx
from .scalesim import load_scalesim
from .shorthand import parse_shorthand
from .torch import from_torch
from .traces import iterate_trace, load_trace

__all__ = ["from_torch", "iterate_trace", "load_onnx", "load_scalesim", "load_trace", "parse_shorthand"]
