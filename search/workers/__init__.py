"""Where tasks are answered: in processes of this machine, or on a Ray cluster."""

from .backend import BACKENDS, Backend, checked_backend, unordered
from .local import UNGUARDED, Say
from .queue import LostTaskError, Pool

__all__ = [
    "BACKENDS",
    "UNGUARDED",
    "Backend",
    "LostTaskError",
    "Pool",
    "Say",
    "checked_backend",
    "unordered",
]
