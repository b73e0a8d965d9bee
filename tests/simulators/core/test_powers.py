"""Powers of two, against Python's whole numbers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chipgym.simulators.core.powers import ceil_log2, is_power_of_two, next_power_of_two


@given(st.lists(st.integers(1, 2**52), min_size=1))
def test_whole_numbers(values):
    bits = [(v - 1).bit_length() for v in values]
    assert ceil_log2(values).tolist() == bits
    assert next_power_of_two(values).tolist() == [2**b for b in bits]
    assert is_power_of_two(values).tolist() == [v & (v - 1) == 0 for v in values]


@given(st.floats(1, 1e12))
def test_parts_of_numbers(value):
    found = int(ceil_log2(value))
    assert Fraction(2) ** (found - 1) < Fraction(value) <= Fraction(2) ** found


def test_shapes_are_kept():
    assert ceil_log2(np.ones((2, 3))).shape == next_power_of_two(np.ones((2, 3))).shape == (2, 3)
    assert ceil_log2([2.0**k for k in range(60)]).tolist() == list(range(60))
