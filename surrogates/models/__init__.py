"""Models by name: what is fitted, and what remains of it."""

from .base import FAMILIES, Family, Fitted, Rows, family, settings_of
from .gnn import Gnn, GnnEnsemble, GraphRows, OperatorGraph, Pairing
from .ridge import QuadraticRidge
from .trees import TreeEnsemble

__all__ = [
    "FAMILIES",
    "Family",
    "Fitted",
    "Gnn",
    "GnnEnsemble",
    "GraphRows",
    "OperatorGraph",
    "Pairing",
    "QuadraticRidge",
    "Rows",
    "TreeEnsemble",
    "family",
    "settings_of",
]
