"""The `chipgym` command: one module per verb, what they share beside them.

Nothing heavy is imported before a verb runs, so that `chipgym --help` answers at once.
"""

from .app import main

__all__ = ["main"]
