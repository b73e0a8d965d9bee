"""Compute cycles, folds and SRAM accesses against arrays of registers stepped cycle by cycle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chipgym
from chipgym.datasets import NetworkBuilder


def output_stationary(a: np.ndarray, b: np.ndarray, rows: int, cols: int) -> tuple[np.ndarray, int]:
    """One fold: `a` (rows, T) enters from the left, `b` (T, cols) from the top, sums stay. Product and cycles."""
    t = a.shape[1]
    right, down, total = np.zeros((rows, cols)), np.zeros((rows, cols)), np.zeros((rows, cols))
    done, cycle = np.zeros((rows, cols), int), 0
    while done.min() < t:
        left = np.hstack(
            [np.array([[a[i, cycle - i] if 0 <= cycle - i < t else np.nan] for i in range(rows)]), right[:, :-1]]
        )
        top = np.vstack(
            [np.array([[b[cycle - j, j] if 0 <= cycle - j < t else np.nan for j in range(cols)]]), down[:-1]]
        )
        if cycle == 0:
            left[:, 1:], top[1:] = np.nan, np.nan
        meet = ~np.isnan(left) & ~np.isnan(top)
        total += np.where(meet, np.nan_to_num(left) * np.nan_to_num(top), 0.0)
        done += meet
        right, down, cycle = left, top, cycle + 1
    return total, cycle


def weight_stationary(x: np.ndarray, w: np.ndarray, rows: int, cols: int) -> tuple[np.ndarray, int]:
    """One fold: `w` (rows, cols) shifts in from the top, then `x` (T, rows) streams from the left, sums move down."""
    t, cycle = x.shape[0], 0
    held = np.zeros((rows, cols))
    for step in range(rows):  # the last row of weights goes in first
        held = np.vstack([w[rows - 1 - step], held[:-1]])
        cycle += 1
    assert (held == w).all()
    out, right, sums = np.full((t, cols), np.nan), np.full((rows, cols), np.nan), np.zeros((rows, cols))
    step = 0
    while np.isnan(out).any():
        enter = np.array([[x[step - i, i] if 0 <= step - i < t else np.nan] for i in range(rows)])
        left = np.hstack([enter, right[:, :-1]])
        sums = np.vstack([np.zeros(cols), sums[:-1]]) + np.nan_to_num(left) * held
        for j in range(cols):
            k = step - (rows - 1) - j
            if 0 <= k < t:
                out[k, j] = sums[-1, j]
        right, step, cycle = left, step + 1, cycle + 1
    return out, cycle


def one_product(m: int, n: int, k: int, batch: int = 1):
    b = NetworkBuilder("product")
    b.linear(b.input((m, k)), n, bias=False)
    return b.build(batch=batch)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(1, 5),
    st.integers(1, 5),
    st.sampled_from(["os", "ws", "is"]),
)
def test_cycles_are_those_of_registers_stepped(m, n, k, rows, cols, dataflow):
    rng = np.random.default_rng(0)
    x, w = rng.integers(1, 9, (m, k)).astype(float), rng.integers(1, 9, (k, n)).astype(float)
    product, cycles, streamed, still, stored = np.zeros((m, n)), 0, 0, 0, 0
    if dataflow == "os":
        for i in range(0, m, rows):
            for j in range(0, n, cols):
                a, b = x[i : i + rows], w[:, j : j + cols]
                full, took = output_stationary(_pad(a, rows, k), _pad(b, k, cols), rows, cols)
                product[i : i + rows, j : j + cols] = full[: len(a), : b.shape[1]]
                cycles, streamed, still, stored = (
                    cycles + took,
                    streamed + a.size,
                    still + b.size,
                    stored + len(a) * b.shape[1],
                )
        reads_x, reads_w = streamed, still
    else:
        moving, kept = (x, w) if dataflow == "ws" else (w.T, x.T)  # inputs and weights change places
        total = np.zeros((moving.shape[0], kept.shape[1]))
        for i in range(0, k, rows):
            for j in range(0, kept.shape[1], cols):
                a, b = moving[:, i : i + rows], kept[i : i + rows, j : j + cols]
                full, took = weight_stationary(_pad(a, len(a), rows), _pad(b, rows, cols), rows, cols)
                total[:, j : j + cols] += full[:, : b.shape[1]]
                cycles, streamed, still, stored = (
                    cycles + took,
                    streamed + a.size,
                    still + b.size,
                    stored + len(a) * b.shape[1],
                )
        product = total if dataflow == "ws" else total.T
        reads_x, reads_w = (streamed, still) if dataflow == "ws" else (still, streamed)
    assert (product == x @ w).all()
    sim = chipgym.make_simulator("systolic", one_product(m, n, k))
    out = sim.evaluate({"rows": rows, "cols": cols, "dataflow": dataflow, "dram_bandwidth": float("inf")})
    assert out["compute_cycles"][0] == out["cycles"][0] == cycles
    assert out["sram_ifmap_reads"][0] == reads_x
    assert out["sram_filter_reads"][0] == reads_w
    assert out["sram_ofmap_writes"][0] == stored


def _pad(block: np.ndarray, rows: int, cols: int) -> np.ndarray:
    return np.pad(block, ((0, rows - block.shape[0]), (0, cols - block.shape[1])))


def test_groups_share_an_array_along_its_diagonal():
    """Depthwise 3 × 3 on 32 × 32, weight stationary: three channels of 9 × 1 weights fit at once, no more."""
    b = NetworkBuilder("depthwise")
    b.conv(b.input((64, 16, 16)), 64, 3, padding=1, groups=64, bias=False)
    design = {"rows": 32, "cols": 32, "dataflow": "ws", "dram_bandwidth": float("inf")}
    out = chipgym.make_simulator("systolic", b.build()).evaluate(design)
    folds = -(-64 // 3)
    assert out["compute_cycles"][0] == folds * (2 * 32 + 32 + 256 - 2)
    assert out["mapping_efficiency"][0] == pytest.approx(64 * 9 / (folds * 32 * 32))


def test_groups_do_not_share_where_one_fills_the_array():
    b = NetworkBuilder("grouped")
    b.conv(b.input((64, 8, 8)), 64, 3, padding=1, groups=2, bias=False)
    out = chipgym.make_simulator("systolic", b.build()).evaluate(
        {"rows": 32, "cols": 32, "dataflow": "ws", "dram_bandwidth": float("inf")}
    )
    assert out["compute_cycles"][0] == 2 * (32 * 9 // 32) * (2 * 32 + 32 + 64 - 2)


def test_a_grouped_convolution_is_as_many_small_ones():
    """Traffic and accesses of g groups are g times those of one group."""
    grouped, single = NetworkBuilder("grouped"), NetworkBuilder("single")
    grouped.conv(grouped.input((96, 14, 14)), 96, 3, padding=1, groups=4, bias=False)
    single.conv(single.input((24, 14, 14)), 24, 3, padding=1, bias=False)
    design = {"ifmap_sram_kb": 4, "filter_sram_kb": 4, "ofmap_sram_kb": 2}
    g = chipgym.make_simulator("systolic", grouped.build()).evaluate(design)
    s = chipgym.make_simulator("systolic", single.build()).evaluate(design)
    for name in (
        "macs",
        "dram_ifmap_reads",
        "dram_filter_reads",
        "dram_ofmap_writes",
        "sram_ifmap_reads",
        "sram_ofmap_writes",
    ):
        assert g[name][0] == 4 * s[name][0], name


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.sampled_from(["os", "ws", "is"]), st.integers(1, 9)
)
def test_several_arrays_share_the_folds(m, n, k, dataflow, arrays):
    sim = chipgym.make_simulator("systolic", one_product(m, n, k))
    design = {"rows": 4, "cols": 4, "dataflow": dataflow, "dram_bandwidth": float("inf")}
    one, many = (sim.evaluate({**design, "num_arrays": a})["compute_cycles"][0] for a in (1, arrays))
    fold = (
        sim.evaluate({**design, "rows": 1024, "cols": 1024})["compute_cycles"][0]
        - {"os": 2046, "ws": 3070, "is": 3070}[dataflow]
    )
    cost = {"os": 4 + 4 - 2, "ws": 8 + 4 - 2, "is": 8 + 4 - 2}[dataflow] + fold
    assert one % cost == 0
    assert many == -(-(one // cost) // arrays) * cost
