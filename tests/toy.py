"""The simulator of a dozen lines: whatever works for it works for any simulator that is registered."""

from chipgym.testing import TOY, ToySimulator

__all__ = ["TOY", "ToySimulator"]
