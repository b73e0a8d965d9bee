"""The report's data put into its page: template, style, script and plotly.js become one text."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from importlib.resources import files
from string import Template
from typing import Any

from ...errors import ChipgymError

#: What a page says that it is, by the name of its sections.
BRANDS = {"page": "chipgym report", "study": "chipgym study"}


def page(document: Mapping[str, Any], name: str = "page") -> str:
    """Return the HTML file's content.

    Nothing in `document` can become a tag: it is JSON with every "<" escaped. The page's script puts it into text
    nodes, and into charts with tags written out. The page's policy forbids it to load anything.

    Args:
        document: what it shows.
        name: of the sections and of the script that are its own: "page" for searches, "study" for studies.

    Raises:
        ChipgymError: plotly is not installed.
    """
    return Template(_asset("frame.html")).substitute(
        brand=BRANDS[name],
        body=_asset(f"{name}.html"),
        title=html.escape(document["title"]),
        style=_asset("page.css"),
        plotly=plotly_script(),
        data=script_json(document),
        script="".join(map(_asset, ("charts.js", "elements.js", f"{name}.js"))),
    )


def script_json(value: object) -> str:
    """Write JSON that may stand inside a script element, whatever texts are in it."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def plotly_script() -> str:
    """Return plotly.js.

    Raises:
        ChipgymError: plotly is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ModuleNotFoundError as error:
        raise ChipgymError(
            f"a report needs {error.name}, which is not installed: pip install 'chipgym[report]'"
        ) from None
    script: str = get_plotlyjs()
    return script
