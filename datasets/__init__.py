"""Workloads that simulators run, and tables of designs that they have evaluated."""

from .loaders import from_torch, iterate_trace, load_onnx
from .loading import load_workload
from .network import FEATURE_NAMES, NETWORK_FEATURES, Network, NetworkBuilder, Node
from .network.operators import (
    Concat,
    Conv2d,
    ConvTranspose2d,
    Elementwise,
    Embedding,
    Generic,
    Input,
    LearnedTensor,
    Linear,
    MatMul,
    Normalization,
    Operator,
    Pool2d,
    Reshape,
    Slice,
    Softmax,
    Transpose,
)
from .network.zoo import network_names
from .table import DesignTable, KnobField, MetricField, TableHeader, load_table, load_tables, table_names
from .trace import GENERATORS, TRACE_FEATURE_NAMES, TRACE_FEATURES, Trace, build_trace, save_trace, trace_names
from .workload import Workload

__all__ = [
    "FEATURE_NAMES",
    "GENERATORS",
    "NETWORK_FEATURES",
    "TRACE_FEATURES",
    "TRACE_FEATURE_NAMES",
    "Concat",
    "Conv2d",
    "ConvTranspose2d",
    "DesignTable",
    "Elementwise",
    "Embedding",
    "Generic",
    "Input",
    "KnobField",
    "LearnedTensor",
    "Linear",
    "MatMul",
    "MetricField",
    "Network",
    "NetworkBuilder",
    "Node",
    "Normalization",
    "Operator",
    "Pool2d",
    "Reshape",
    "Slice",
    "Softmax",
    "TableHeader",
    "Trace",
    "Transpose",
    "Workload",
    "build_trace",
    "from_torch",
    "iterate_trace",
    "load_onnx",
    "load_table",
    "load_tables",
    "load_workload",
    "network_names",
    "save_trace",
    "table_names",
    "trace_names",
]
