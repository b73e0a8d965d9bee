"""The files of published studies: every option is known, defaults come first, every problem can be made."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from chipgym.search import agent_names, agent_options
from chipgym.search.study import read_options, read_problems
from chipgym.search.study.configurations import configurations

FOLDER = Path(__file__).parents[2] / "benchmarks" / "studies"


@pytest.mark.parametrize("name", ["lottery", "one_or_several"])
def test_options(name):
    path = FOLDER / f"{name}.toml"
    agents = [agent for agent in tomllib.loads(path.read_text("utf-8")) if agent in agent_names()]
    given, limits = read_options(path, agents)
    sets = configurations(agents, given, [20, 50, 200, 1000], limits)
    for agent in agents:
        mine = [one for one in sets if one.agent == agent]
        assert name != "lottery" or len(mine) in ((1,) if not agent_options(agent) else (1, 4, 20))
        assert name != "lottery" or mine[0].options == agent_options(agent), f"{agent}: its defaults come first"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*_problems.toml")), ids=lambda path: path.stem)
def test_problems(path, tmp_path):
    entries = tomllib.loads(path.read_text("utf-8"))["problems"]
    shipped = [
        entry for entry in entries if not entry["workload"].startswith("runs/")
    ]  # README says how to make others
    (tmp_path / "p.json").write_text(json.dumps(shipped))
    assert len(read_problems(tmp_path / "p.json").problems) == len(shipped)
    assert path.stem != "lottery_problems" or len(entries) >= 24
