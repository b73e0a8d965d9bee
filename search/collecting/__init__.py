"""Collecting tables of evaluated designs."""

from .collector import Collection, CollectProgress, collect, parts_folder

__all__ = ["CollectProgress", "Collection", "collect", "parts_folder"]
