"""Models by name: what is fitted, and what remains of it."""

from .base import FAMILIES, Family, Fitted, family, settings_of
from .ridge import QuadraticRidge
from .trees import TreeEnsemble

__all__ = ["FAMILIES", "Family", "Fitted", "QuadraticRidge", "TreeEnsemble", "family", "settings_of"]
