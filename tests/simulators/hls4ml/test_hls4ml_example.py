"""The example finds a cheaper circuit than hls4ml's defaults within its time."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "examples" / "jet_tagger.py"


@pytest.fixture
def run(monkeypatch, capsys):
    """The example with arguments, and what it prints."""

    def one(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), *arguments])
        runpy.run_path(str(SCRIPT), run_name="__main__")
        return capsys.readouterr().out

    return one


def test_the_cheapest_jet_tagger(run):
    out = run("--budget", "400")
    (start, start_share), (found, found_share) = re.findall(r": (\d+) ns, ([\d.]+)% of the device", out)
    assert int(start) == 65
    assert int(found) <= 100
    assert float(found_share) < float(start_share) / 4
    assert "reuse_factor_3" in out
    assert "softmax" in out


def test_no_jet_tagger_is_that_quick(run):
    assert run("--budget", "40", "--within", "1") == "no design within 1 ns found on xcu250\n"
