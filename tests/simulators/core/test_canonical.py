from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from spaces import design_spaces, memory_controller_space, rows_of

from chipgym.simulators import DesignSpace, Parameter, when


@given(design_spaces())
@settings(max_examples=30, deadline=None)
def test_the_count_is_what_going_through_the_grid_finds(space):
    rows = space.canonicalize(space.enumerate())
    assert space.canonical_size == len(np.unique(rows, axis=0))
    listed = np.concatenate(list(space.canonical_rows(chunk=7)))
    assert len(listed) == space.canonical_size
    assert len(np.unique(listed, axis=0)) == len(listed)


@given(design_spaces())
@settings(max_examples=30, deadline=None)
def test_canonical_form_is_one_form(space):
    rows = rows_of(space, 0, 32)
    kept = rows.copy()
    once = space.canonicalize(rows)
    assert (space.canonicalize(once) == once).all()
    assert (rows == kept).all()
    assert not np.shares_memory(rows, once)
    assert (space.active(rows) == space.active(once)).all()
    assert (once == np.where(space.active(rows), rows, space.default_indices)).all()
    assert (space.canonicalize(rows[0]) == once[0]).all()


@given(design_spaces())
@settings(max_examples=25, deadline=None)
def test_values_and_indices_fold_alike(space):
    rows = rows_of(space, 1)
    by_index, n = space.columns(rows)
    by_value, m = space.columns(space.decode(rows))
    assert n == m == len(rows)
    for name in space.names:
        assert by_index[name].dtype == by_value[name].dtype
        assert (by_index[name] == by_value[name]).all()


def test_a_memory_controller():
    space = memory_controller_space()
    assert space.size == 442_368
    assert space.canonical_size == 166_464


def test_a_chain_folds_to_its_end():
    space = DesignSpace(
        (
            Parameter("cache", ("off", "on")),
            Parameter("prefetch", ("off", "on"), condition=when(cache="on")),
            Parameter("distance", (1, 2, 4), condition=when(prefetch="on")),
        )
    )
    assert space.canonical_size == 1 + 1 + 3
    assert space.canonicalize(np.array([0, 1, 2])).tolist() == [0, 0, 0]


def test_an_inactive_default_may_activate():
    """A knob that is inactive stands at its default, and what depends on that default is active."""
    space = DesignSpace(
        (
            Parameter("mode", ("a", "b")),
            Parameter("depth", (1, 2), default=2, condition=when(mode="b")),
            Parameter("width", (1, 2, 3), condition=when(depth=2)),
        )
    )
    assert space.canonical_size == 3 + 1 + 3
    assert space.canonical_size == len(np.unique(space.canonicalize(space.enumerate()), axis=0))


def test_huge_spaces_are_counted_exactly():
    edges = tuple(Parameter(f"cut_{i}", (0, 1), condition=when(fusion="custom")) for i in range(200))
    space = DesignSpace((Parameter("fusion", ("none", "full", "custom")), *edges))
    assert space.size == 3 * 2**200
    assert space.canonical_size == 2 + 2**200
    assert len(space.sample(3, np.random.default_rng(0))) == 3


def test_controlling_knobs_with_many_values_are_counted_by_kind():
    wide = tuple(range(3000))
    space = DesignSpace((
        Parameter("p", wide), Parameter("q", wide), Parameter("r", wide),
        Parameter("x", (0, 1), condition=when(p=5, q=(1, 2), r=tuple(range(10, 20)))),
    ))  # fmt: skip
    assert space.canonical_size == 3000**3 + 1 * 2 * 10
