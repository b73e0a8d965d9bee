"""A graph neural network over a network's operators: it adds up what each of them costs on a design."""

from .family import Gnn
from .fitted import GnnEnsemble
from .graph import OperatorGraph
from .rows import GraphRows, Pairing

__all__ = ["Gnn", "GnnEnsemble", "GraphRows", "OperatorGraph", "Pairing"]
