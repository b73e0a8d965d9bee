"""Neural networks as operator graphs: the operators, the graph, a builder, and the networks that ship."""

from .builder import NetworkBuilder
from .features import FEATURE_NAMES, NETWORK_FEATURES
from .graph import Network, Node
from .operator_table import KIND_NAMES, OPERATOR_FEATURE_NAMES, SIZE_NAMES, OperatorTable
from .products import matrix_products, sample_product

__all__ = [
    "FEATURE_NAMES",
    "KIND_NAMES",
    "NETWORK_FEATURES",
    "OPERATOR_FEATURE_NAMES",
    "SIZE_NAMES",
    "Network",
    "NetworkBuilder",
    "Node",
    "OperatorTable",
    "matrix_products",
    "sample_product",
]
