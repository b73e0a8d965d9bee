"""Where tasks are answered: in processes of this machine."""

from .local import UNGUARDED, Say, answered, processes, unordered

__all__ = ["UNGUARDED", "Say", "answered", "processes", "unordered"]
