"""The store: every evaluation of every run, durable before the agent is told of it."""

from .reader import RunSummary, Store

__all__ = ["RunSummary", "Store"]
