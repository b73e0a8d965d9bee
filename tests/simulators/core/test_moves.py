"""Random changes of designs: which knobs, and to what."""

from __future__ import annotations

import numpy as np
import pytest

import chipgym
from chipgym.simulators import DesignSpace, Parameter
from chipgym.simulators.core.moves import Moves


@pytest.mark.parametrize("rate", [None, 0.0, 0.5])
def test_mutations_change_an_active_knob_and_stay_canonical(rate):
    space = chipgym.make_simulator("memory").space
    rng = np.random.default_rng(1)
    rows = space.sample(3000, rng)
    out = space.mutate(rows, rng, rate)
    assert ((out >= 0) & (out < space.sizes)).all()
    assert (space.canonicalize(out) == out).all()
    assert ((out != rows) & space.active(rows)).any(axis=1).all()
    if rate == 0.0:  # one active knob; what it switches on or off comes with it
        assert ((out != rows) & space.active(rows) & space.active(out)).sum(axis=1).max() == 1


def test_ordered_knobs_step_half_of_the_time_and_reach_every_value():
    space = DesignSpace(tuple(Parameter(f"k{i}", tuple(range(8))) for i in range(10)))
    rows = np.full((40_000, 10), 3)
    out = Moves(space).stepped(rows, np.random.default_rng(2))
    changed = out[out != 3]
    assert len(changed) == len(rows)
    found = np.bincount(changed, minlength=8) / len(changed)
    # 1/2 to both neighbours together, and 1/2 evenly to all seven others.
    expected = np.full(8, 1 / 14) + np.where(np.isin(np.arange(8), (2, 4)), 1 / 4, 0.0)
    expected[3] = 0.0
    np.testing.assert_allclose(found, expected, atol=0.012)
