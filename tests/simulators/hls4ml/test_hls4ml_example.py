"""The example finds a cheaper circuit than hls4ml's defaults within its time."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "examples" / "jet_tagger.py"


def run(*arguments: str) -> str:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout


def test_the_cheapest_jet_tagger():
    out = run("--budget", "400")
    (start, start_share), (found, found_share) = re.findall(r": (\d+) ns, ([\d.]+)% of the device", out)
    assert int(start) == 65
    assert int(found) <= 100
    assert float(found_share) < float(start_share) / 4
    assert "reuse_factor_3" in out
    assert "softmax" in out


def test_no_jet_tagger_is_that_quick():
    assert run("--budget", "40", "--within", "1") == "no design within 1 ns found on xcu250\n"
