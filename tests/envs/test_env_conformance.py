"""What every registered simulator's environments keep to: Gymnasium's conventions, and none of ArchGym's faults."""

from __future__ import annotations

import copy
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.utils.passive_env_checker import data_shares_objects
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import chipgym
from chipgym.envs import MODES, env_id
from chipgym.simulators import registered

IDS = [env_id(entry) for entry in registered()]
INFO_KEYS = {"design", "feasible", "violation", "metrics", "action_mask"}


@pytest.fixture(params=IDS, scope="module")
def name(request):
    return request.param


@pytest.fixture(params=list(MODES), scope="module")
def mode(request):
    return request.param


@pytest.fixture(scope="module")
def moded(name, mode):
    return gymnasium.make(name, mode=mode)


@pytest.fixture(scope="module")
def env(name):
    return gymnasium.make(name)


@pytest.fixture(scope="module")
def problem(env):
    return env.unwrapped.problem


@pytest.fixture(scope="module")
def drawn(env):
    """Infos and rewards of 300 random designs."""
    env.action_space.seed(7)
    out = []
    for _ in range(300):
        env.reset()
        _, reward, terminated, truncated, info = env.step(env.action_space.sample())
        assert terminated
        assert not truncated
        out.append((reward, info))
    return out


@pytest.mark.parametrize(
    "arguments",
    [{}, {"render_mode": "ansi"}, {"render_mode": "rgb_array"}, {"action_type": "box"}, {"info": "arrays"}],
    ids=str,
)
def test_gymnasium_check_is_silent(name, mode, arguments):
    checked = gymnasium.make(name, mode=mode, **arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(checked.unwrapped, skip_render_check=False)


@pytest.mark.parametrize("action_type", ["discrete", "box"])
def test_stable_baselines_check_is_silent(name, mode, action_type):
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checker.check_env(gymnasium.make(name, mode=mode, action_type=action_type).unwrapped)


def test_reset_is_seeded_and_deterministic(moded):
    env = moded
    first, second = env.reset(seed=3), env.reset(seed=3)
    assert data_equivalence(first, second, exact=True)
    assert first[0] in env.observation_space
    assert np.isfinite(first[0]).all()
    assert first[0].dtype == np.float32


def test_steps_do_not_depend_on_what_came_before(env, drawn):
    design = env.unwrapped.problem.space.encode(drawn[5][1]["design"])[0]
    env.reset(seed=11)
    _, reward, *_, info = env.step(design)
    assert reward == drawn[5][0]
    assert data_equivalence(info, drawn[5][1], exact=True)


def test_info_has_every_key_as_plain_values(env, problem, drawn):
    for info in (env.reset()[1], *(i for _, i in drawn)):
        assert set(info) == INFO_KEYS
        assert list(info["design"]) == list(problem.space.names)
        assert {type(v) for v in info["design"].values()} <= {int, float, str}
        assert type(info["feasible"]) is bool
        assert type(info["violation"]) is float
        assert info["feasible"] == (info["violation"] == 0)
        assert {type(v) for v in info["metrics"].values()} <= {float}
        assert all(np.isfinite(v) for v in info["metrics"].values())
        costs = {s.name for s in problem.simulator.metrics if s.cost}
        if info["feasible"]:
            assert costs <= set(info["metrics"])


def test_infos_agree_with_the_simulator(problem, drawn):
    out = problem.evaluate([info["design"] for _, info in drawn])
    assert np.array_equal(problem.reward(out), [reward for reward, _ in drawn])
    assert np.array_equal(out.feasible, [info["feasible"] for _, info in drawn])


def test_reset_describes_the_default_design(env, problem):
    _, info = env.reset()
    assert info["design"] == problem.space.default


def test_masks_fit_the_action_space(env, problem):
    _, info = env.reset()
    masks = info["action_mask"]
    assert [m.shape for m in masks] == [(n,) for n in env.action_space.nvec]
    assert {m.dtype for m in masks} == {np.dtype(np.int8)}
    assert env.action_space.sample(mask=masks) in env.action_space
    flat = env.unwrapped.action_masks()
    assert flat.dtype == np.bool_
    assert np.array_equal(flat, np.concatenate(masks))
    assert len(flat) == sum(p.size for p in problem.space.parameters)


def test_every_value_of_every_parameter_is_reachable(env, problem):
    space = problem.space
    for j, p in enumerate(space.parameters):
        row = space.default_indices.copy()
        for other, values in p.condition.clauses if p.condition else ():
            legal = [i for i, v in enumerate(space[other].values) if v in values]
            row[space.names.index(other)] = legal[0]
        seen = set()
        for i in range(p.size):
            row[j] = i
            env.reset()
            *_, info = env.step(row.copy())
            seen.add(info["design"][p.name])
        assert seen == set(p.values), p.name


def test_rewards_are_finite_floats_and_infeasible_ones_rank_last(drawn):
    rewards = [reward for reward, _ in drawn]
    assert {type(r) for r in rewards} == {float}
    assert np.isfinite(rewards).all()
    assert len(set(rewards)) >= 3
    good = [r for r, info in drawn if info["feasible"]]
    bad = [r for r, info in drawn if not info["feasible"]]
    assert good
    assert max(bad, default=-np.inf) < min(good)


def test_a_smaller_objective_is_a_larger_reward(problem, drawn):
    designs = [info["design"] for _, info in drawn if info["feasible"]]
    out = problem.evaluate(designs)
    if out.objectives.shape[1] == 1:
        rewards = problem.reward(out)[np.argsort(out.objectives[:, 0])]
        assert (np.diff(rewards) <= 1e-12).all()


def test_calls_share_no_objects(moded):
    env = moded
    action = env.action_space.sample()
    calls = [env.reset(), env.reset()]
    for _ in range(2):
        observation, *_, info = env.step(action)
        calls.append((observation, info))
        calls.append(env.reset())
    for i, one in enumerate(calls):
        for other in calls[:i]:
            assert not data_shares_objects(one[0], other[0])
            assert not data_shares_objects(one[1], other[1])


def test_returned_data_is_the_users_to_change(moded):
    env = moded
    before = copy.deepcopy(env.reset())
    observation, info = env.reset()
    observation[:] = 0
    info["design"].clear()
    info["metrics"].clear()
    masks = info["action_mask"]
    for mask in masks if isinstance(masks, tuple) else [masks]:
        mask[:] = 0
    assert data_equivalence(env.reset(), before, exact=True)


def test_wrong_actions_are_one_clear_error(env, problem):
    good = problem.space.default_indices
    env.reset()
    too_far = good.copy()
    too_far[0] = problem.space.sizes[0]
    form = "action: .* is not an array of integers of shape"
    reals = good.astype(float)
    for bad in (good[:-1], good[None, :], reals, reals * np.nan, good > 0, "text", None, [[1], [2, 3]]):
        with pytest.raises(chipgym.ChipgymError, match=form) as caught:
            env.unwrapped.step(bad)
        assert "\n" not in str(caught.value)
    name, most = problem.space.names[0], problem.space.sizes[0] - 1
    for bad, near in ((too_far, most), (-1 - good, 0)):
        with pytest.raises(chipgym.ChipgymError, match=rf"^{name}: index .* from 0 to {most}; nearest is {near}$"):
            env.unwrapped.step(bad)


def test_stepping_past_the_end_warns_once_and_needs_a_first_reset(name, mode):
    fresh = gymnasium.make(name, mode=mode).unwrapped
    action = fresh.action_space.sample()
    with pytest.raises(gymnasium.error.ResetNeeded):
        fresh.step(action)
    fresh.reset()
    ended = False
    while not ended:
        *_, terminated, truncated, _ = fresh.step(action)
        ended = terminated or truncated
    with pytest.warns(UserWarning, match="reset"):
        fresh.step(action)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fresh.step(action)


def test_nothing_is_printed(moded, capfd):
    env = moded
    env.reset()
    env.step(env.action_space.sample())
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("autoreset", list(AutoresetMode), ids=lambda one: one.value)
def test_vector_env_answers_what_gymnasiums_own_would(name, mode, autoreset):
    n, seed = 9, 5
    native = gymnasium.make_vec(name, num_envs=n, mode=mode, autoreset_mode=autoreset)
    sync = SyncVectorEnv([lambda: gymnasium.make(name, mode=mode)] * n, autoreset_mode=autoreset)
    assert native.metadata["autoreset_mode"] == autoreset
    assert native.observation_space == sync.observation_space
    assert native.action_space == sync.action_space
    assert data_equivalence(native.reset(seed=seed), sync.reset(seed=seed), exact=True)
    native.action_space.seed(seed)
    some = np.arange(n) % 3 == 0
    for i in range(3 if mode == "one_shot" else 12):
        actions = native.action_space.sample()
        ours, theirs = native.step(actions), sync.step(actions)
        assert data_equivalence(ours, theirs, exact=True)
        assert ours[0] in native.observation_space
        assert np.array_equal(native.action_masks(), sync.call("action_masks"))
        ended = ours[2] | ours[3]
        if autoreset is AutoresetMode.DISABLED and ended.any():
            again = [e.reset(seed=i, options={"reset_mask": ended.copy()}) for e in (native, sync)]
            assert data_equivalence(*again, exact=True)
        if i == 1:  # from here on not all are at the same place of their episode
            again = [e.reset(seed=7, options={"reset_mask": some.copy()}) for e in (native, sync)]
            assert data_equivalence(*again, exact=True)


def test_vector_env_of_continuous_actions_answers_what_gymnasiums_own_would(name, mode):
    n, seed = 5, 5
    native = gymnasium.make_vec(name, num_envs=n, mode=mode, action_type="box")
    make = lambda: gymnasium.make(name, mode=mode, action_type="box")  # noqa: E731
    sync = SyncVectorEnv([make] * n, autoreset_mode=AutoresetMode.SAME_STEP)
    assert native.action_space == sync.action_space
    assert data_equivalence(native.reset(seed=seed), sync.reset(seed=seed), exact=True)
    native.action_space.seed(seed)
    for _ in range(3 if mode == "one_shot" else 12):
        actions = native.action_space.sample()
        assert data_equivalence(native.step(actions), sync.step(actions), exact=True)


def test_vector_calls_share_no_objects(name, mode):
    native = gymnasium.make_vec(name, num_envs=3, mode=mode)
    actions = native.action_space.sample()
    calls = [native.reset(seed=1), native.reset(seed=1)]
    for _ in range(2):
        out = native.step(actions)
        calls.append((out[0], out[4]))
    for i, one in enumerate(calls):
        for other in calls[:i]:
            assert not data_shares_objects(one[0], other[0])
            assert not data_shares_objects(one[1], other[1])


def test_rewards_of_the_scalar_and_the_vector_environment_are_equal_to_the_bit(name):
    n = 24
    native, one = gymnasium.make_vec(name, num_envs=n), gymnasium.make(name)
    native.reset()
    native.action_space.seed(5)
    actions = native.action_space.sample()
    _, rewards, *_ = native.step(actions)
    for i in range(n):
        one.reset()
        assert one.step(actions[i])[1] == rewards[i]
