"""One HTML file about one or several searches of a problem."""

from .report import default_place, report

__all__ = ["default_place", "report"]
