from __future__ import annotations

import math
import warnings

import gymnasium
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from spaces import design_spaces, rows_of

from chipgym.errors import ChipgymError
from chipgym.simulators import Choices, DesignSpace, Integers, Parameter, Reals, when

QUICK = settings(max_examples=25, deadline=None)

SPACE = DesignSpace((
    Parameter("rows", (8, 16, 32), Integers(1, 1024), 16),
    Parameter("dataflow", ("os", "ws"), Choices(("os", "ws", "is"))),
    Parameter("bandwidth", (1.0, 2.0), Reals(0.5, 64.0, infinite=True)),
    Parameter("cache", ("off", "on")),
    Parameter("cache_kb", (4, 8), Integers(1, 64), condition=when(cache="on")),
))  # fmt: skip


@pytest.fixture(autouse=True)
def _warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def same(a, b):
    return list(a) == list(b) and all(a[k].dtype == b[k].dtype and (a[k] == b[k]).all() for k in a)


def refuses(call, *says) -> None:
    with pytest.raises(ChipgymError) as error:
        call()
    text = str(error.value)
    assert len(text.splitlines()) == 1
    assert len(text) < 400
    for part in says:
        assert part in text


# --- properties of any space ------------------------------------------------------------------------------------


@given(design_spaces(), st.integers(0, 99))
@QUICK
def test_encode_undoes_decode(space, seed):
    rows = space.canonicalize(rows_of(space, seed))
    columns = space.decode(rows)
    assert (space.encode(columns) == rows).all()
    assert (space.encode([space.design(row) for row in rows]) == rows).all()
    assert same(space.decode(space.encode(columns)), columns)
    for p in space.parameters:
        assert columns[p.name].dtype == p.accepts.dtype
        assert all(type(v) is type(p.values[0]) and v in p.values for v in columns[p.name].tolist())


@given(design_spaces(), st.integers(0, 99))
@QUICK
def test_every_form_of_designs_gives_the_same_columns(space, seed):
    rows = rows_of(space, seed)
    expected, n = space.columns(rows)
    values = space.decode(rows)
    forms = {
        "list of dicts": [space.design(row) for row in rows],
        "tuple of dicts": tuple(space.design(row) for row in rows),
        "dict of arrays": values,
        "dict of lists": {k: v.tolist() for k, v in values.items()},
        "reversed order": dict(reversed(values.items())),
        "pandas": dict(pd.DataFrame(values)),
        "a pandas table": pd.DataFrame(values),
        "narrow integers": rows.astype(np.uint8),
        "objects": {k: v.astype(object) for k, v in values.items()},
    }
    for form, designs in forms.items():
        columns, m = space.columns(designs)
        assert (m, form) == (n, form)
        assert same(columns, expected), form
    for i in range(3):
        assert same(space.columns(space.design(rows[i]))[0], {k: v[i : i + 1] for k, v in expected.items()})
        assert same(space.columns(rows[i])[0], {k: v[i : i + 1] for k, v in expected.items()})


@given(design_spaces(), st.data())
@QUICK
def test_pieces_of_the_grid_join_to_the_whole(space, data):
    whole = space.enumerate()
    assert len(whole) == space.size == len(np.unique(whole, axis=0))
    cut = data.draw(st.integers(0, space.size))
    pieces = np.concatenate([space.enumerate(0, cut), space.enumerate(cut, space.size + 5)])
    assert (pieces == whole).all()
    assert (np.sort(whole.view([("", whole.dtype)] * whole.shape[1]), axis=0).view(whole.dtype) == whole).all()


@given(design_spaces(), st.integers(0, 99))
@QUICK
def test_mutation_changes_an_active_parameter(space, seed):
    rows = rows_of(space, seed, 40)
    kept = rows.copy()
    for rate in (None, 0.0, 1.0):
        new = space.mutate(rows, np.random.default_rng(seed), rate)
        assert (rows == kept).all()
        assert new.shape == rows.shape
        assert ((new >= 0) & (new < space.sizes)).all()
        assert (space.canonicalize(new) == new).all()
        able = (space.active(rows) & (space.sizes > 1)).any(axis=1)
        assert ((new != space.canonicalize(rows)).any(axis=1) == able).all()
        assert (space.mutate(rows, np.random.default_rng(seed), rate) == new).all()


@given(design_spaces(), st.integers(0, 99))
@QUICK
def test_neighbours_differ_in_one_active_parameter(space, seed):
    for row in space.canonicalize(rows_of(space, seed, 3)):
        near = space.neighbors(row)
        assert (space.canonicalize(near) == near).all()
        assert len(np.unique(near, axis=0)) == len(near)
        both = space.active(near) & space.active(row)
        assert (((near != row) & both).sum(axis=1) == 1).all()
        expected = 0
        for p, active, i in zip(space.parameters, space.active(row)[0], row, strict=True):
            if active:
                expected += int(i > 0) + int(i < p.size - 1) if p.ordinal else p.size - 1
        assert len(near) == expected


@given(design_spaces(), st.integers(0, 99), st.data())
@QUICK
def test_narrowing_keeps_to_the_domain(space, seed, data):
    rng = np.random.default_rng(seed)
    wanted = {}
    for p in space.parameters:
        if rng.random() < 0.5:
            pool = {Integers: [-20, 7, 19], Reals: [-20.0, 0.25, 20.0], Choices: ["x", "other"]}[type(p.accepts)]
            wanted[p.name] = data.draw(st.lists(st.sampled_from([*p.values, *pool]), min_size=1))
    small = space.narrow(wanted)
    assert small.names == space.names
    for p, old in zip(small.parameters, space.parameters, strict=True):
        assert p.default in p.values
        assert set(p.values) == set(wanted.get(p.name, old.values))
        assert (p.domain, p.condition, p.ordinal) == (old.domain, old.condition, old.ordinal)
        if old.default in p.values:
            assert p.default == old.default
    assert small.narrow(wanted) == small
    rows = small.sample(20, rng)
    # What the narrow space proposes, the whole space evaluates as it is, apart from the values of inactive knobs. Not
    # where a knob hangs on another that may be inactive and whose default, at which it then stands, was taken away.
    controlling = {name for p in space.parameters if p.condition for name, _ in p.condition.clauses}
    chained = [name for name in controlling if space[name].condition]
    assume(all(small[name].default == space[name].default for name in chained))
    columns = space.columns(small.decode(rows))[0]
    active = small.active(rows)
    for j, name in enumerate(small.names):
        assert (columns[name] == small.decode(rows)[name])[active[:, j]].all()


@given(design_spaces(), st.integers(0, 99))
@QUICK
def test_masks_leave_what_is_canonical(space, seed):
    row = space.canonicalize(rows_of(space, seed, 1))[0]
    chosen: dict[str, int] = {}
    for j, p in enumerate(space.parameters):
        legal = space.mask(chosen)[j]
        assert (legal.dtype, legal.shape) == (np.int8, (p.size,))
        assert legal[row[j]] == 1
        assert legal.sum() in (1, p.size)
        if not space.active(row)[0, j]:
            assert legal.sum() == 1
        chosen[p.name] = int(row[j])
    space.to_gymnasium(seed=0).sample(mask=space.mask())


# --- sampling ---------------------------------------------------------------------------------------------------


def test_sampling_is_uniform_and_repeats_with_its_seed():
    space = DesignSpace((Parameter("a", (1, 2, 3)), Parameter("b", ("x", "y"))))
    rows = space.sample(60_000, np.random.default_rng(0))
    counts = np.unique(rows, axis=0, return_counts=True)[1]
    assert len(counts) == 6
    assert np.abs(counts / 10_000 - 1).max() < 0.05
    assert (rows == space.sample(60_000, np.random.default_rng(0))).all()
    assert space.sample(0, np.random.default_rng(0)).shape == (0, 2)


# --- what a space says of itself --------------------------------------------------------------------------------


def test_reading_a_space():
    assert SPACE.names == ("rows", "dataflow", "bandwidth", "cache", "cache_kb")
    assert SPACE.size == 48
    assert SPACE.canonical_size == 36
    assert SPACE.default == {"rows": 16, "dataflow": "os", "bandwidth": 1.0, "cache": "off", "cache_kb": 4}
    assert SPACE["rows"].default == 16
    assert SPACE.encode(SPACE.default).tolist() == [SPACE.default_indices.tolist()]
    assert isinstance(SPACE.to_gymnasium(), gymnasium.spaces.MultiDiscrete)
    assert [d["name"] for d in SPACE.describe()] == list(SPACE.names)
    refuses(lambda: SPACE["row"], "'row'", "did you mean 'rows'")


def test_malformed_spaces():
    a = Parameter("a", (1, 2))
    refuses(lambda: DesignSpace((a, a)), "a: declared twice")
    refuses(lambda: DesignSpace((Parameter("b", (1,), condition=when(a=1)), a)), "b: ", "'a'")
    refuses(lambda: DesignSpace((a, Parameter("b", (1,), condition=when(a=3)))), "b: its condition on a", "3")
    on = Parameter("cache", ("off", "on"))
    refuses(lambda: DesignSpace((on, Parameter("b", (1,), condition=when(cache="On")))), "cache", "did you mean 'on'")


def test_huge_spaces():
    bits = DesignSpace(tuple(Parameter(f"b{i}", (0, 1)) for i in range(2000)))
    assert bits.size == bits.canonical_size == 2**2000
    refuses(bits.enumerate, "10^602", "narrow")
    assert bits.enumerate(5, 7)[:, -3:].tolist() == [[1, 0, 1], [1, 1, 0]]
    assert len(next(bits.canonical_rows(chunk=10))) == 10
    refuses(lambda: bits.enumerate(-1), "start: -1")


# --- designs ----------------------------------------------------------------------------------------------------


def test_a_knob_left_out_takes_the_default():
    columns, n = SPACE.columns({"rows": 8})
    assert n == 1
    assert {k: v.item() for k, v in columns.items()} == {**SPACE.default, "rows": 8}
    assert SPACE.columns([{"rows": 8}, {"dataflow": "ws"}, {}])[0]["rows"].tolist() == [8, 16, 16]
    assert SPACE.columns({})[1] == SPACE.columns([{}])[1] == 1


def test_off_the_grid_inside_the_domain():
    columns, _ = SPACE.columns(
        {"rows": [7, 1000], "dataflow": "is", "bandwidth": math.inf, "cache": "on", "cache_kb": 5}
    )
    assert columns["rows"].tolist() == [7, 1000]
    assert columns["dataflow"].tolist() == ["is", "is"]
    assert columns["bandwidth"].tolist() == [math.inf, math.inf]
    assert columns["cache_kb"].tolist() == [5, 5]
    assert SPACE.columns({"cache": "off", "cache_kb": 5})[0]["cache_kb"].tolist() == [4]
    refuses(lambda: SPACE.encode({"rows": 12}), "rows: 12 is not on the grid (8, 16, 32); nearest is 8")
    refuses(lambda: SPACE.encode({"dataflow": "is"}), "dataflow: 'is' is not on the grid")


@pytest.mark.parametrize("empty", [[], (), {"rows": []}, {"rows": np.array([])}, {"rows": [], "cache": "on"},
                                   np.empty((0, 5), int), [SPACE.default][:0]], ids=repr)  # fmt: skip
def test_no_designs(empty):
    columns, n = SPACE.columns(empty)
    assert n == 0
    assert same(columns, SPACE.decode(np.empty((0, 5), int)))
    assert SPACE.encode(empty).shape == (0, 5)


WRONG = [math.nan, -math.inf, -1, 0, 10**400, 10**5000, True, None, b"16", "16", [1], [[1, 2], [3]], {}, 3.5, 1j,
         object(), np.array([[1, 2]]), pd.NA, range(2)]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=lambda v: str(type(v).__name__))
def test_a_wrong_value_is_one_line_that_names_it(wrong):
    for form in (
        [{"rows": wrong}],
        [{"rows": 8}, {"rows": wrong}],
        {"rows": [8, wrong]},
        {"rows": [wrong], "cache": "on"},
    ):
        refuses(lambda form=form: SPACE.columns(form), "rows: ", "whole number from 1 to 1024")
    if not isinstance(wrong, list | range):
        refuses(lambda: SPACE.columns({"rows": wrong}), "rows: ")


@pytest.mark.parametrize(
    ("designs", "says"),
    [
        ({"row": 8}, ["knob 'row'", "did you mean 'rows'", "cache_kb"]),
        ([{}, {"row": 8}], ["knob 'row'"]),
        ({3: 8}, ["knob '3'"]),
        ({"rows\n": 8}, ["rows"]),
        ({"rows": [8, 16], "cache": ["on"]}, ["'rows': 2", "'cache': 1"]),
        ({"rows": [], "cache": ["on"]}, ["'rows': 0"]),
        (None, ["None"]),
        (5, ["5"]),
        ("rows", ["rows"]),
        ([[0, 1, 2, 0, 0]], ["[0, 1, 2, 0, 0]", "not a dict"]),
        ([None], ["None", "not a dict"]),
        (np.zeros((2, 5)), ["float64"]),
        (np.zeros(5, bool), ["bool"]),
        (np.zeros(5, object), ["object"]),
        (np.array([]), ["float64"]),
        (np.zeros((2, 4), int), ["(2, 4)", "(n, 5)"]),
        (np.zeros((2, 5, 1), int), ["(2, 5, 1)"]),
        (np.zeros((0,), int), ["(0,)"]),
        (np.array(3), ["()"]),
        (np.array([0, 0, 0, 2, 0]), ["cache: index 2", "0 to 1"]),
        (np.array([[0] * 5, [-1, 0, 0, 0, 0]]), ["rows: index -1", "0 to 2"]),
        (np.full((1, 5), 2**64 - 1, np.uint64), ["rows: index 18446744073709551615"]),
    ],
    ids=str,
)
def test_malformed_designs(designs, says):
    for call in (SPACE.columns, SPACE.encode):
        refuses(lambda call=call: call(designs), *says)
    if isinstance(designs, np.ndarray):
        refuses(lambda: SPACE.decode(designs), *says)


@given(st.dictionaries(st.sampled_from([*SPACE.names, "other"]), st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.binary(max_size=2),
    st.lists(st.one_of(st.integers(-5, 40), st.floats(), st.none(), st.lists(st.integers())), max_size=3),
    st.complex_numbers(), st.sampled_from(["on", "off", "ws", 8, 16, 1.5]),
)))  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_anything_else_is_evaluated_or_refused(designs):
    for form in (designs, [designs]):
        try:
            columns, n = SPACE.columns(form)
        except ChipgymError as error:
            lines = str(error).splitlines()
        else:
            lines = ["fine"]
            assert all(len(columns[p.name]) == n and columns[p.name].dtype.kind in "ifU" for p in SPACE.parameters)
        assert len(lines) == 1


# --- narrowing --------------------------------------------------------------------------------------------------


def test_narrowing():
    small = SPACE.narrow({"rows": [64, 20, 64], "dataflow": "is", "bandwidth": np.array([4, 2])})
    assert small["rows"].values == (20, 64)
    assert small["rows"].default == 20
    assert small["dataflow"].values == ("is",)
    assert small["bandwidth"].values == (2.0, 4.0)
    assert SPACE.narrow(None) == SPACE.narrow({}) == SPACE
    assert SPACE.narrow({"rows": np.int64(16)})["rows"].values == (16,)
    assert SPACE.narrow({"rows": range(8, 12)})["rows"].values == (8, 9, 10, 11)
    assert SPACE.narrow({"dataflow": {"ws", "is", "os"}})["dataflow"].values == ("is", "os", "ws")
    assert SPACE.narrow({"dataflow": ["ws", "os"]})["dataflow"].values == ("ws", "os")
    assert SPACE.narrow({"rows": 32}).default["rows"] == 32


def test_a_narrowed_condition():
    off = SPACE.narrow({"cache": "off"})
    assert off.canonical_size == 12
    assert [m.tolist() for m in off.mask()[3:]] == [[1], [1, 0]]
    rows = off.enumerate()
    assert (off.mutate(rows, np.random.default_rng(0))[:, 4] == 0).all()


@pytest.mark.parametrize(
    ("space", "says"),
    [
        ({"row": 8}, ["'row'", "'rows'"]),
        ({"rows": 5000}, ["rows: 5000", "1024"]),
        ({"rows": []}, ["rows: ", "empty"]),
        ({"rows": None}, ["rows: None"]),
        ({"rows": "16"}, ["rows: '16'"]),
        ({"rows": {8: 1}}, ["rows: {8: 1}"]),
        ({"rows": [[8, 16]]}, ["rows: [8, 16]"]),
        ({"dataflow": b"ws"}, ["dataflow", "b'ws'"]),
        ("rows", ["space: 'rows'"]),
        (["rows"], ["space: ['rows']"]),
        (5, ["space: 5"]),
    ],
    ids=str,
)
def test_malformed_restrictions(space, says):
    refuses(lambda: SPACE.narrow(space), *says)


def test_knobs_that_share_a_condition():
    """Side by side or apart, and where what controls them is inactive itself."""
    on, deep = when(cache="on"), when(cache="on", levels=2)
    space = DesignSpace((
        Parameter("cache", ("off", "on"), default="on"),
        Parameter("levels", (1, 2), condition=on, default=2),
        Parameter("l2_kb", (64, 128), condition=deep),
        Parameter("units", (1, 2)),
        Parameter("l1_kb", (4, 8), condition=on, default=8),
        Parameter("ways", (2, 4), condition=deep),
        Parameter("banks", (1, 2), condition=when(l2_kb=128), default=2),
    ))  # fmt: skip
    rows = space.enumerate()
    expected = []
    for row in rows:
        design = space.design(row)
        for p in space.parameters:  # each after what controls it
            if p.condition and not p.condition.holds(design):
                design[p.name] = p.default
        expected.append(design)
    found = space.rows(rows)
    assert [space.design(row) for row in found] == expected
    assert space.canonical_size == len(np.unique(found, axis=0)) < len(rows)
    columns = space.values(found)
    assert {name: column.tolist() for name, column in columns.items()} == {
        name: [design[name] for design in expected] for name in space.names
    }
    np.testing.assert_array_equal(space.canonicalize(rows[5]), found[5])
    assert not np.shares_memory(space.rows(rows), rows)
