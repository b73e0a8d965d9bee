"""What is said of an agent whose library is not installed."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder

import pytest

from chipgym import ChipgymError
from chipgym.search import agent_options, registered_agents


class Missing(MetaPathFinder):
    """Finds that a library is not installed."""

    def __init__(self, library):
        self.library = library

    def find_spec(self, name, path, target=None):
        if name == self.library:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.mark.parametrize(
    ("agent", "library", "extra"),
    [("cmaes", "cmaes", "moo"), ("gp", "torch", "gp"), ("botorch", "botorch", "bo")],
)
def test_the_line_says_which_extra_installs_it(monkeypatch, agent, library, extra):
    (entry,) = (e for e in registered_agents() if e.name == agent)
    module = entry.target.partition(":")[0]
    for name in [m for m in sys.modules if m in (module, library) or m.startswith(f"{library}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Missing(library), *sys.meta_path])
    with pytest.raises(ChipgymError) as error:
        agent_options(agent)
    assert str(error.value) == (
        f"agent {agent!r} needs {library}, which is not installed: pip install 'chipgym[{extra}]'"
    )
