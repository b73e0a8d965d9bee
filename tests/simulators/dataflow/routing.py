"""Tokens that choose their experts at random, in plain Python: what the expected numbers are checked against."""

from __future__ import annotations

import random
from collections import Counter


def touched_experts(experts: int, active: int, tokens: int, draws: int, seed: int) -> float:
    """Mean number of experts that some token goes to, where each chooses `active` different ones evenly."""
    rng = random.Random(seed)
    total = 0
    for _ in range(draws):
        chosen = Counter(e for _ in range(tokens) for e in rng.sample(range(experts), active))
        total += len(chosen)
    return total / draws
