"""Episodes that begin at a design that they are told."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import chipgym
from chipgym.errors import ChipgymError

ID = "chipgym/Toy-v0"
DESIGN = {"units": 16, "cache": "on", "cache_kb": 8}
COMPLETE = {**DESIGN, "clock_mhz": 100}


@pytest.mark.parametrize("start", ["default", "random"])
def test_refine_begins_where_it_is_told(start):
    env = gymnasium.make(ID, mode="refine", start=start)
    space = env.unwrapped.problem.space
    for design in (DESIGN, COMPLETE, space.encode(DESIGN)[0]):
        observation, info = env.reset(seed=0, options={"design": design})
        assert info["design"] == COMPLETE
        assert observation in env.observation_space
    _, reward, *_, info = env.step(0)
    assert (reward, info["design"]) == (0.0, COMPLETE)
    problem = env.unwrapped.problem
    first = problem.reward(problem.evaluate(COMPLETE))[0]
    _, reward, *_, info = env.step(1)
    assert reward == problem.reward(problem.evaluate({**COMPLETE, "units": 1}))[0] - first
    if start == "default":
        assert env.reset()[1]["design"] == space.default  # of one episode alone


def test_a_row_of_results_is_a_design():
    env = gymnasium.make(ID, mode="refine")
    found = chipgym.optimize(env.unwrapped.problem, "random", 20)
    best, frame = found.best, found.to_pandas()
    for row in (best, frame.iloc[best.number], dict(frame.iloc[best.number])):
        assert env.reset(options={"design": row})[1]["design"] == best.design
    envs = gymnasium.make_vec(ID, num_envs=2, mode="refine")
    units = envs.reset(options={"design": [best, found.table.row(0)]})[1]["design"]["units"]
    assert units.tolist() == [best.design["units"], found.table.row(0).design["units"]]
    with pytest.raises(ChipgymError, match=r"^reset option design: .*neither a dict"):
        env.reset(options={"design": frame})


def test_it_may_be_infeasible_and_what_is_inactive_is_folded():
    env = gymnasium.make(ID, mode="refine", budget_mm2=9)
    assert not env.reset(options={"design": {"units": 32}})[1]["feasible"]
    assert env.reset(options={"design": {"cache_kb": 32}})[1]["design"]["cache_kb"] == 4


def test_a_vector_is_told_one_for_all_or_one_each():
    envs = gymnasium.make_vec(ID, num_envs=3, mode="refine", start="random")
    make = lambda: gymnasium.make(ID, mode="refine", start="random")  # noqa: E731
    sync = SyncVectorEnv([make] * 3, autoreset_mode=AutoresetMode.SAME_STEP)
    told = [e.reset(seed=4, options={"design": DESIGN}) for e in (envs, sync)]
    assert data_equivalence(*told, exact=True)
    actions = np.array([0, 3, 7])
    assert data_equivalence(envs.step(actions), sync.step(actions), exact=True)

    drawn = envs.reset(seed=4)[1]["design"]["units"]
    mixed = envs.reset(seed=4, options={"design": [{"units": 32}, None, {"units": 1}]})[1]["design"]["units"]
    assert mixed.tolist() == [32, drawn[1], 1]
    rows = envs.problem.space.sample(3, np.random.default_rng(0))
    assert np.array_equal(
        envs.reset(options={"design": rows})[1]["design"]["units"], envs.problem.space.decode(rows)["units"]
    )
    mask = np.array([False, True, False])
    infos = envs.reset(options={"reset_mask": mask, "design": DESIGN})[1]
    assert infos["design"]["units"].tolist() == [0, 16, 0]
    assert envs.episodes.rows[0].tolist() == envs.problem.space.canonicalize(rows)[0].tolist()


def test_stable_baselines_tells_each():
    pytest.importorskip("stable_baselines3")
    envs = chipgym.envs.sb3_vec_env(ID, 2, mode="refine")
    envs.set_options([{"design": {"units": 32}}, {}])
    envs.reset()
    assert [info["design"]["units"] for info in envs.reset_infos] == [32, 4]
    envs.reset()
    assert [info["design"]["units"] for info in envs.reset_infos] == [4, 4]


@pytest.mark.parametrize("vector", [False, True])
@pytest.mark.parametrize("mode", ["one_shot", "sequential"])
def test_modes_that_choose_all_of_a_design_refuse_it(mode, vector):
    env = gymnasium.make_vec(ID, num_envs=2, mode=mode) if vector else gymnasium.make(ID, mode=mode)
    with pytest.raises(ChipgymError, match=rf"reset option 'design': .* mode '{mode}' .*'refine' takes it"):
        env.reset(options={"design": DESIGN})


@pytest.mark.parametrize(
    ("design", "words"),
    [
        ({"unit": 4}, "did you mean 'units'"),
        ({"units": 3}, r"^units: 3 is not on the grid .*nearest is 2"),
        ({"units": [1, 2]}, "columns of 2 designs, expected one"),
        ("units=4", "^reset option design: 'units=4' is neither a dict such as {'units': …} nor an index row"),
        (7, "^reset option design: 7"),
        (np.array([0, 0]), "shape"),
        (np.array([9, 0, 0, 0]), "^units: index 9"),
        (np.array([0.5, 0, 0, 0]), "integers"),
    ],
)
def test_another_design_is_one_clear_error(design, words):
    for env in (gymnasium.make(ID, mode="refine"), gymnasium.make_vec(ID, num_envs=2, mode="refine")):
        with pytest.raises(ChipgymError, match=words) as caught:
            env.reset(options={"design": design})
        assert "\n" not in str(caught.value)


def test_as_many_designs_as_environments():
    envs = gymnasium.make_vec(ID, num_envs=2, mode="refine")
    with pytest.raises(ChipgymError, match="reset option design: 3 designs for 2 environments"):
        envs.reset(options={"design": [DESIGN] * 3})


def test_several_agents_see_it_first():
    env = chipgym.envs.parallel_env("toy", rounds=2)
    _, infos = env.reset(options={"design": DESIGN})
    assert infos["cache"]["design"] == COMPLETE
    with pytest.raises(ChipgymError, match="did you mean 'units'"):
        env.reset(options={"design": {"unit": 4}})
