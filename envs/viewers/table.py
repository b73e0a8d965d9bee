"""Which viewer draws which simulator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

import numpy as np

from .text import text_view
from .view import View

RENDER_MODES = ("ansi", "rgb_array")
RENDER_FPS = 4

Picture = np.ndarray[Any, np.dtype[np.uint8]]
Viewer = Callable[[View], Picture]

# By the simulator's name; any other is drawn by the generic viewer. Imported where used, since they need Pillow.
PICTURES: Mapping[str, str] = MappingProxyType({"systolic": "systolic:draw_systolic", "memory": "memory:draw_memory"})
GENERIC = "generic:draw_generic"


def render(view: View, mode: str) -> str | Picture:
    """Draw a design as text ("ansi") or as a picture of shape (H, W, 3), uint8 ("rgb_array")."""
    if mode == "ansi":
        return text_view(view)
    module, name = PICTURES.get(view.simulator, GENERIC).split(":")
    viewer: Viewer = getattr(import_module(f".{module}", __package__), name)
    return viewer(view)
