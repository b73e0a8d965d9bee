"""Agents by name. Adding one is one class and one line here."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import ChipgymError, count, shorten, unknown
from ...simulators import Problem, load_target
from .base import LARGEST_SEED, Agent


@dataclass(frozen=True, slots=True)
class AgentEntry:
    """A registered agent.

    Attributes:
        name: what `optimize` takes, in lower case.
        target: the class, or "module:Class" so that it is imported only where it is used.
        doc: one line.
        extra: the extra of chipgym that installs the library that it is built on, where it is built on one.
    """

    name: str
    target: str | type[Agent]
    doc: str = ""
    extra: str = ""

    def load(self) -> type[Agent]:
        """Import the agent's class.

        Raises:
            ChipgymError: where a library that the agent is built on is not installed.
        """
        if not isinstance(self.target, str):
            return self.target
        try:
            cls: type[Agent] = load_target(self.target)
        except ModuleNotFoundError as error:
            how = f": pip install 'chipgym[{self.extra}]'" if self.extra else ""
            raise ChipgymError(f"agent {self.name!r} needs {error.name}, which is not installed{how}") from error
        return cls


_HERE = __name__.rpartition(".")[0]
_ENTRIES: dict[str, AgentEntry] = {
    e.name: e
    for e in (
        AgentEntry("auto", f"{_HERE}.auto.agent:AutoAgent", "Local search guided by models; the default"),
        AgentEntry("random", f"{_HERE}.uniform:UniformAgent", "Uniform draws from the grid"),
        AgentEntry("exhaustive", f"{_HERE}.exhaustive:ExhaustiveAgent", "Every design once, in grid order"),
        AgentEntry("bottleneck", f"{_HERE}.bottleneck.agent:BottleneckAgent", "Reads what binds, turns what frees it"),
        AgentEntry("sobol", f"{_HERE}.sobol:SobolAgent", "Scrambled Sobol' sequence over the grid (SciPy)"),
        AgentEntry(
            "hill_climbing", f"{_HERE}.hill_climbing:HillClimbingAgent", "Best of a batch of neighbours, with restarts"
        ),
        AgentEntry("annealing", f"{_HERE}.annealing:AnnealingAgent", "Simulated annealing with reheats"),
        AgentEntry("aco", f"{_HERE}.aco:ACOAgent", "Ant colony: pheromone per value within MAX-MIN bounds"),
        AgentEntry("genetic", f"{_HERE}.genetic:GeneticAgent", "Genetic search of one population, steady state"),
        AgentEntry("nsga2", f"{_HERE}.optuna.nsga2:NSGA2Agent", "Genetic search, NSGA-II (Optuna)"),
        AgentEntry(
            "nsga3", f"{_HERE}.optuna.nsga3:NSGA3Agent", "Genetic search for many objectives, NSGA-III (Optuna)"
        ),
        AgentEntry(
            "forest", f"{_HERE}.forest.agent:ForestAgent", "Bayesian optimisation with a random forest (scikit-learn)"
        ),
        AgentEntry(
            "botorch",
            f"{_HERE}.botorch.agent:BotorchAgent",
            "Bayesian optimisation with Gaussian processes (BoTorch)",
            "bo",
        ),
        AgentEntry("cmaes", f"{_HERE}.cmaes:CMAESAgent", "CMA-ES on a grid, with growing restarts (cmaes)", "moo"),
        AgentEntry("tpe", f"{_HERE}.optuna.tpe:TPEAgent", "Tree-structured Parzen estimator (Optuna)"),
        AgentEntry(
            "gp", f"{_HERE}.optuna.gp:GPAgent", "Bayesian optimisation with a Gaussian process (Optuna, torch)", "gp"
        ),
        AgentEntry("ppo", f"{_HERE}.rl.on_policy:PPOAgent", "Proximal policy optimisation (SB3)", "rl"),
        AgentEntry("a2c", f"{_HERE}.rl.on_policy:A2CAgent", "Advantage actor-critic (SB3)", "rl"),
        AgentEntry("dqn", f"{_HERE}.rl.off_policy:DQNAgent", "Deep Q-network, one knob a step (SB3)", "rl"),
        AgentEntry("sac", f"{_HERE}.rl.off_policy:SACAgent", "Soft actor-critic on continuous actions (SB3)", "rl"),
        AgentEntry(
            "maskable_ppo", f"{_HERE}.rl.on_policy:MaskablePPOAgent", "PPO, one knob a step, with masks (SB3)", "rl"
        ),
        AgentEntry("ippo", f"{_HERE}.rl.multi_agent:IPPOAgent", "Independent PPO, a learner per subsystem", "rl"),
        AgentEntry(
            "mappo", f"{_HERE}.rl.multi_agent:MAPPOAgent", "Multi-agent PPO, a learner per subsystem, one critic", "rl"
        ),
    )
}


def register_agent(entry: AgentEntry) -> None:
    """Make an agent known by its name.

    Raises:
        ChipgymError: where another agent has that name already, for a name that is no word in lower case, and for what
            is no class of agents.
    """
    if not isinstance(entry.name, str) or not re.fullmatch(r"[a-z][a-z0-9_-]*", entry.name):
        raise ChipgymError(f"agent: {shorten(entry.name)} is not a word in lower case such as 'my_agent'")
    if not isinstance(entry.target, str) and not (isinstance(entry.target, type) and issubclass(entry.target, Agent)):
        raise ChipgymError(f"agent {entry.name!r}: {shorten(entry.target)} is not a subclass of chipgym.search.Agent")
    if _ENTRIES.get(entry.name, entry) != entry:
        raise ChipgymError(f"agent {entry.name!r} is registered already")
    _ENTRIES[entry.name] = entry


def unregister_agent(name: str) -> None:
    """Forget an agent; for tests and notebooks that register their own."""
    _ENTRIES.pop(name, None)


def registered_agents() -> tuple[AgentEntry, ...]:
    """List every registered agent, in registration order."""
    return tuple(_ENTRIES.values())


def agent_names() -> tuple[str, ...]:
    """List the names that `optimize` takes as `agent`."""
    return tuple(_ENTRIES)


def agent_options(name: str) -> dict[str, Any]:
    """Return the default by option of the agent called `name`.

    Raises:
        ChipgymError: for an unknown agent, with the nearest known, or one whose constructor takes other arguments.
    """
    if not isinstance(name, str) or name not in _ENTRIES:
        raise unknown("agent", name, _ENTRIES)
    signature = _signature(_ENTRIES[name].load())
    first = list(signature.parameters)[:2]
    if first != ["problem", "seed"]:
        raise ChipgymError(f"agent {name!r}: its constructor takes {signature}, expected (problem, seed, **options)")
    return {p.name: p.default for p in signature.parameters.values() if p.name not in first}


@functools.lru_cache(maxsize=256)
def _signature(agent: type[Agent]) -> inspect.Signature:
    """Read a constructor's arguments once: a study makes each agent thousands of times."""
    return inspect.signature(agent)


def make_agent(name: str, problem: Problem, seed: int = 0, options: Mapping[str, Any] | None = None) -> Agent:
    """Make an agent for a problem.

    Args:
        name: a registered agent, such as "nsga2".
        problem: what it searches.
        seed: a whole number ≥ 0; the same seed proposes the same designs.
        options: the agent's own settings.

    Raises:
        ChipgymError: for an unknown agent or option, with the nearest known, a setting out of its range, or an agent
            that searches for one objective and a problem that has several, or one whose constructor is not finished.
    """
    known = agent_options(name)
    if options is not None and not isinstance(options, Mapping):
        raise ChipgymError(f"agent_options: {shorten(options)} is not a dict such as {{'population_size': 50}}")
    for option in options or {}:
        if option not in known:
            raise unknown(f"option of {name}:", option, known)
    factory: Any = _ENTRIES[name].load()
    if len(problem.objectives) > 1 and not getattr(factory, "several_objectives", True):
        raise ChipgymError(
            f"agent: {name!r} searches for one objective, and the problem has {len(problem.objectives)}; "
            f"'auto' takes several",
            field="agent", value=name, expected="an agent that takes several objectives", nearest="auto",
            code="bad_value",
        )  # fmt: skip
    agent: Agent = factory(problem, count("seed", seed, 0, LARGEST_SEED), **(options or {}))
    if not hasattr(agent, "asks"):
        raise ChipgymError(f"agent {name!r}: its constructor has to call super().__init__(problem, seed)")
    return agent
