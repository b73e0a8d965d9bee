"""`chipgym serve`: what it serves, and what it refuses before it does."""

from __future__ import annotations

import sys

import pytest


def test_it_says_what_it_can_serve(cli):
    done = cli("serve")
    assert done.status == 2
    assert done.err.startswith("error: serve: say by which protocol; --mcp serves the tools list, describe, ")


def test_a_missing_library_is_one_line(cli, monkeypatch):
    for name in [name for name in sys.modules if name == "mcp" or name.startswith(("mcp.", "chipgym.mcp"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp", None)
    done = cli("serve", "--mcp")
    assert done.status == 2
    assert done.err == "error: --mcp: needs mcp, which is not installed; pip install 'chipgym[mcp]'\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--budget", "0"), "--budget: 0 is not a whole number from 1; nearest is 1"),
        (("--budget", "x"), "--budget: 'x' is not a whole number"),
        (("--workload", "resnet18"), "--workload: belongs to one problem; --simulator names its simulator"),
        (("--store", "x.db"), "--store: belongs to one problem; --simulator names its simulator"),
        (("--simulator", "systolyc"), "unknown simulator 'systolyc'; did you mean 'systolic'?"),
        (
            ("--simulator", "systolic", "--workload", "resnet19"),
            "unknown workload 'resnet19'; did you mean 'resnet18'?",
        ),
        (("--simulator", "toy", "--objective", "x"), "unknown objective 'x'"),
        (("--simulator", "toy", "--constraint", "x"), "constraint: 'x' is not of the form"),
        (("--simulator", "systolic", "--space", "rows=7000"), "rows: 7000 is not a whole number from 1 to 1024"),
        (("--simulator", "systolic", "--option", "x=1"), "unknown option of systolic: 'x'"),
        (("--simulator", "toy", "--store", "/dev/null/x.db"), "store: "),
        (("--port", "80"), "unknown option '--port'"),
    ],
)
def test_bad_input_is_one_line(cli, arguments, said):
    pytest.importorskip("mcp")
    done = cli("serve", "--mcp", *arguments)
    assert done.status == 2
    assert done.err.startswith(f"error: {said}"), done.err
    assert done.err.count("\n") == 1
    assert done.out == ""
