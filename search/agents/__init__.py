"""Search agents: each proposes designs and is told what they are worth."""

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
