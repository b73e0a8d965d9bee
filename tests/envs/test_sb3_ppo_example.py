"""The example that trains a policy does what it says: PPO beats random search at equal evaluations."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")
EXAMPLE = Path(__file__).parents[2] / "examples" / "sb3_ppo.py"


def test_ppo_beats_random_search():
    spec = importlib.util.spec_from_file_location("sb3_ppo", EXAMPLE)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        found = example.compare(budget=2048, seeds=2)
    finally:
        torch.set_num_threads(threads)
    (ppo_best, ppo_last), (random_best, random_last) = found["ppo"], found["random"]
    assert ppo_best.mean() > random_best.mean()
    assert ppo_last.min() > random_last.max() + 1
