"""Neural networks as operator graphs: the operators, the graph, a builder, and the networks that ship."""

from .builder import NetworkBuilder
from .features import FEATURE_NAMES, NETWORK_FEATURES
from .graph import Network, Node

__all__ = ["FEATURE_NAMES", "NETWORK_FEATURES", "Network", "NetworkBuilder", "Node"]
