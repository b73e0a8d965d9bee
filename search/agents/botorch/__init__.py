"""Bayesian optimisation by BoTorch."""
