"""The hash of a simulator's source files, for provenance."""

from __future__ import annotations

import importlib
import sys

import pytest
from toy import ToySimulator

from chipgym.simulators import make_simulator
from chipgym.simulators.core.sources import source_digest

SOURCE = "from chipgym.simulators import Simulator\nclass Machine(Simulator):\n    pass\n"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A package with a simulator, a table and a sub-package; answers its digest."""
    package = tmp_path / "machine_package"
    (package / "tables").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "model.py").write_text(SOURCE)
    (package / "tables" / "costs.csv").write_text("a,b\n")
    monkeypatch.syspath_prepend(tmp_path)
    cls = importlib.import_module("machine_package.model").Machine
    yield package, lambda: source_digest(cls)
    for name in ("machine_package.model", "machine_package"):
        sys.modules.pop(name, None)


def test_every_source_and_table_counts(machine):
    package, digest = machine
    seen = {digest()}
    for path, text in (
        (package / "model.py", SOURCE + "# a word\n"),
        (package / "tables" / "costs.csv", "a,c\n"),
        (package / "new.py", ""),
        (package / "tables" / "new.json", "{}"),
    ):
        path.write_text(text)
        seen.add(digest())
    (package / "new.py").rename(package / "renamed.py")
    seen.add(digest())
    assert len(seen) == 6
    assert "" not in seen


def test_what_is_made_from_sources_does_not_count(machine):
    package, digest = machine
    before = digest()
    (package / "__pycache__").mkdir(exist_ok=True)
    (package / "__pycache__" / "model.cpython-311.pyc").write_bytes(b"x")
    (package / "kernel.nbc").write_bytes(b"x")
    assert digest() == before


def test_a_class_outside_a_package_is_its_file():
    assert len(source_digest(ToySimulator)) == 64
    assert source_digest(ToySimulator) != source_digest(type(make_simulator("systolic", "mlp:4-4")))


def test_a_class_without_a_file_has_none():
    scope: dict = {"__name__": "no_such_module"}
    exec(SOURCE, scope)
    assert source_digest(scope["Machine"]) == ""
