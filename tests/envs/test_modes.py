"""What one step is: sequential and refine modes, and episodes about one of several workloads."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chipgym
from chipgym.datasets import load_workload
from chipgym.errors import ChipgymError

ID = "chipgym/Toy-v0"
# units, cache, cache_kb (with a cache only), clock_mhz
SIZES = (6, 2, 4, 3)


def play(env, actions, **reset):
    """Observations, rewards and infos of one episode, the first observation and info included."""
    observation, info = env.reset(**reset)
    seen, rewards, infos = [observation], [], [info]
    for action in actions:
        observation, reward, terminated, truncated, info = env.step(action)
        seen.append(observation)
        rewards.append(reward)
        infos.append(info)
        if terminated or truncated:
            break
    assert terminated or truncated
    return seen, rewards, infos


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(0, size - 1) for size in SIZES]))
def test_a_sequential_episode_is_worth_its_design(row):
    one, env = gymnasium.make(ID), gymnasium.make(ID, mode="sequential")
    one.reset()
    _, expected, *_, whole = one.step(np.array(row))
    seen, rewards, infos = play(env, row)
    assert rewards == [0.0, 0.0, 0.0, expected]
    last = infos[-1]
    assert last["design"] == whole["design"]
    assert last["metrics"] == whole["metrics"]
    assert (last["feasible"], last["violation"]) == (whole["feasible"], whole["violation"])
    for info in infos[:-1]:
        assert (info["feasible"], info["violation"], info["metrics"]) == (False, float("inf"), {})
    # Without a cache its size is not free: whatever else was wished for is said to be wrong.
    wrong = row[1] == 0 and row[2] != 0
    assert [info["invalid_action"] for info in infos] == [False, False, False, wrong, False]
    assert all(observation in env.observation_space for observation in seen)


def test_a_sequential_agent_sees_what_is_chosen_and_whose_turn_it_is():
    env = gymnasium.make(ID, mode="sequential")
    features = len(env.unwrapped.tasks.features[0])
    seen, _, infos = play(env, [5, 1, 1, 0])
    own = [observation[features:].tolist() for observation in seen]
    assert own[0] == [-1, -1, -1, -1, 1, 0, 0, 0]
    assert own[1] == [1, -1, -1, -1, 0, 1, 0, 0]
    assert own[3] == pytest.approx([1, 1, 1 / 3, -1, 0, 0, 0, 1])
    assert own[4] == pytest.approx([1, 1, 1 / 3, 0, 0, 0, 0, 0])
    assert infos[1]["design"] == {**env.unwrapped.problem.space.default, "units": 32}


def test_sequential_masks_follow_what_was_chosen_and_other_actions_wrap():
    env = gymnasium.make(ID, mode="sequential")
    _, info = env.reset()
    masks = [info["action_mask"]]
    for action in (7, -1, 0):  # 7 is 1 of 6, -1 is the last of 2
        *_, info = env.step(action)
        masks.append(info["action_mask"])
        assert np.array_equal(env.unwrapped.action_masks(), info["action_mask"])
        assert info["invalid_action"] == (action != 0)
    assert [mask.tolist() for mask in masks] == [
        [1, 1, 1, 1, 1, 1], [1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0], [1, 1, 1, 0, 0, 0],
    ]  # fmt: skip
    assert (info["design"]["units"], info["design"]["cache"], info["design"]["cache_kb"]) == (2, "on", 4)
    env.reset()
    env.step(0)
    *_, info = env.step(0)
    assert info["action_mask"].tolist() == [1, 0, 0, 0, 0, 0]  # no cache: its size is the default


def test_parameters_with_one_value_have_no_turn():
    env = gymnasium.make(ID, mode="sequential", space={"units": 8, "clock_mhz": 100})
    assert env.action_space.n == 4
    _, rewards, infos = play(env, [1, 3])
    assert len(rewards) == 2
    assert infos[-1]["design"] == {"units": 8, "cache": "on", "cache_kb": 32, "clock_mhz": 100}
    assert len(play(gymnasium.make(ID, mode="sequential", space={**infos[-1]["design"]}), [0] * 4)[1]) == 4


def action_of(parameter, position):
    return 1 + sum(SIZES[:parameter]) + position


def test_refining_changes_one_parameter_and_pays_the_difference():
    env = gymnasium.make(ID, mode="refine", horizon=5)
    changes = [action_of(0, 5), action_of(1, 1), action_of(2, 3), 0, action_of(1, 0)]
    seen, rewards, infos = play(env, changes)
    designs = [info["design"] for info in infos]
    start = env.unwrapped.problem.space.default
    assert designs[0] == start
    assert designs[1] == {**start, "units": 32}
    assert designs[3] == designs[4] == {**start, "units": 32, "cache": "on", "cache_kb": 32}
    assert designs[5] == {**start, "units": 32, "cache": "off"}
    problem = env.unwrapped.problem
    worth = problem.reward(problem.evaluate(designs))
    assert rewards == pytest.approx(np.diff(worth))
    assert sum(rewards) == pytest.approx(worth[-1] - worth[0])
    assert not any(info["invalid_action"] for info in infos)
    left = [observation[-1] for observation in seen]
    assert left == pytest.approx([1, 0.8, 0.6, 0.4, 0.2, 0])
    assert [bool(observation[-2]) for observation in seen] == [info["feasible"] for info in infos]
    # Decades of latency over the default design's stand first of the three metrics.
    latency = [info["metrics"].get("latency_s", designs) for info in infos]
    known = [i for i, info in enumerate(infos) if info["metrics"]]
    assert [seen[i][-5] for i in known] == pytest.approx([np.log10(latency[i] / latency[0]) for i in known], abs=1e-6)


def test_refining_what_is_inactive_does_nothing_and_says_so():
    env = gymnasium.make(ID, mode="refine")
    _, info = env.reset()
    mask = info["action_mask"]
    assert mask[0] == 1
    assert mask[action_of(2, 0) : action_of(3, 0)].tolist() == [0, 0, 0, 0]  # the default has no cache
    assert mask.sum() == len(mask) - 4
    _, reward, *_, info = env.step(action_of(2, 3))
    assert (reward, info["invalid_action"]) == (0, True)
    assert info["design"] == env.unwrapped.problem.space.default
    _, _, *_, info = env.step(len(mask) + action_of(0, 5))
    assert (info["invalid_action"], info["design"]["units"]) == (True, 32)


def test_a_random_start_is_the_seeds():
    env = gymnasium.make(ID, mode="refine", start="random")
    starts = [tuple(env.reset(seed=seed)[1]["design"].values()) for seed in range(30)]
    assert len(set(starts)) > 10
    assert tuple(env.reset(seed=3)[1]["design"].values()) == starts[3]


def test_the_horizon_is_twice_the_number_of_parameters_unless_told():
    assert len(play(gymnasium.make(ID, mode="refine"), [0] * 100)[1]) == 8
    assert len(play(gymnasium.make(ID, mode="refine", horizon=3), [0] * 100)[1]) == 3


WORKLOADS = ["mlp:16-64-5", "mlp:8-8", "mlp:4-4-4"]


@pytest.mark.parametrize("mode", ["one_shot", "sequential", "refine"])
def test_a_list_of_workloads(mode):
    env = gymnasium.make(ID, mode=mode, workload=WORKLOADS)
    drawn = [env.reset(seed=seed)[1]["workload"] for seed in range(40)]
    assert set(drawn) == set(WORKLOADS)
    assert [env.reset(seed=seed)[1]["workload"] for seed in range(40)] == drawn
    seen = {name: env.reset(options={"workload": name})[0] for name in WORKLOADS}
    assert len({observation.tobytes() for observation in seen.values()}) == 3
    env.reset(seed=0)
    free = [env.reset()[1]["workload"] for _ in range(30)]
    assert set(free) == set(WORKLOADS)
    _, info = env.reset(options={"workload": WORKLOADS[1]})
    assert info["workload"] == WORKLOADS[1] == env.unwrapped.problem.simulator.workload.name
    with pytest.raises(ChipgymError, match="mlp:8-8"):
        env.reset(options={"workload": "mlp:8-9"})


def test_every_design_is_judged_on_its_own_workload():
    envs = gymnasium.make_vec("chipgym/Systolic-v0", num_envs=12, workload=["mlp:64-64", "resnet18"])
    _, infos = envs.reset(seed=1)
    on = infos["workload"].tolist()
    assert set(on) == {"mlp:64-64", "resnet18"}
    envs.action_space.seed(0)
    actions = envs.action_space.sample()
    _, rewards, *_, infos = envs.step(actions)
    assert infos["final_info"]["workload"].tolist() == on
    for i, name in enumerate(on):
        problem = chipgym.make_problem("systolic", workload=name)
        assert problem.reward(problem.evaluate(actions[i : i + 1]))[0] == rewards[i]


def test_several_problems_are_of_one_space():
    problems = [chipgym.make_problem("toy", workload=name) for name in WORKLOADS]
    env = gymnasium.make(ID, problem=problems)
    assert env.unwrapped.tasks.problems == tuple(problems)
    other = chipgym.make_problem("toy", workload="mlp:9-9", space={"units": [1, 2]})
    with pytest.raises(ChipgymError, match="'mlp:9-9' has another design space"):
        gymnasium.make(ID, problem=[*problems, other])
    with pytest.raises(ChipgymError, match=r"of the simulator 'systolic', .* nearest is 'chipgym/Systolic-v0'"):
        gymnasium.make(ID, problem=[problems[0], chipgym.make_problem("systolic")])


def test_a_list_of_one_and_workloads_of_one_name():
    env = gymnasium.make(ID, workload=["mlp:8-8"])
    assert env.reset(options={"workload": "mlp:8-8"})[1]["workload"] == "mlp:8-8"
    nets = [load_workload("mlp:8-8", batch=batch) for batch in (1, 4, 8)]
    env = gymnasium.make(ID, workload=nets)
    assert env.unwrapped.tasks.names == ("mlp:8-8", "mlp:8-8 #2", "mlp:8-8 #3")
    assert env.reset(options={"workload": "mlp:8-8 #3"})[1]["workload"] == "mlp:8-8 #3"
    assert env.unwrapped.problem.simulator.workload is nets[2]


def test_a_workload_for_each_environment():
    envs = gymnasium.make_vec(ID, num_envs=3, workload=WORKLOADS)
    _, infos = envs.reset(options={"workload": WORKLOADS[::-1]})
    assert infos["workload"].tolist() == WORKLOADS[::-1]
    with pytest.raises(ChipgymError, match="2 workloads for 3 environments"):
        envs.reset(options={"workload": WORKLOADS[:2]})


@pytest.mark.parametrize("mode", ["sequential", "refine"])
def test_bounds_are_tight_but_for_features(mode):
    env = gymnasium.make(ID, mode=mode)
    features = len(env.unwrapped.tasks.features[0])
    space = env.observation_space
    assert (space.low[features:] >= -10).all()
    assert (space.high[features:] <= 10).all()
    env.action_space.seed(0)
    for seed in range(30):
        observation, info = env.reset(seed=seed)
        ended = False
        while not ended:
            assert observation in space
            observation, _, terminated, truncated, info = env.step(env.action_space.sample(info["action_mask"]))
            ended = terminated or truncated
        assert observation in space


def test_wrong_actions_of_one_number():
    env = gymnasium.make(ID, mode="sequential")
    env.reset()
    for wrong in ([1], 0.5, "1", None, np.zeros((1, 1), int)):
        with pytest.raises(ChipgymError, match="is not a whole number"):
            env.step(wrong)
