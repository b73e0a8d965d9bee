"""A keyword that nothing has an argument for is a TypeError of one line that suggests the nearest."""

from __future__ import annotations

import gymnasium
import pytest

import chipgym
from chipgym.errors import UnexpectedKeywordError

MAKERS = {
    "make": lambda **given: gymnasium.make("chipgym/Toy-v0", **given),
    "make_vec": lambda **given: gymnasium.make_vec("chipgym/Toy-v0", num_envs=2, **given),
    "a problem given": lambda **given: gymnasium.make("chipgym/Toy-v0", problem=chipgym.make_problem("toy"), **given),
    "parallel_env": lambda **given: chipgym.envs.parallel_env("toy", **given),
    "make_problem": lambda **given: chipgym.make_problem("toy", **given),
    "make_simulator": lambda **given: chipgym.make_simulator("toy", **given),
}


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize(("name", "near"), [("frameskip", None), ("budget", "budget_mm2")])
def test_it_is_a_type_error(maker, name, near):
    with pytest.raises(TypeError) as caught:
        MAKERS[maker](**{name: 1})
    said = str(caught.value)
    assert isinstance(caught.value, UnexpectedKeywordError)
    assert isinstance(caught.value, chipgym.ChipgymError)
    assert f"toy: unexpected keyword argument {name!r}" in said
    assert "\n" not in said
    if near:
        assert f"did you mean {near!r}?" in said
