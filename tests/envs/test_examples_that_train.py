"""The examples that train a policy do what they say."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sb3_contrib")
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    return example


def test_ppo_beats_random_search():
    found = load("sb3_ppo").compare(budget=2048, seeds=2)
    (ppo_best, ppo_last), (random_best, random_last) = found["ppo"], found["random"]
    assert ppo_best.mean() > random_best.mean()
    assert ppo_last.min() > random_last.max() + 1


def test_masked_ppo_gets_better():
    finished = load("masked_ppo").train(budget=1024, seed=0)
    first, *_, last = (np.mean(part) for part in np.array_split(finished.rewards, 4))
    assert last > first + 0.3
    assert finished.best[0] == max(finished.rewards)
