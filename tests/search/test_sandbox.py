"""Programs of others: those that work, those that are refused, and those that do harm where they are not."""

from __future__ import annotations

import os
import runpy
import sys
import time
from pathlib import Path

import pytest

from chipgym.errors import ChipgymError
from chipgym.search import SandboxedFunction, SandboxError, SandboxLimits
from chipgym.search.sandbox import process

pytestmark = pytest.mark.skipif(os.name != "posix", reason="limits of processes")
QUICK = SandboxLimits(seconds=0.5)


def run(body: str, *arguments, limits: SandboxLimits = QUICK, head: str = ""):
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    with SandboxedFunction(f"{head}\ndef propose(*given):\n{lines}\n", limits=limits) as function:
        return function(*arguments)


def fails(kind: str, body: str, *arguments, **settings) -> str:
    with pytest.raises(SandboxError) as caught:
        run(body, *arguments, **settings)
    assert caught.value.kind == kind, caught.value
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_program_computes_with_plain_data():
    head = "import math\nfrom math import sqrt\nSCALE = 2\ndef double(x):\n    return SCALE * x"
    body = """\
rows, table = given
total = 0
for name, value in sorted(table.items()):
    try:
        total += value / rows
    except ZeroDivisionError:
        total = None
words = [w.upper() for w in "a b".split()]
print("this goes nowhere")
return {"total": total, "words": words, "root": sqrt(double(8)), "text": f"{math.pi:.3f}", "max": max(table)}"""
    answer = run(body, 2, {"x": 1, "y": 3}, head=head)
    assert answer == {"total": 2.0, "words": ["A", "B"], "root": 4.0, "text": "3.142", "max": "y"}


def test_it_is_called_many_times_and_keeps_what_it_learned():
    source = "seen = []\ndef propose(x):\n    seen.append(x)\n    return sum(seen)"
    with SandboxedFunction(source) as function:
        assert [function(x) for x in (1, 2, 3)] == [1, 3, 6]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("def propose(:", "it is no Python"),
        ("x = 1", "it does not define propose"),
        ("import os\ndef propose(): return 1", "line 1 imports os"),
        ("from os import system\ndef propose(): return 1", "line 1 imports os"),
        ("from . import x\ndef propose(): return 1", "line 1 imports a relative module"),
        ("import math as __builtins__\ndef propose(): return 1", "uses the name __builtins__"),
        ("def propose(): return ().__class__", "names the attribute __class__"),
        ("def propose(): return (x for x in ()).gi_frame", "names the attribute gi_frame"),
        ("def propose(): return '{0.__class__}'.format(1)", "names the attribute format"),
        ("def propose(): return __import__('os')", "uses the name __import__"),
        ("class A: pass\ndef propose(): return 1", "has a ClassDef"),
        ("async def propose(): return 1", "has a AsyncFunctionDef"),
        ("def propose(x):\n  match x:\n    case int(real=y): return y", "has a Match"),
        ("def propose():\n  with x: pass", "has a With"),
        ("@print\ndef propose(): return 1", "has a decorator"),
        ("def propose():\n  try: x\n  except ValueError as __e: pass", "uses the name __e"),
        ("x = 1\n" * 4000 + "def propose(): return 1", "it has 24023 letters"),
        ("x = " + "-" * 6000 + "1\ndef propose(): return 1", ""),
        ("x = '\0'\ndef propose(): return 1", "it is no Python"),
        (b"def propose(): return 1", "is not the text of a program"),
    ],
)  # fmt: skip
def test_what_is_refused_never_runs(source, why, monkeypatch):
    monkeypatch.setattr(process.subprocess, "Popen", None)
    with pytest.raises(SandboxError, match="source: ") as caught:
        SandboxedFunction(source)
    assert caught.value.kind == "refused"
    assert why in str(caught.value)


@pytest.mark.parametrize(
    "name", ["open('x', 'w')", "eval('1')", "exec('1')", "getattr(1, 'real')", "globals()", "type(1)", "vars()"]
)
def test_what_leads_out_is_not_there(name):
    assert "NameError" in fails("exception", f"return {name}")


def test_an_endless_loop_is_ended_in_time():
    begun = time.monotonic()
    assert "within 0.5 s" in fails("timeout", "while True:\n    pass")
    assert time.monotonic() - begun < 15
    fails("timeout", "while True:\n    try:\n        1 / 0\n    except Exception:\n        pass")
    fails("timeout", "return 7 ** 7 ** 9")


def test_a_loop_before_any_call_is_ended_too(monkeypatch):
    monkeypatch.setattr(process, "_START_S", 1.0)
    with pytest.raises(SandboxError, match="within") as caught:
        SandboxedFunction("while True: pass\ndef propose(): return 1", limits=QUICK)
    assert caught.value.kind == "timeout"


def test_memory_ends_where_its_limit_is():
    limits = SandboxLimits(seconds=10, memory_mb=120)
    fails("memory", "return len('x' * 10**9)", limits=limits)
    fails("memory", "x = [0]\nwhile True:\n    x = x + x", limits=limits)


def test_exceptions_and_wrong_answers_are_told_apart():
    assert fails("exception", "return [][1]") == "program: IndexError: list index out of range"
    assert "calls itself" in fails("exception", "return propose()")
    fails("wrong_answer", "return {1, 2}")
    fails("wrong_answer", "return float('nan')")
    fails("wrong_answer", "x = []\nx.append(x)\nreturn x")
    fails("wrong_answer", "return 'x' * 2000", limits=SandboxLimits(answer_bytes=1000))
    fails("exception", "raise ValueError('two\\nlines')")
    assert len(fails("exception", "raise ValueError('x' * 10**5)")) < 400


def test_after_an_exception_it_goes_on_and_after_a_timeout_it_does_not():
    source = "def propose(x):\n    while x < 0: pass\n    return 1 / x"
    with SandboxedFunction(source, limits=QUICK) as function:
        with pytest.raises(SandboxError, match="ZeroDivisionError"):
            function(0)
        assert function(2) == 0.5
        with pytest.raises(SandboxError, match="no answer"):
            function(-1)
        with pytest.raises(SandboxError, match="has ended") as caught:
            function(2)
        assert caught.value.kind == "crashed"


def test_a_program_that_gets_past_the_check_has_no_files_and_no_environment(monkeypatch, tmp_path):
    """The limits of the process, without the check and with Python's own names."""
    monkeypatch.setattr(process, "what_is_refused", lambda source, function: None)
    child = Path(process._CHILD).read_text(encoding="utf-8")
    weak = tmp_path / "child.py"
    child = child.replace("import time\n", "import os, socket, time\n")  # none can be found once it has its limits
    weak.write_text(child.replace('namespace: dict[str, Any] = {"__builtins__": _builtins(), ', "namespace = {"))
    monkeypatch.setattr(process, "_CHILD", weak)
    monkeypatch.setenv("SECRET", "x")
    source = f"""
import os, socket
def propose(what):
    if what == "environment":
        return dict(os.environ)
    if what == "folder":
        return os.getcwd()
    if what == "write":
        open({str(tmp_path / "written")!r}, "w").write("x")
    if what == "read":
        return open("/etc/hostname").read()
    if what == "connect":
        return socket.socket().fileno()
"""
    with SandboxedFunction(source) as function:
        assert set(function("environment")) <= {"LC_CTYPE", "__CF_USER_TEXT_ENCODING"}
        folder = function("folder")
        assert not os.listdir(folder)
        for what in ("write", "read", "connect"):
            with pytest.raises(SandboxError, match=r"OSError.*Too many open files"):
                function(what)
    assert not (tmp_path / "written").exists()
    assert not Path(folder).exists()


@pytest.mark.parametrize(
    "limits", [{"seconds": 0}, {"memory_mb": -1}, {"seconds": float("nan")}, {"answer_bytes": "x"}]
)
def test_limits_are_numbers(limits):
    with pytest.raises(ChipgymError, match="is not a number above 0"):
        SandboxLimits(**limits)


def test_the_example_that_evolves_programs_runs(monkeypatch, capsys):
    """A smaller evolution, in which programs fail as they do in a larger one, and none that fails is the best."""
    script = Path(__file__).parents[2] / "examples" / "evolve_heuristic.py"
    arguments = ["--generations", "3", "--size", "8", "--budget", "8", "--seed", "1"]
    monkeypatch.setattr(sys, "argv", [str(script), *arguments])
    runpy.run_path(str(script), run_name="__main__")
    printed = capsys.readouterr().out
    scores = [float(line.split(":")[1].split()[0]) for line in printed.splitlines() if line.startswith("generation")]
    assert len(scores) == 4
    assert scores == sorted(scores)
    assert scores[0] > -1
    assert " by exception" in printed
    assert "def propose(knobs, history, draws):" in printed
    assert "the best program " in printed.split("behind its optimum")[1]
