"""What a study is drawn with: pixels, or the shapes of an SVG file."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Protocol

from PIL import Image, ImageDraw

from ...envs.viewers.canvas import INK, PAPER, Color, font

Points = Sequence[tuple[float, float]]

# How much of a band's colour is seen, of 255.
BAND_ALPHA = 52
# Of letters, as their anchors name them: where the point is along the line, and on it.
_ALONG = {"l": "start", "m": "middle", "r": "end"}


class Pen(Protocol):
    """Draws in units of the picture, whose origin is at the top left."""

    def line(self, points: Points, color: Color, width: float) -> None:
        """Draw a line through points."""
        ...

    def area(self, outline: Points, color: Color) -> None:
        """Fill an area through which others can be seen."""
        ...

    def text(self, x: float, y: float, text: str, size: int, color: Color = INK, anchor: str = "lm") -> None:
        """Write a line of text; the anchor is Pillow's, of which the second letter is always m."""
        ...


class PixelPen:
    """Draws `scale` times as large and reduces it, which smooths edges."""

    def __init__(self, width: int, height: int, scale: int) -> None:
        self._size, self._scale = (width, height), scale
        self._image = Image.new("RGB", (width * scale, height * scale), PAPER)

    def line(self, points: Points, color: Color, width: float) -> None:
        """See `Pen.line`."""
        pen = ImageDraw.Draw(self._image)
        pen.line(self._scaled(points), fill=color, width=round(width * self._scale), joint="curve")

    def area(self, outline: Points, color: Color) -> None:
        """See `Pen.area`."""
        mask = Image.new("L", self._image.size, 0)
        ImageDraw.Draw(mask).polygon(self._scaled(outline), fill=BAND_ALPHA)
        self._image.paste(color, (0, 0), mask)

    def text(self, x: float, y: float, text: str, size: int, color: Color = INK, anchor: str = "lm") -> None:
        """See `Pen.text`."""
        pen = ImageDraw.Draw(self._image)
        pen.text((x * self._scale, y * self._scale), text, font=font(size * self._scale), fill=color, anchor=anchor)

    def image(self) -> Image.Image:
        """Return the picture."""
        return self._image.resize(self._size, Image.Resampling.LANCZOS)

    def _scaled(self, points: Points) -> list[tuple[float, float]]:
        return [(x * self._scale, y * self._scale) for x, y in points]


class SvgPen:
    """Writes shapes, in the order in which they are drawn."""

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._shapes: list[str] = []

    def line(self, points: Points, color: Color, width: float) -> None:
        """See `Pen.line`."""
        self._shapes.append(
            f'<polyline points="{_points(points)}" fill="none" stroke="{_color(color)}" stroke-width="{width:g}" '
            'stroke-linejoin="round"/>'
        )

    def area(self, outline: Points, color: Color) -> None:
        """See `Pen.area`."""
        opacity = f"{BAND_ALPHA / 255:.3f}"
        self._shapes.append(f'<polygon points="{_points(outline)}" fill="{_color(color)}" fill-opacity="{opacity}"/>')

    def text(self, x: float, y: float, text: str, size: int, color: Color = INK, anchor: str = "lm") -> None:
        """See `Pen.text`."""
        self._shapes.append(
            f'<text x="{x:.2f}" y="{y:.2f}" font-size="{size}" fill="{_color(color)}" '
            f'text-anchor="{_ALONG[anchor[0]]}" dominant-baseline="central">{escape(text)}</text>'
        )

    def document(self) -> str:
        """Return the SVG file."""
        width, height = self._size
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="sans-serif">',
            f'<rect width="{width}" height="{height}" fill="{_color(PAPER)}"/>',
            *self._shapes,
            "</svg>",
        ]
        return "\n".join(lines) + "\n"


def _points(points: Points) -> str:
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in points)


def _color(color: Color) -> str:
    return "#" + "".join(f"{part:02x}" for part in color[:3])
