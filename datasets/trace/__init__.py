"""Memory traces: requests over time, the files they come in, and seeded generators of them."""

from .features import TRACE_FEATURES
from .generators import GENERATORS, build_trace, trace_names
from .saving import save_trace
from .trace import TRACE_FEATURE_NAMES, Trace

__all__ = ["GENERATORS", "TRACE_FEATURES", "TRACE_FEATURE_NAMES", "Trace", "build_trace", "save_trace", "trace_names"]
