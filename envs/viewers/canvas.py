"""A sheet to draw on: Pillow's primitives with this package's colours and fonts."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Color = tuple[int, int, int]

PAPER: Color = (250, 250, 248)
INK: Color = (32, 36, 44)
MUTED: Color = (118, 124, 134)
LINE: Color = (206, 210, 216)
BLUE: Color = (46, 104, 178)
TEAL: Color = (38, 146, 136)
AMBER: Color = (214, 140, 32)
RED: Color = (190, 54, 48)
GREEN: Color = (44, 138, 80)
GREY: Color = (226, 228, 232)


@lru_cache(maxsize=16)
def font(size: int) -> Any:
    """Load Pillow's own scalable font."""
    return ImageFont.load_default(size=size)


def blend(a: Color, b: Color, t: float) -> Color:
    """Mix the colour a fraction t of the way from a to b."""
    t = min(max(t, 0.0), 1.0)
    return (round(a[0] + (b[0] - a[0]) * t), round(a[1] + (b[1] - a[1]) * t), round(a[2] + (b[2] - a[2]) * t))


class Canvas:
    """A sheet of `width` × `height` pixels; every coordinate is a pixel from the top left."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._image = Image.new("RGB", (width, height), PAPER)
        self._draw = ImageDraw.Draw(self._image)

    def array(self) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Return the sheet as (H, W, 3), uint8."""
        return np.array(self._image, dtype=np.uint8)

    def length(self, text: str, size: int) -> float:
        """Measure the width of a line of text."""
        return float(font(size).getlength(text))

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: int = 15,
        color: Color = INK,
        align: Literal["left", "middle", "right"] = "left",
        room: float | None = None,
    ) -> None:
        """Draw one line of text whose middle height is y; cut with an ellipsis where it is longer than `room`."""
        if room is not None and self.length(text, size) > room:
            while text and self.length(text + "…", size) > room:
                text = text[:-1]
            text += "…"
        anchor = {"left": "lm", "middle": "mm", "right": "rm"}[align]
        self._draw.text((x, y), text, font=font(size), fill=color, anchor=anchor)

    def box(
        self,
        x: float,
        y: float,
        w: float,
        h: float,
        fill: Color | None = None,
        edge: Color | None = LINE,
        radius: int = 0,
    ) -> None:
        """Draw a rectangle with its corner at (x, y)."""
        if w >= 1 and h >= 1:
            self._draw.rounded_rectangle((x, y, x + w - 1, y + h - 1), radius=radius, fill=fill, outline=edge)

    def line(self, x0: float, y0: float, x1: float, y1: float, color: Color = LINE, width: int = 1) -> None:
        """Draw a straight line."""
        self._draw.line((x0, y0, x1, y1), fill=color, width=width)

    def dot(self, x: float, y: float, radius: float, fill: Color) -> None:
        """Draw a filled circle."""
        self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)

    def arrow(self, x0: float, x1: float, y: float, color: Color = MUTED, width: int = 2) -> None:
        """Draw a horizontal arrow from x0 to x1."""
        step = 1 if x1 > x0 else -1
        head = 5 + width
        self._draw.line((x0, y, x1 - step * head, y), fill=color, width=width)
        back, half = x1 - step * head, head * 0.7
        self._draw.polygon([(x1, y), (back, y - half), (back, y + half)], fill=color)
