"""What is said of an agent whose library is not installed."""

from __future__ import annotations

import sys

import pytest

from chipgym import ChipgymError
from chipgym.search import agent_options
from chipgym.search.agents import registry


@pytest.mark.parametrize(
    ("agent", "library", "extra"),
    [("cmaes", "cmaes", "moo"), ("gp", "torch", "gp")],
)
def test_the_line_says_which_extra_installs_it(monkeypatch, agent, library, extra):
    entry = next(e for e in registry.registered_agents() if e.name == agent)
    module = entry.target.partition(":")[0]
    for name in [m for m in sys.modules if m == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)  # as if it were not there
    with pytest.raises(ChipgymError) as error:
        agent_options(agent)
    assert str(error.value) == (
        f"agent {agent!r} needs {library}, which is not installed: pip install 'chipgym[{extra}]'"
    )
