"""Environment ids for every registered simulator, so that adding a simulator is one registration."""

from __future__ import annotations

import gymnasium

from ..errors import ChipgymError, shorten
from ..simulators import SimulatorEntry, register
from ..simulators.core.registry import known_so_far, on_register

# Frozen: a change of what an environment answers is a new version, never a change of this one.
VERSION = 0
#: What each version of the environments changed.
HISTORY = ("first version",)


def env_id(entry: SimulatorEntry, multi_objective: bool = False) -> str:
    """Return the Gymnasium id of a simulator's environment: `chipgym/Systolic-v0`, `chipgym/mo-Systolic-v0`."""
    return f"chipgym/{'mo-' if multi_objective else ''}{entry.title}-v{VERSION}"


def register_environments() -> None:
    """Register both ids of every simulator known so far; calling it again changes nothing."""
    for entry in known_so_far():
        _register_ids(entry)


def _register_ids(entry: SimulatorEntry) -> None:
    for several in (False, True):
        if env_id(entry, several) not in gymnasium.registry:
            gymnasium.register(
                id=env_id(entry, several),
                entry_point=f"{__package__}.make:make_env",
                vector_entry_point=f"{__package__}.make:make_vector_env",
                # One argument that nobody has a name for: what is given beside it is refused rather than taken.
                kwargs={"registered": {"simulator": entry.name, "each_objective": several}},
                # Gymnasium's checker expects a reward to be one number.
                disable_env_checker=several,
            )


on_register(_register_ids)


def register_simulator(entry: SimulatorEntry) -> None:
    """Make a simulator known by its name and its environments by their ids: both, or on an error neither.

    Args:
        entry: name, title and class of the simulator.

    Raises:
        ChipgymError: where another simulator has that name or title already.
    """
    if not isinstance(entry, SimulatorEntry):
        raise ChipgymError(f"entry: {shorten(entry)} is not a SimulatorEntry(name=…, title=…, target=…)")
    taken = gymnasium.registry.get(env_id(entry))
    owner = taken.kwargs.get("registered", {}).get("simulator") if taken is not None else entry.name
    if owner != entry.name:
        raise ChipgymError(f"title: {entry.title!r} is that of simulator {owner!r} already")
    register(entry)
