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


def test_ppo_from_scratch_gets_better():
    found = load("ppo_from_scratch").train(designs=1024)
    first, *_, last = (np.mean(part) for part in np.array_split(found, 4))
    assert last > first + 0.3


def test_a_policy_starts_well_on_a_network_that_it_has_not_seen():
    example = load("transfer")
    policy = example.train(["resnet18", "mobilenet_v2", "mlp:784-512-256-10"], budget=2048, seed=0)
    known = example.best_of_policy(policy, "alexnet", tries=16)
    assert known > np.mean([example.best_of_search("random", "alexnet", tries=16, seed=seed) for seed in range(5)])


def test_learners_in_the_loop_are_compared():
    found = load("rl_agents_compared").compare(budget=64, seeds=1)
    assert len(found) == 9
    assert all(gaps.shape == (1,) and gaps.min() >= 0 for gaps in found.values())
    assert min(gaps[0] for gaps in found.values()) < 0.5
