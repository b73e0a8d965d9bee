"""Workloads that simulators run: networks that ship, the field's file formats, and how to build one."""

from .loading import load_workload
from .network import FEATURE_NAMES, Network, NetworkBuilder, Node
from .network.operators import (
    Concat,
    Conv2d,
    Elementwise,
    Embedding,
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
from .workload import Workload

__all__ = [
    "FEATURE_NAMES",
    "Concat",
    "Conv2d",
    "Elementwise",
    "Embedding",
    "Input",
    "LearnedTensor",
    "Linear",
    "MatMul",
    "Network",
    "NetworkBuilder",
    "Node",
    "Normalization",
    "Operator",
    "Pool2d",
    "Reshape",
    "Slice",
    "Softmax",
    "Transpose",
    "Workload",
    "load_workload",
    "network_names",
]
