"""Simulators of other packages: found by their entry points, and no harm where they are broken."""

from __future__ import annotations

import json

import pytest
from plugins import EXAMPLE, install, install_example, run

SLOW = "import sys\nprint('the plugin is imported', file=sys.stderr)\nraise SystemExit(3)\n"
CLASS = """
import scratchpad_sim.simulator

class Other(scratchpad_sim.simulator.ScratchpadSimulator):
    \"\"\"Another scratchpad.\"\"\"

    name = "other_pad"
"""


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    install_example(folder)
    return folder


def chipgym(site, *arguments):
    return run(["-m", "chipgym", *arguments], site, EXAMPLE / "src", cwd=site)


def test_the_command_line_sees_the_example(site):
    listed = chipgym(site, "list", "simulators")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "A scratchpad memory in front of DRAM" in listed.stdout
    found = chipgym(site, "search", "scratchpad", "--agent", "exhaustive", "--jobs", "2", "--json")
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["evaluations"] == 96
    assert chipgym(site, "simulate", "scratchpad", "--set", "size_kb=128").returncode == 0


def test_names_and_environments_are_known_where_they_are_asked_for(site):
    program = (
        "import sys, chipgym, gymnasium\n"
        "assert 'scratchpad_sim' not in sys.modules\n"  # importing chipgym does not wait for it
        "assert chipgym.make_problem('systolic') and 'scratchpad_sim' not in sys.modules\n"
        "print(chipgym.make_problem('scratchpad').simulator.name)\n"
        "print(gymnasium.make('chipgym/Scratchpad-v0').reset(seed=0)[1]['feasible'])\n"
    )
    done = run(["-c", program], site, EXAMPLE / "src", cwd=site)
    assert done.stdout.split() == ["scratchpad", "True"], done.stderr


# What a plugin's entry point names, the text of its module, and what is said of it.
BROKEN = {
    "gone": ("no_such_module:ENTRY", None, "ModuleNotFoundError: No module named 'no_such_module'"),
    "leaving": ("leaving:ENTRY", SLOW, "SystemExit: 3"),
    "raising": ("raising:ENTRY", "1 / 0", "ZeroDivisionError"),
    "nameless": ("nameless:ENTRY", "x = 5", "AttributeError"),
    "number": ("number:x", "x = 5", "5 is neither a SimulatorEntry nor a simulator's class"),
    "double": (
        "double:x",
        "from chipgym.simulators import SimulatorEntry\nx = SimulatorEntry('memory', 'M', 'a:B')",
        "a simulator 'memory' is registered already",
    ),
}


def test_broken_plugins_are_a_warning_each_and_the_rest_works(site):
    for name, (value, text, _) in BROKEN.items():
        install(site, f"{name}-plugin", {name: value}, {} if text is None else {name: text})
    done = chipgym(site, "list", "simulators")
    assert done.returncode == 0
    assert "scratchpad" in done.stdout
    assert "systolic" in done.stdout
    lines = [line for line in done.stderr.splitlines() if "the plugin is imported" not in line]
    assert len(lines) == len(BROKEN)
    for name, (_, _, says) in BROKEN.items():
        (line,) = (line for line in lines if line.startswith(f"warning: simulator '{name}' of {name}-plugin is left "))
        assert says in line
    assert chipgym(site, "simulate", "systolic", "--workload", "mlp:4-4").stderr == ""


def test_a_plugin_whose_class_is_missing_is_left_out_of_lists(site):
    entry = "from chipgym.simulators import SimulatorEntry\nx = SimulatorEntry('gone', 'Gone', 'gone_too:Class')"
    install(site, "broken-plugin", {"gone": "broken:x"}, {"broken": entry})
    done = chipgym(site, "list", "metrics")
    assert done.returncode == 0
    assert "systolic" in done.stdout
    assert done.stderr.startswith("warning: simulator 'gone' of broken-plugin is left out (")
    used = chipgym(site, "simulate", "gone")
    assert used.returncode == 2
    assert used.stderr.startswith("error: simulator 'gone': gone_too:Class cannot be imported (")


def test_a_class_is_an_entry_point_too(site):
    install(site, "other-pad", {"other_pad": "other:Other"}, {"other": CLASS})
    done = chipgym(site, "list", "simulators")
    assert "Another scratchpad" in done.stdout
    assert done.stderr == ""
    program = (
        "import other, chipgym, gymnasium; chipgym.make_problem('other_pad'); gymnasium.make('chipgym/OtherPad-v0')"
    )
    assert run(["-c", program], site, EXAMPLE / "src", cwd=site).returncode == 0
