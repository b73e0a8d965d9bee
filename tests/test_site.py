"""The documentation builds as a site, without a warning, and every part of it is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mkdocs")
pytest.importorskip("material")
pytest.importorskip("mkdocstrings")
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def test_every_page_is_built(site):
    for page in ROOT.glob("docs/**/*.md"):
        name = page.relative_to(ROOT / "docs").with_suffix("")
        built = site / name / "index.html" if name.name != "index" else site / "index.html"
        assert built.exists(), page


def test_the_reference_comes_from_the_docstrings(site):
    from chipgym.envs.sequential import Sequential
    from chipgym.simulators.memory import MemorySimulator

    for page, documented in (("environments", Sequential), ("simulators", MemorySimulator)):
        text = (site / "reference" / page / "index.html").read_text(encoding="utf-8")
        assert documented.__name__ in text
        first = documented.__doc__.strip().splitlines()[0]
        assert first.split(",")[0] in text


def test_nothing_is_fetched_from_elsewhere(site):
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for tag in ('<script src="http', '<link rel="stylesheet" href="http', '<img src="http', "@import url(http"):
            assert tag not in text, (page, tag)
