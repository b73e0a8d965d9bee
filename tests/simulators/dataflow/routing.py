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


def spread_experts(
    experts: int, active: int, sockets: int, tokens: int, popularity: float, draws: int, seed: int
) -> tuple[float, float, float]:
    """Experts spread over sockets, each of which has `tokens` tokens of its own; means over draws.

    Expert 0 is among a token's with probability `popularity`; the others are chosen evenly.

    Returns:
        Rows that leave a socket, experts that are touched on one, and rows that arrive at expert 0's, its own included.
    """
    rng = random.Random(seed)
    here = experts // sockets
    left = touched = hot = 0
    for _ in range(draws):
        used = set()
        for home in range(sockets):
            for _ in range(tokens):
                first = [0] if rng.random() < popularity else []
                chosen = first + rng.sample(range(1, experts), active - len(first))
                used.update(chosen)
                left += sum(e // here != home for e in chosen)
                hot += sum(e // here == 0 for e in chosen)
        touched += len(used)
    return left / draws / sockets, touched / draws / sockets, hot / draws
