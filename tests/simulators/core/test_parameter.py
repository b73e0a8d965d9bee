from __future__ import annotations

import math
import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipgym.errors import ChipgymError
from chipgym.simulators import Choices, Integers, Parameter, Reals, when

ROWS = Integers(1, 1024)
SOME = Integers(1, 48, only=(1, 2, 8, 16, 48))
BANDWIDTH = Reals(0.5, 64.0, infinite=True)
FLOW = Choices(("os", "ws", "is"))

HUGE = 10**5000  # more digits than Python writes out
NOT_NUMBERS = [
    math.nan, None, True, False, np.True_, b"16", "16", "", [16], [[1, 2], [3]], (16,), {}, {"a": 1}, 1j,
    np.complex128(1), np.datetime64("2020"), np.timedelta64(3, "D"), object(), np.array([[1]]), np.array([1, 2]),
    Fraction(3), int, {16}, -math.inf, -1, -(10**400), 10**400, HUGE, 2**63, 1e300,
]  # fmt: skip


@pytest.fixture(autouse=True)
def _warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def message(domain, values) -> str:
    with pytest.raises(ChipgymError) as error:
        domain.column("knob", values)
    text = str(error.value)
    assert "knob" in text
    assert len(text.splitlines()) == 1
    assert len(text) < 300
    return text


@pytest.mark.parametrize("domain", [ROWS, SOME, BANDWIDTH, FLOW], ids=str)
@pytest.mark.parametrize("wrong", NOT_NUMBERS, ids=lambda v: repr(v)[:20] if not isinstance(v, int) else "int")
def test_what_is_no_value_is_one_clear_line(domain, wrong):
    right = "ws" if domain is FLOW else 16
    plain = wrong.item() if isinstance(wrong, np.generic) else wrong
    shown = "int too long to write" if wrong is HUGE else " ".join(repr(plain).splitlines())[:50]
    for values in ([wrong], [right, wrong], [right, wrong, right]):
        text = message(domain, values)
        assert shown in text


@pytest.mark.parametrize(("asked", "nearest"), [(3, 2), (5, 2), (6, 8), (12, 8), (32, 16), (33, 48), (0, 1), (99, 48)])
def test_of_some_numbers_the_nearest_is_named(asked, nearest):
    """Of two that are as near the smaller one."""
    assert message(SOME, [1, asked]) == f"knob: {asked} is not one of 1, 2, 8, 16, 48; nearest is {nearest}"


def test_some_numbers():
    assert SOME.column("knob", [48, 1, 8.0]).tolist() == [48, 1, 8]
    assert "2.5 is not one of" in message(SOME, 2.5 * np.ones(3))
    assert str(Integers(1, 40, only=tuple(range(1, 41)))) == "one of 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, … 40"
    p = Parameter("knob", (2, 16), SOME)
    assert p.accepts == SOME
    with pytest.raises(ChipgymError, match="3 is not one of 1, 2, 8, 16, 48; nearest is 2"):
        Parameter("knob", (2, 3), SOME)


@pytest.mark.parametrize("only", [(1, 2), (2, 48), (1, 48, 8), (1, 8, 8, 48), (0, 48)])
def test_some_numbers_ascend_within_their_bounds(only):
    with pytest.raises(ChipgymError, match="does not ascend from 1 to 48"):
        Integers(1, 48, only=only)


def test_the_wrong_value_is_named_and_not_its_neighbour():
    for wrong in (10**400, "abc", None, [1]):
        assert "16 is not" not in message(ROWS, [16, wrong])


@pytest.mark.parametrize(
    ("domain", "value", "nearest"),
    [(ROWS, 5000, "1024"), (ROWS, -3, "1"), (ROWS, 10**400, "1024"), (ROWS, math.inf, "1024"), (ROWS, 3.5, "4"),
     (BANDWIDTH, 0.1, "0.5"), (Reals(0, 2), math.inf, "2"), (BANDWIDTH, 100, "64")],
)  # fmt: skip
def test_the_nearest_legal_number_is_named(domain, value, nearest):
    assert message(domain, [value]).endswith(f"nearest is {nearest}")


def test_the_nearest_name_is_suggested():
    assert "did you mean 'ws'?" in message(FLOW, ["wss"])


@pytest.mark.parametrize("values", [[16, 32], (16, 32), [16.0, 32], np.array([16, 32], np.uint8), [np.int32(16), 32],
                                    np.array([16.0, 32.0]), np.array([16, 32], object), [np.array(16), 32],
                                    np.array([16, 0, 32], ">i8")[::2]], ids=repr)  # fmt: skip
def test_whole_numbers_in_any_form(values):
    column = ROWS.column("knob", values)
    assert column.dtype == np.int64
    assert column.tolist() == [16, 32]
    assert column.flags.owndata
    assert column.flags.c_contiguous
    real = BANDWIDTH.column("knob", values)
    assert real.dtype == np.float64
    assert real.tolist() == [16.0, 32.0]


def test_a_column_is_never_the_array_passed():
    for domain, dtype in ((ROWS, np.int64), (BANDWIDTH, np.float64)):
        given = np.array([16, 32], dtype)
        assert not np.shares_memory(given, domain.column("knob", given))


@given(st.integers(-(2**62), 2**62), st.integers(-(2**62), 2**62))
def test_large_whole_numbers_stay_exact(a, b):
    whole = Integers(-(2**62), 2**62)
    assert whole.column("knob", [a, np.int64(b)]).tolist() == [a, b]
    assert whole.column("knob", [a, b]).tolist() == [a, b]


@given(st.floats(0.5, 64.0))
def test_reals_are_bit_exact(x):
    assert BANDWIDTH.column("knob", [x])[0].hex() == x.hex()


def test_infinity_only_where_it_means_something():
    assert BANDWIDTH.column("knob", [math.inf, 1])[0] == math.inf
    message(Reals(0.5, 64.0), [math.inf])


def test_there_is_one_zero():
    assert math.copysign(1, Reals(-1, 1).column("knob", [-0.0])[0]) == 1


def test_empty_columns():
    for domain in (ROWS, BANDWIDTH, FLOW):
        for empty in ([], np.array([]), np.array([], int)):
            column = domain.column("knob", empty)
            assert column.shape == (0,)
            assert column.dtype == domain.dtype


def test_a_grid_without_more_declares_the_rest():
    rows = Parameter("rows", (8, 16))
    assert (rows.domain, rows.default, rows.ordinal, rows.size) == (Integers(8, 16), 8, True, 2)
    assert Parameter("x", (1, 2.5)).domain == Reals(1.0, 2.5)
    flow = Parameter("flow", ("os", "ws"), default="ws")
    assert (flow.domain, flow.ordinal, flow.default_index) == (Choices(("os", "ws")), False, 1)
    assert Parameter("rows", tuple(np.arange(1, 4))).domain == Integers(1, 3)


def test_values_are_of_the_domains_type():
    clock = Parameter("clock_mhz", (100, 200), Reals(1.0, 1000.0), default=200)
    assert [type(v) for v in (*clock.values, clock.default)] == [float] * 3
    assert [type(v) for v in Parameter("rows", tuple(np.arange(1, 4))).values] == [int] * 3


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        ({"values": ()}, "empty"),
        ({"values": (1, 1)}, "repeat"),
        ({"values": (1, 1.0), "domain": Reals(0, 2)}, "repeat"),
        ({"values": (2, 1)}, "ascending"),
        ({"values": ("small", "large"), "ordinal": True}, "ascending"),
        ({"values": (1, "a")}, "mix"),
        ({"values": (1, 2), "default": 3}, "default 3"),
        ({"values": (1, 2000), "domain": ROWS}, "2000"),
        ({"values": (1.0, math.nan)}, "nan"),
        ({"values": (False, True)}, "False"),
        ({"values": ("os", "nope"), "domain": FLOW}, "nope"),
    ],
)
def test_a_malformed_declaration_says_so(declared, says):
    with pytest.raises(ChipgymError, match=says) as error:
        Parameter("knob", **declared)
    assert "knob" in str(error.value)


def test_the_grid_is_read_only():
    with pytest.raises(ValueError, match="read-only"):
        Parameter("rows", (1, 2)).column_values[0] = 5


def test_the_nearest_grid_position():
    rows = Parameter("rows", (8, 16, 64), ROWS)
    assert [rows.nearest_index(v) for v in (1, 8, 13, 39, 41, 1024)] == [0, 0, 1, 1, 2, 2]
    unlimited = Parameter("bandwidth", (1.0, math.inf), BANDWIDTH)
    assert [unlimited.nearest_index(v) for v in (50.0, math.inf)] == [0, 1]
    assert Parameter("flow", ("ws", "os"), FLOW).nearest_index("is") == 0


def test_a_condition_reads_as_it_is_meant():
    condition = when(refresh="all_bank", arbiter=("fifo", "reorder"), ways=2)
    assert str(condition) == "refresh is all_bank and arbiter is fifo or reorder and ways is 2"
    described = Parameter("x", (1, 2), unit="KB", condition=condition, doc="a size").describe()
    assert described["active_when"] == str(condition)
    assert described["accepts"] == "a whole number from 1 to 2"
