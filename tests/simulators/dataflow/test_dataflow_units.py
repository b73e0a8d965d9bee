"""PCUs: cycles of a tile, the fewest units for a pace, and how a section's are shared out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipgym.simulators.dataflow.model.columns import (
    COLS,
    COUNT,
    FIELDS,
    INNER,
    KIND,
    OPS,
    PRODUCT,
    ROWS,
    SHARED,
    SPLIT_COLS,
    SPLIT_COUNT,
    SPLIT_INNER,
    SPLIT_ROWS,
    VECTOR,
    WEIGHTS,
)
from chipgym.simulators.dataflow.model.pcu import allocate, fewest_pcus, product_cycles, tile_cycles
from chipgym.simulators.dataflow.model.policies import ALLOCATIONS, SPLITS
from chipgym.simulators.dataflow.model.work import (
    T_BUSY_IN,
    T_COLS,
    T_COUNT,
    T_FRACTION,
    T_IN,
    T_INNER,
    T_KIND,
    T_MACS,
    T_OPS,
    T_OUT,
    T_ROWS,
    T_TILE_LOAD,
    T_TILE_LOADED,
    T_WEIGHTS,
    WORK,
    fill_work,
)

LANES, STAGES = 32.0, 6.0
sizes = st.integers(1, 3000).map(float)


def tile(kind=PRODUCT, rows=1.0, cols=1.0, inner=1.0, count=1.0, ops=1.0, out=0.0) -> list[float]:
    row = np.zeros(WORK)
    row[[T_KIND, T_ROWS, T_COLS, T_INNER, T_COUNT, T_FRACTION, T_OPS, T_OUT]] = (
        kind, rows, cols, inner, count, 1.0, ops, out,
    )  # fmt: skip
    return list(row)


@settings(deadline=None)
@given(sizes, sizes, sizes, st.integers(1, 64))
def test_splits_are_dfmodels_form(m, n, k, p):
    blocks = math.ceil(m / (p * LANES)) * math.ceil(n / STAGES)
    assert product_cycles(m, n, k, float(p), SPLITS.index("lanes"), LANES, STAGES) == blocks * k
    blocks = math.ceil(m / LANES) * math.ceil(n / (p * STAGES))
    assert product_cycles(m, n, k, float(p), SPLITS.index("stages"), LANES, STAGES) == blocks * k


@settings(deadline=None)
@given(sizes, sizes, sizes, st.integers(1, 2000))
def test_the_automatic_split_is_no_slower_and_below_the_peak_never(m, n, k, p):
    auto = product_cycles(m, n, k, float(p), SPLITS.index("auto"), LANES, STAGES)
    for other in ("lanes", "stages", "square"):
        assert auto <= product_cycles(m, n, k, float(p), SPLITS.index(other), LANES, STAGES)
    assert auto >= m * n * k / (p * LANES * STAGES) * (1 - 1e-12)


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from([PRODUCT, VECTOR]), sizes, sizes, sizes, st.integers(1, 64), st.sampled_from(range(4)),
    st.floats(1e-3, 2.0),
)  # fmt: skip
def test_the_fewest_units_keep_the_pace(kind, m, n, k, count, split, share):
    work = np.array([tile(kind, m, n, k, float(count), ops=5.0)])
    pace = tile_cycles(work, 0, 1.0, split, LANES, STAGES) * share
    fewest = fewest_pcus(work, 0, pace, split, LANES, STAGES)
    if math.isfinite(fewest):
        assert fewest >= 1
        assert tile_cycles(work, 0, fewest, split, LANES, STAGES) <= pace * (1 + 1e-9)
    else:
        assert share < 1  # one unit keeps its own pace


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(sizes, sizes, sizes), min_size=1, max_size=9), st.integers(1, 500), st.sampled_from(range(4)))
def test_what_is_shared_out_is_there(kernels, units, how):
    work = np.array([tile(PRODUCT, *k) for k in kernels])
    n = len(kernels)
    pcus, section = np.zeros(n), np.zeros(n, np.int64)
    wanted = allocate(
        work, np.ones(n), section, 0, float(units), how, 0, LANES, STAGES, 64.0, pcus, np.zeros(n), np.zeros(n)
    )
    assert wanted == n
    if n > units:
        assert not pcus.any()
    else:
        assert (pcus >= 1).all()
        assert pcus.sum() <= units


def test_evening_out_is_faster_than_equal_parts():
    work = np.array([tile(PRODUCT, 64, 3000, 4096), tile(PRODUCT, 64, 500, 4096), tile(VECTOR, 64 * 4096)])
    total = {}
    for name in ("equal", "work", "balanced"):
        total[name] = 0.0
        for units in range(50, 700, 25):
            pcus, scratch = np.zeros(3), (np.zeros(3), np.zeros(3))
            how = ALLOCATIONS.index(name)
            allocate(
                work, np.ones(3), np.zeros(3, np.int64), 0, float(units), how, 0, LANES, STAGES, 64.0, pcus, *scratch
            )
            total[name] += max(tile_cycles(work, i, pcus[i], 0, LANES, STAGES) for i in range(3))
    assert total["balanced"] < total["work"] < total["equal"]


@pytest.mark.parametrize("tp", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("samples", [1 / 64, 1 / 3, 1.0, 4.0])
def test_tiles_and_sockets_divide_the_work(tp, samples):
    """Eight key-value heads of four query heads each, and a product whose columns are divided."""
    table = np.zeros((2, FIELDS))
    scores = dict(zip(("kind", "rows", "cols", "inner", "count"), (PRODUCT, 256, 64, 128, 8), strict=True))
    table[0, :5] = list(scores.values())
    table[0, 12], table[0, 15] = 4, 8  # rows and heads may be divided
    table[0, 13] = table[0, 14] = 1
    table[1, :6] = PRODUCT, 64, 4096, 512, 1, 1
    table[1, 12:16] = 1, 4096, 1, 1
    out = np.zeros((2, WORK))
    fill_work(table, 0, 2, samples, 1.0, float(tp), 1.0, 1.0, 2.0, 1.0, out)
    for i in range(2):
        whole = table[i, 1] * table[i, 2] * table[i, 3] * table[i, 4]
        assert out[i, T_MACS] == pytest.approx(whole * samples / tp)
        assert tile_cycles(out, i, 1.0, 0, 1.0, 1.0) >= out[i, T_MACS] * (1 - 1e-9)


@pytest.mark.parametrize("kind", [PRODUCT, VECTOR])
@pytest.mark.parametrize("tiles", [1, 7, 98])
def test_tiles_that_share_a_row_share_its_weights(kind, tiles):
    """A layer of 1000 outputs after a global average: one row of each sample, however many tiles the sample has."""
    table = np.zeros((1, FIELDS))
    table[0, [KIND, ROWS, COLS, INNER, COUNT, SHARED, OPS]] = kind, 1, 1000, 512, 1, 1, 1
    table[0, WEIGHTS] = 2.0 * 512 * 1000
    table[0, [SPLIT_ROWS, SPLIT_COLS, SPLIT_INNER, SPLIT_COUNT]] = 1
    whole, part = np.zeros((1, WORK)), np.zeros((1, WORK))
    fill_work(table, 0, 1, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 1.0, whole)
    fill_work(table, 0, 1, 1 / tiles, 1.0, 1.0, 1.0, 1.0, 2.0, 1.0, part)
    for amount in (T_IN, T_BUSY_IN, T_TILE_LOAD, T_TILE_LOADED, T_MACS):
        assert tiles * part[0, amount] == pytest.approx(whole[0, amount])
    assert part[0, T_WEIGHTS] == whole[0, T_WEIGHTS]  # there must be room for all of them
