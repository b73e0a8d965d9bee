"""`chipgym import`: a table of designs that others have published, as the tabular simulator reads it."""

from __future__ import annotations

from typing import Annotated

import typer

from . import output
from .options import Json


def import_designs(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="What to import, such as iccad-boom.", show_default=False)
    ],
    out: Annotated[str, typer.Option(metavar="FILE", help="The table, a .parquet file.", show_default=False)],
    source: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="The published file; an installed package's where left out.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Import a published table of evaluated designs."""
    from ..datasets import import_table

    table = import_table(name, out, source)
    if json:
        output.as_json({**table.header.identity, "designs": len(table), "out": out, "digest": table.digest})
        return
    output.line(f"{len(table):,} designs of {table.name} in {out}, content {table.digest[:16]}…")
    for key, text in table.header.options.items():
        output.line(f"{key}: {text}")
    output.line(f"search it with: chipgym search tabular --workload {out}")
