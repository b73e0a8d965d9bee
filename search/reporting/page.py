"""The report's data put into its page: template, style, script and plotly.js become one text."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from importlib.resources import files
from string import Template
from typing import Any

from ...errors import ChipgymError


def page(document: Mapping[str, Any]) -> str:
    """Return the HTML file's content.

    Nothing in `document` can become a tag: it is JSON with every "<" escaped. The page's script puts it into text
    nodes, and into charts with tags written out. The page's policy forbids it to load anything.

    Raises:
        ChipgymError: plotly is not installed.
    """
    return Template(_asset("page.html")).substitute(
        title=html.escape(document["title"]),
        style=_asset("page.css"),
        plotly=_plotly(),
        data=script_json(document),
        script=_asset("charts.js") + _asset("page.js"),
    )


def script_json(value: object) -> str:
    """Write JSON that may stand inside a script element, whatever texts are in it."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _plotly() -> str:
    try:
        from plotly.offline import get_plotlyjs
    except ModuleNotFoundError as error:
        raise ChipgymError(
            f"a report needs {error.name}, which is not installed: pip install 'chipgym[report]'"
        ) from None
    script: str = get_plotlyjs()
    return script
