"""Search agents: each proposes designs and is told what they are worth.

An agent is a module here, or a folder where it takes several. `base` says what every agent is and `registry` knows them
by name. Beside them stand the pieces that agents are made of, of which each is there once:

- settings: checks of options.
- outcomes: evaluations as numbers: objectives in decades, excess over limits, one loss. Which design is better, results
  and agents alike ask `search/ranking.py`.
- novelty: which designs were told, and proposals without them.
- history: what was told as arrays that models are fitted to, in order, with fronts.
- knobs: index rows as numbers, and distances between them.
- process: Gaussian processes under any kernel; matern: the kernel whose lengthscales are learnt.
- improvement: expected improvement, probability of feasibility, one cost for several objectives.
- neighborhoods: rows one knob away; local_search: climbs from one to the next to where a model finds most.

Random changes of designs are `DesignSpace.mutate` and `simulators/core/moves.py`.
"""

from .base import Agent
from .registry import (
    AgentEntry,
    agent_names,
    agent_options,
    make_agent,
    register_agent,
    registered_agents,
    unregister_agent,
)

__all__ = [
    "Agent",
    "AgentEntry",
    "agent_names",
    "agent_options",
    "make_agent",
    "register_agent",
    "registered_agents",
    "unregister_agent",
]
