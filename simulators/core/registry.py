"""Simulators by name. Adding one is one folder and one registration."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from ...datasets import Workload
from ...errors import ChipgymError, shorten, unexpected_keyword, unknown
from .parameter import Value
from .problem import Problem, bind_problem
from .reward import RewardFunction
from .simulator import Simulator
from .suite import SuiteSimulator


@dataclass(frozen=True, slots=True)
class SimulatorEntry:
    """A registered simulator.

    Attributes:
        name: what `make_simulator` takes: lower-case letters, digits and underscores, a letter first.
        title: what stands in environment ids, as `Systolic` does in `chipgym/Systolic-v0`: letters, digits and
            underscores, a letter first.
        target: the class, or "module:Class" so that it is imported only where it is used.
        doc: one line.
        validation: "module:function" that compares the simulator with reference data, or None.

    Raises:
        ChipgymError: for a name, title or target of another form, with the nearest that has it.
    """

    name: str
    title: str
    target: str | type[Simulator]
    doc: str = ""
    validation: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise _misnamed("name", self.name, "lower-case letters, digits and underscores", "_", str.lower)
        if not isinstance(self.title, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", self.title):
            raise _misnamed("title", self.title, "letters, digits and underscores: it is part of ids", "", _capital)
        named = isinstance(self.target, str) and re.fullmatch(r"[\w.]+:\w+", self.target)
        if not named and not (isinstance(self.target, type) and issubclass(self.target, Simulator)):
            raise ChipgymError(f"target: {shorten(self.target)} is neither a Simulator's class nor 'module:Class'")

    def load(self) -> type[Simulator]:
        """Import and return the simulator's class.

        Raises:
            ChipgymError: where its module cannot be imported, or is without it.
        """
        if not isinstance(self.target, str):
            return self.target
        try:
            cls: type[Simulator] = load_target(self.target)
        except (ImportError, AttributeError) as error:
            said = " ".join(str(error).split())
            raise ChipgymError(f"simulator {self.name!r}: {self.target} cannot be imported ({said})") from error
        return cls


def _misnamed(field: str, value: object, expected: str, joint: str, form: Callable[[str], str]) -> ChipgymError:
    """Make the error for a name that is not of letters, digits and underscores, with the nearest that is."""
    words = re.findall(r"[A-Za-z0-9]+", re.sub(r"^[^A-Za-z]+", "", value)) if isinstance(value, str) else []
    hint = f"; nearest is {joint.join(map(form, words))!r}" if words else ""
    return ChipgymError(f"{field}: {shorten(value)} is not made of {expected}, a letter first{hint}")


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]


#: Entry points of installed packages, each a `SimulatorEntry` or a simulator's class, that are registered too.
PLUGINS = "chipgym.simulators"

_ENTRIES: dict[str, SimulatorEntry] = {}
# Told of every simulator that is registered from then on.
_LISTENERS: list[Callable[[SimulatorEntry], None]] = []
# By name of a simulator the package that it is from, and whether entry points were looked for.
_PLUGINS: dict[str, str] = {}
_looked = False


def load_target(target: str) -> Any:
    """Import and return the object that "module:name" names."""
    module, name = target.split(":")
    return getattr(importlib.import_module(module), name)


def register(entry: SimulatorEntry) -> None:
    """Make a simulator known by its name.

    Raises:
        ChipgymError: where another simulator has that name already.
    """
    if _ENTRIES.get(entry.name, entry) != entry:
        raise ChipgymError(
            f"name: a simulator {entry.name!r} is registered already; "
            f"chipgym.simulators.unregister({entry.name!r}) forgets it"
        )
    _ENTRIES[entry.name] = entry
    for listener in _LISTENERS:
        listener(entry)


def on_register(listener: Callable[[SimulatorEntry], None]) -> None:
    """Have `listener` told of every simulator that is registered from now on."""
    _LISTENERS.append(listener)


def unregister(name: str) -> None:
    """Forget a simulator; for tests and notebooks that register their own."""
    _ENTRIES.pop(name, None)


def registered() -> tuple[SimulatorEntry, ...]:
    """Return every registered simulator, in registration order; those of installed packages last."""
    _look_for_plugins()
    return tuple(_ENTRIES.values())


def known_so_far() -> tuple[SimulatorEntry, ...]:
    """Return what `registered` does, without a look at installed packages, which an import must not wait for."""
    return tuple(_ENTRIES.values())


def plugin_package(name: str) -> str | None:
    """Return the installed package whose entry point a simulator is; None for any other."""
    return _PLUGINS.get(name)


def _look_for_plugins() -> None:
    """Register the simulators of installed packages, once in a process; one that is broken is a warning.

    Not on import: an entry point is a module of another package, which may take long to import, or import this one.
    """
    global _looked
    if _looked:
        return
    _looked = True
    for found in entry_points(group=PLUGINS):
        package = found.dist.name if found.dist else "an unknown package"
        try:
            _register_plugin(found.load(), package)
        except (Exception, SystemExit) as error:
            said = " ".join(f"{type(error).__name__}: {error}".split())
            warnings.warn(f"simulator {found.name!r} of {package} is left out ({shorten(said, 200)})", stacklevel=3)


def _register_plugin(target: object, package: str) -> None:
    if isinstance(target, type) and issubclass(target, Simulator):
        name = target.name
        if name in _ENTRIES and _ENTRIES[name].load() is target:  # the package has registered it itself
            return
        words = [word for word in re.split(r"[^A-Za-z0-9]+", name) if word]
        doc = (target.__doc__ or "").strip().partition("\n")[0].rstrip(".")
        target = SimulatorEntry(name, "".join(map(_capital, words)), target, doc)
    if not isinstance(target, SimulatorEntry):
        raise ChipgymError(f"{shorten(target)} is neither a SimulatorEntry nor a simulator's class")
    register(target)
    _PLUGINS[target.name] = package


def entry(name: str) -> SimulatorEntry:
    """Return the simulator registered as `name`.

    Raises:
        ChipgymError: naming the nearest where there is none.
    """
    if not isinstance(name, str) or name not in _ENTRIES:
        _look_for_plugins()
    if not isinstance(name, str) or name not in _ENTRIES:
        raise unknown("simulator", name, _ENTRIES)
    return _ENTRIES[name]


def simulator_options(name: str) -> dict[str, Any]:
    """Return the default by option of the simulator registered as `name`, without the workload.

    Raises:
        ChipgymError: naming the nearest where there is none.
    """
    parameters = inspect.signature(entry(name).load()).parameters.values()
    return {p.name: p.default for p in parameters if p.name != "workload"}


def problem_arguments(simulator: str) -> tuple[str, ...]:
    """List what `make_problem` takes by name for a registered simulator: its own arguments and the simulator's options.

    Raises:
        ChipgymError: naming the nearest where there is no such simulator.
    """
    own = [p.name for p in inspect.signature(make_problem).parameters.values() if p.kind is not p.VAR_KEYWORD]
    return (*own[1:], *simulator_options(simulator))


WorkloadLike = str | os.PathLike[str] | Workload


def make_simulator(
    name: str, workload: WorkloadLike | Sequence[WorkloadLike] | None = None, **options: Any
) -> Simulator:
    """Make a simulator bound to a workload, or to several.

    Args:
        name: a registered simulator, such as "systolic".
        workload: a named workload, a path, or a workload object; the simulator's default where None. Of a list, each
            metric is the geometric mean over the workloads (see `SuiteSimulator`).
        options: the simulator's own settings.

    Raises:
        ChipgymError: for an unknown simulator, workload or option, with the nearest known.
    """
    if isinstance(workload, list | tuple):
        if not workload:
            raise ChipgymError("workload: an empty list, expected one workload at least")
        members = [make_simulator(name, one, **options) for one in workload]
        return SuiteSimulator(members) if len(members) > 1 else members[0]
    known = simulator_options(name)
    for option in options:
        if option not in known:
            raise unexpected_keyword(name, option, known)
    factory: Any = entry(name).load()
    simulator: Simulator = factory(**({} if workload is None else {"workload": workload}), **options)
    default = inspect.signature(factory).parameters.get("workload")
    source = default.default if workload is None and default else workload
    if isinstance(source, str | os.PathLike):
        simulator.workload_source = (os.fspath(source),)
    return simulator


def make_problem(
    simulator: str | Simulator,
    workload: WorkloadLike | Sequence[WorkloadLike] | None = None,
    *,
    objective: str | Sequence[str] | None = None,
    constraints: str | Sequence[str] = (),
    space: Mapping[str, Value | Sequence[Value]] | None = None,
    reward: str | RewardFunction = "log_ratio",
    targets: Sequence[float] | Mapping[str, float] | None = None,
    **options: Any,
) -> Problem:
    """Make a problem: a simulator by name (or an existing one), what to minimise, and within what.

    Args:
        simulator: a registered name, or a simulator object (then `workload` and `options` must be left out).
        workload: as for `make_simulator`.
        objective: a preset such as "edp", a metric, a product of metrics, a sum such as "energy_j + 0.1 * latency_s"
            (in J + 0.1 s), or a list of these for Pareto search.
        constraints: texts such as "area_mm2 <= 10", on metrics and knobs: "rows * cols <= 4096".
        space: restrictions of the grid, as in {"rows": [16, 32], "dataflow": "ws"}.
        reward: "log_ratio" (decades better than the default design) or "target_distance" (ArchGym's); or a function
            of an `Evaluation` of n designs and the `Problem`, which answers a finite number for each, maximised.
        targets: reference value per objective for the reward; where None the default design's values, or for
            "target_distance" the simulator's published ones if it has them.
        options: the simulator's own settings.

    Raises:
        ChipgymError: naming the first argument that is wrong, and the nearest right one.
    """
    if isinstance(simulator, str):
        for option in options:
            if option not in (known := problem_arguments(simulator)):
                raise unexpected_keyword(simulator, option, known)
        simulator = make_simulator(simulator, workload, **options)
    elif not isinstance(simulator, Simulator):
        raise ChipgymError(f"simulator: {shorten(simulator)} is neither a name such as 'systolic' nor a simulator")
    elif workload is not None or options:
        raise ChipgymError("workload and options belong to make_simulator where a simulator object is given")
    return bind_problem(
        simulator, objective=objective, constraints=constraints, space=space, reward=reward, targets=targets
    )
