"""Workloads that simulators run, and tables of designs that they have evaluated."""

from .kernel import KERNEL_FEATURE_NAMES, Access, Array, Carried, Kernel, Loop, build_kernel, kernel_names, load_kernel
from .loaders import from_torch, iterate_trace, load_onnx
from .loading import load_workload
from .network import FEATURE_NAMES, Network, NetworkBuilder, Node
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
from .table import DesignTable, KnobField, MetricField, TableHeader, load_table, table_names
from .trace import GENERATORS, TRACE_FEATURE_NAMES, Trace, build_trace, trace_names
from .workload import Workload

__all__ = [
    "FEATURE_NAMES",
    "GENERATORS",
    "KERNEL_FEATURE_NAMES",
    "TRACE_FEATURE_NAMES",
    "Access",
    "Array",
    "Carried",
    "Concat",
    "Conv2d",
    "ConvTranspose2d",
    "DesignTable",
    "Elementwise",
    "Embedding",
    "Generic",
    "Input",
    "Kernel",
    "KnobField",
    "LearnedTensor",
    "Linear",
    "Loop",
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
    "build_kernel",
    "build_trace",
    "from_torch",
    "iterate_trace",
    "kernel_names",
    "load_kernel",
    "load_onnx",
    "load_table",
    "load_workload",
    "network_names",
    "table_names",
    "trace_names",
]
