"""Pictures of designs: one viewer per simulator that has one, and one that draws any."""

from __future__ import annotations

from .table import RENDER_FPS, RENDER_MODES, render
from .view import View

__all__ = ["RENDER_FPS", "RENDER_MODES", "View", "render"]
