"""Every notebook runs from its first cell to its last, and ships without outputs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
# Longer than it has to be for a reader to believe it.
SHORTER = {
    "samples=800": "samples=100", '"trees": 40': '"trees": 4', "trees=40": "trees=4", "budget=600": "budget=50",
    "n_trials=150": "n_trials=40", "[9, 24, 49, 99, 149]": "[9, 24, 39]",
}  # fmt: skip
NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_it_runs(path, tmp_path):
    book = nbformat.read(path, as_version=4)
    for cell in book.cells:
        for long, short in SHORTER.items():
            cell.source = cell.source.replace(long, short)
    nbclient.NotebookClient(book, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [o for cell in book.cells if cell.cell_type == "code" for o in cell.outputs]
    assert shown
    assert not [o for o in shown if o.output_type == "error"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_it_ships_clean(path):
    book = json.loads(path.read_text(encoding="utf-8"))
    for cell in book["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
