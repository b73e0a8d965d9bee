"""Agents that stand on Optuna's samplers."""
