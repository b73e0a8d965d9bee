"""Running a small function that a language model or another program wrote, in a process of its own with limits."""

from .process import SandboxedFunction, SandboxError, SandboxLimits

__all__ = ["SandboxError", "SandboxLimits", "SandboxedFunction"]
