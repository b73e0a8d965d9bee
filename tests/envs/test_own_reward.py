"""A reward of one's own: a function of a batch of evaluated designs, in environments, searches and stores."""

from __future__ import annotations

from functools import partial

import gymnasium
import numpy as np
import pytest

import chipgym
from chipgym.envs import MODES
from chipgym.errors import ChipgymError
from chipgym.search import open_store

ID = "chipgym/Toy-v0"


def frugal(evaluation, problem):
    """Microseconds saved beside the default design; -100 for what cannot be built."""
    latency = np.where(evaluation.feasible, evaluation.metrics["latency_s"], 0.0)
    start = problem.evaluate(problem.space.default).metrics["latency_s"][0]
    return np.where(evaluation.feasible, 1e6 * (start - latency), -100.0)


def each(evaluation, problem):
    return -np.nan_to_num(evaluation.objectives, nan=9.0)


@pytest.mark.parametrize("mode", list(MODES))
def test_scalar_and_vector_environments_pay_it(mode):
    one = gymnasium.make(ID, mode=mode, reward=frugal)
    envs = gymnasium.make_vec(ID, num_envs=3, mode=mode, reward=frugal)
    problem = one.unwrapped.problem
    start = frugal(problem.evaluate(problem.space.default), problem)[0]
    envs.reset(seed=0)
    envs.action_space.seed(1)
    one.reset(seed=0)
    total, ended = 0.0, False
    while not ended:
        actions = envs.action_space.sample()
        rewards = envs.step(actions)[1]
        _, reward, terminated, truncated, info = one.step(actions[0])
        assert reward == rewards[0]
        total += reward
        ended = terminated or truncated
    expected = frugal(problem.evaluate(info["design"]), problem)[0]
    assert total == pytest.approx(expected - start if mode == "refine" else expected)


def test_it_sees_a_batch_once():
    seen = []

    def counted(evaluation, problem):
        seen.append(len(evaluation.violation))
        return np.zeros(len(evaluation.violation))

    envs = gymnasium.make_vec(ID, num_envs=50, reward=counted)
    envs.reset()
    seen.clear()
    envs.step(envs.action_space.sample())
    assert seen == [50]


def test_a_reward_per_objective():
    env = gymnasium.make("chipgym/mo-Toy-v0", objective="all", reward=each)
    env.reset()
    _, reward, *_, info = env.step(np.array([2, 0, 0, 0]))
    assert reward.tolist() == pytest.approx([-info["metrics"][k] for k in ("latency_s", "energy_j", "area_mm2")])
    assert reward in env.unwrapped.reward_space
    with pytest.raises(ChipgymError, match=r"reward: .*frugal answered an array of shape \(1,\), .*\(1, 3\)"):
        gymnasium.make("chipgym/mo-Toy-v0", objective="all", reward=frugal)


def test_several_agents_share_it():
    env = chipgym.envs.parallel_env("toy", reward=frugal)
    env.reset(seed=0)
    actions = {agent: env.action_space(agent).sample() for agent in env.agents}
    _, rewards, *_, infos = env.step(actions)
    design = next(iter(infos.values()))["design"]
    assert set(rewards.values()) == {frugal(env.problem.evaluate(design), env.problem)[0]}


@pytest.mark.parametrize(
    ("reward", "words"),
    [
        (lambda e, p: e.objectives, r"shape \(1, 1\), expected a finite number per design, shape \(1,\)"),
        (lambda e, p: 1.0, r"array of shape \(\)"),
        (lambda e, p: np.full(len(e.violation), np.nan), "answered nan for design 0"),
        (lambda e, p: "much", "answered 'much'"),
        (lambda e, p: None, r"answered nan|answered None|shape \(\)"),
        (3, "unknown reward 3"),
        ("logratio", "did you mean 'log_ratio'"),
    ],
)
def test_anything_else_is_one_clear_error(reward, words):
    with pytest.raises(ChipgymError, match=words) as caught:
        gymnasium.make(ID, reward=reward)
    assert "\n" not in str(caught.value)


def test_names():
    class Weighted:
        name = "half"

        def __call__(self, evaluation, problem):
            return 0.5 * frugal(evaluation, problem)

    named = [chipgym.make_problem("toy", reward=r).reward_name for r in (frugal, Weighted(), partial(frugal))]
    assert named == [f"{__name__}.frugal", "half", "functools.partial"]
    Weighted.name = "log_ratio"
    with pytest.raises(ChipgymError, match=r"name 'log_ratio'.*is that of a reward of chipgym"):
        chipgym.make_problem("toy", reward=Weighted())


def test_a_store_tells_runs_by_its_name_and_resumes(tmp_path):
    problem = chipgym.make_problem("toy", reward=frugal)
    plain = chipgym.make_problem("toy")
    assert problem.digest == plain.digest  # the evaluations are the same
    store = tmp_path / "runs.db"
    first = chipgym.optimize(problem, agent="random", budget=20, seed=1, store=store)
    expected = frugal(problem.evaluate(first.table.designs), problem)
    assert np.array_equal(first.table.reward, expected)
    again = chipgym.optimize(problem, agent="random", budget=30, seed=1, store=store)
    assert np.array_equal(again.table.reward[:20], first.table.reward)
    chipgym.optimize(plain, agent="random", budget=20, seed=1, store=store)
    stored = open_store(store)
    assert len(stored.runs()) == 2
    loaded = stored.result(1)
    assert np.isnan(loaded.table.reward).all()  # no store holds a function
    assert np.array_equal(loaded.table.objectives, again.table.objectives, equal_nan=True)
    assert loaded.provenance.reward["name"] == f"{__name__}.frugal"
