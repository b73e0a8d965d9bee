"""`chipgym validate`: how far each simulator is from its reference, figure by figure."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ChipgymError
from . import output
from .options import Json

if TYPE_CHECKING:
    from ..simulators import SimulatorEntry
    from ..simulators.core.validation import Finding


def validate_simulators(
    simulator: Annotated[
        str | None,
        typer.Argument(
            metavar="[SIMULATOR]",
            help="A registered simulator; every one that has a reference where left out.",
            show_default=False,
        ),
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(
            "--reference",
            metavar="DIR",
            help="Folder of reference tables; tests/golden of the checkout where left out.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Compare simulators with the tools and boards that they model."""
    entries = _entries(simulator)
    folder = _folder(reference)
    found = {e.name: _run(e, folder) for e in entries}
    if json:
        rows = {name: [_document(f) for f in findings] for name, findings in found.items()}
        output.as_json({"reference": str(folder), "findings": rows})
        return
    for name, findings in found.items():
        _print(name, findings)
        output.line("")


def _print(name: str, findings: Sequence[Finding]) -> None:
    """Print a simulator's findings; each with its reference where they have several, else that in the title."""
    references = list(dict.fromkeys(f.reference for f in findings))
    several = len(references) != 1
    rows = [(f.quantity, f.figure, f.unit, f.rows, *([f.reference] if several else [])) for f in findings]
    columns = ("quantity", "figure", "unit", "rows", *(["reference"] if several else []))
    output.table(columns, rows, f"{name} against {'its references' if several else references[0]}")
    for note in dict.fromkeys(f"{f.quantity}: {f.note}" for f in findings if f.note):
        output.line(note)


def _entries(simulator: str | None) -> Sequence[SimulatorEntry]:
    from ..simulators import registered
    from ..simulators.core.registry import entry

    if simulator is None:
        return [e for e in registered() if e.validation]
    chosen = entry(simulator)
    if not chosen.validation:
        known = ", ".join(e.name for e in registered() if e.validation)
        raise ChipgymError(f"simulator {simulator!r} has no reference to be compared with (those that have: {known})")
    return [chosen]


def _folder(reference: Path | None) -> Path:
    if reference is not None:
        reference = Path(os.path.expanduser(reference))
        if not reference.is_dir():
            raise ChipgymError(f"--reference: {reference} is not a folder")
        return reference
    # src/chipgym/cli/validating.py in a checkout; an installed package has no tests beside it.
    golden = Path(__file__).resolve().parents[3] / "tests" / "golden"
    if not golden.is_dir():
        raise ChipgymError(
            "--reference: the reference tables are not installed with the package; "
            "give the folder tests/golden of a checkout, or one laid out like it"
        )
    return golden


def _run(entry: SimulatorEntry, folder: Path) -> Sequence[Finding]:
    from ..simulators import load_target

    assert entry.validation is not None
    findings: Sequence[Finding] = load_target(entry.validation)(folder)
    return findings


def _document(finding: Finding) -> dict[str, object]:
    return {
        "quantity": finding.quantity,
        "figure": finding.figure,
        "unit": finding.unit,
        "rows": finding.rows,
        "reference": finding.reference,
        "note": finding.note,
    }
