"""The compiled model: every design on every part of a run."""
