"""Pages that a client may read: the documentation's, and one of each simulator made from its declarations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import unknown
from ..simulators import make_simulator, registered
from .describing import describe_simulator

SCHEME = "chipgym://"
#: The documentation's pages, a link in a checkout and files in an installed package.
DOCS = Path(__file__).parents[1] / "docs"
# Made by a tool from docstrings, and without text of their own.
_LEFT_OUT = ("reference",)


@dataclass(frozen=True, slots=True)
class Page:
    """A page.

    Attributes:
        uri: what a client asks for.
        name: its short name.
        title: its first heading.
    """

    uri: str
    name: str
    title: str


def pages() -> tuple[Page, ...]:
    """List every page, simulators first."""
    made = (Page(f"{SCHEME}simulators/{e.name}", e.name, f"{e.name}: {e.doc}") for e in registered())
    return (*made, *(Page(f"{SCHEME}docs/{name}", name, _title(path)) for name, path in _files()))


def _files() -> Iterator[tuple[str, Path]]:
    for path in sorted(DOCS.rglob("*.md")):
        place = path.relative_to(DOCS)
        if place.parts[0] not in _LEFT_OUT:
            yield place.as_posix(), path


def _title(path: Path) -> str:
    first = path.read_text(encoding="utf-8").lstrip().partition("\n")[0]
    return first.lstrip("# ").strip() or path.stem


def read_page(uri: str) -> str:
    """Return a page's text, Markdown.

    Raises:
        ChipgymError: naming the nearest where there is none.
    """
    known = {page.uri for page in pages()}
    if uri not in known:
        raise unknown("resource", uri, known)
    kind, _, name = uri.removeprefix(SCHEME).partition("/")
    if kind == "docs":
        return dict(_files())[name].read_text(encoding="utf-8")
    return _simulator_page(name)


def _simulator_page(name: str) -> str:
    """Write what a simulator declares on its default workload: options, knobs, metrics, objectives."""
    simulator = make_simulator(name)
    about = describe_simulator(simulator)
    knobs = [
        [p.name, _values(p.values), p.default, p.unit, p.condition or "", p.doc] for p in simulator.space.parameters
    ]
    return "\n\n".join(
        [
            f"# {name}",
            f"{about['about']}. On its default workload, {about['workload']}; others may have other knobs.",
            "## Knobs\n\n"
            + _table(("knob", "values", "default", "unit", "means something only where", "about"), knobs),
            "## Metrics\n\n"
            + _table(("metric", "unit", "better", "about"), [[*metric.values()] for metric in about["metrics"]]),
            "## Objectives\n\n"
            + _table(("objective", "minimises"), [[o["name"], ", ".join(o["minimises"])] for o in about["objectives"]]),
            "## Options\n\n"
            + _table(("option", "value", "default", "values"), [[*o.values()] for o in about["options"]]),
        ]
    )


def _values(values: tuple[Any, ...]) -> str:
    shown = values if len(values) <= 24 else (*values[:12], "…", *values[-3:])
    return ", ".join(map(str, shown))


def _table(head: tuple[str, ...], rows: list[list[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
