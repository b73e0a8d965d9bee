"""Models by name: what is fitted, and what remains of it."""

from .base import Family, Fitted, Learner, Rows, Seen
from .families import FAMILIES, family, settings_of
from .features import FeatureFamily
from .gnn import Gnn, GnnEnsemble, GraphRows, OperatorGraph, Pairing
from .ridge import QuadraticRidge
from .trees import TreeEnsemble

__all__ = [
    "FAMILIES",
    "Family",
    "FeatureFamily",
    "Fitted",
    "Gnn",
    "GnnEnsemble",
    "GraphRows",
    "Learner",
    "OperatorGraph",
    "Pairing",
    "QuadraticRidge",
    "Rows",
    "Seen",
    "TreeEnsemble",
    "family",
    "settings_of",
]
