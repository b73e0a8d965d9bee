"""chipgym's search agents as Optuna samplers."""

from chipgym.search.adapters.optuna_sampler import AgentSampler as ChipgymSampler

__all__ = ["ChipgymSampler"]
