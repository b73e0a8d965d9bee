"""Bayesian optimisation with a random forest, SMAC's kind."""
