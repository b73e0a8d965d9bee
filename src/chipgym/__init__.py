"""chipgym: a Gymnasium for hardware design-space exploration.

Simulators of accelerators and memory systems, environments over them, and search agents of every kind on equal terms.
"""

from __future__ import annotations

import importlib
import sys as _sys
from pathlib import Path as _Path
from typing import TYPE_CHECKING, Any

if not (_Path(__file__).parent / "simulators").is_dir():
    raise ImportError(
        "chipgym's folders are symbolic links and this checkout has none: clone with "
        "`git clone -c core.symlinks=true`, or install the package with `pip install .` from a checkout that has them"
    )

try:
    from importlib.metadata import version as _version

    from . import datasets, envs, simulators, surrogates
    from .datasets import load_table, load_tables
    from .envs import register_simulator
    from .errors import ChipgymError
    from .simulators import make_problem, make_simulator
    from .surrogates import load_surrogate
except KeyboardInterrupt:
    # The command imports its package before it runs, for long enough to meet a Ctrl-C, which it answers as always.
    if _Path(_sys.argv[0]).stem in ("chipgym", "-m"):
        raise SystemExit(130) from None
    raise

if TYPE_CHECKING:
    from . import search
    from .search import collect, hypervolume, load_result, optimize, report

__version__ = _version("chipgym")
__all__ = [
    "ChipgymError",
    "__version__",
    "collect",
    "datasets",
    "envs",
    "hypervolume",
    "load_result",
    "load_surrogate",
    "load_table",
    "load_tables",
    "make_problem",
    "make_simulator",
    "optimize",
    "register_simulator",
    "report",
    "search",
    "simulators",
    "surrogates",
]

# Environment ids exist as soon as `import chipgym` has run, as users of Gymnasium expect.
envs.register_environments()


def __dir__() -> list[str]:
    """List what a person types, without what modules import for themselves."""
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    """Import the room that most scripts need later on first use, so that `import chipgym` stays quick."""
    if name == "search":
        return importlib.import_module(f"{__name__}.{name}")
    if name in ("collect", "hypervolume", "load_result", "optimize", "report"):
        return getattr(importlib.import_module(f"{__name__}.search"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
