"""Collecting tables of evaluated designs."""

from .collector import collect
from .parts import parts_folder
from .progress import CollectProgress
from .together import Collection

__all__ = ["CollectProgress", "Collection", "collect", "parts_folder"]
