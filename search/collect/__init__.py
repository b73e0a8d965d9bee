"""Collecting tables of evaluated designs."""

from .collect import Collection, CollectProgress, collect

__all__ = ["CollectProgress", "Collection", "collect"]
