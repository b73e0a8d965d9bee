"""Legal reuse factors: the closed form against hls4ml's conditions, its package's answers, and the package itself."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import chipgym
from chipgym.errors import ChipgymError
from chipgym.simulators.hls4ml import legal_reuse_factors
from chipgym.simulators.hls4ml.lowering.reuse import common_reuse_factors, divisors

GOLDEN = Path(__file__).parents[2] / "golden" / "hls4ml" / "reuse_factors.csv"
with GOLDEN.open(newline="", encoding="utf-8") as file:
    ROWS = list(csv.DictReader(file))
WIDTHS = st.integers(1, 40)


def obeys(n_in: int, n_out: int, reuse: int) -> bool:
    """The three conditions, tried one by one."""
    multipliers = math.ceil(n_in * n_out / min(n_in, reuse))
    sums_alike = multipliers % n_out == 0 or reuse >= n_in
    whole_columns = reuse % n_in == 0 or reuse < n_in
    return sums_alike and whole_columns and n_in * n_out % reuse == 0


@given(n_in=WIDTHS, n_out=WIDTHS)
def test_the_closed_form_is_what_the_conditions_allow(n_in, n_out):
    tried = tuple(r for r in range(1, n_in * n_out + 1) if obeys(n_in, n_out, r))
    assert legal_reuse_factors(n_in, n_out) == tried


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['n_in']}x{row['n_out']}")
def test_the_package_says_the_same(row):
    """Rows that hls4ml 1.3.0 answered."""
    n_in, n_out, asked = (int(row[name]) for name in ("n_in", "n_out", "asked"))
    assert legal_reuse_factors(n_in, n_out) == tuple(map(int, row["legal"].split()))
    problem = chipgym.make_problem("hls4ml", workload=f"mlp:{n_in}-{n_out}")
    if asked == int(row["closest"]):
        problem.simulator.space.encode({"reuse_factor": asked})
        return
    with pytest.raises(ChipgymError, match=rf"reuse_factor: {asked} is not one of .*; nearest is {row['closest']}$"):
        problem.simulator.evaluate({"reuse_factor": asked})


def test_against_the_package_itself():
    """Where it is installed: legal and nearest reuse factors of more shapes."""
    backends = pytest.importorskip("hls4ml.backends")
    backend = backends.get_backend("Vivado")
    for n_in in range(1, 41):
        for n_out in range(1, 41, 3):
            legal = backend.get_valid_reuse_factors(n_in, n_out)
            assert legal_reuse_factors(n_in, n_out) == tuple(legal)
            space = chipgym.make_simulator("hls4ml", workload=f"mlp:{n_in}-{n_out}").space
            asked = n_in * n_out // 3 + 1
            nearest = space["reuse_factor"].values[space["reuse_factor"].nearest_index(asked)]
            assert nearest == backend.get_closest_reuse_factor(legal, asked)


@given(shapes=st.lists(st.tuples(WIDTHS, WIDTHS), min_size=1, max_size=4))
def test_one_reuse_factor_for_all_layers(shapes):
    common = common_reuse_factors(shapes)
    assert common[0] == 1
    assert list(common) == sorted(set(common))
    assert all(obeys(*shape, reuse) for shape in shapes for reuse in common)
    largest = max(n_in * n_out for n_in, n_out in shapes)
    others = set(range(1, largest + 1)) - set(common)
    assert not any(all(obeys(*shape, r) for shape in shapes if r <= math.prod(shape)) and
                   all(r <= math.prod(shape) for shape in shapes) for r in others)  # fmt: skip


def test_no_layers_have_any():
    assert common_reuse_factors([]) == (1,)


@given(n=st.integers(1, 5000))
def test_divisors(n):
    assert divisors(n) == tuple(d for d in range(1, n + 1) if n % d == 0)


def test_wide_layers_need_no_search():
    legal = legal_reuse_factors(2**20, 2**20)
    assert len(legal) == 41
    assert legal[-1] == 2**40


@pytest.mark.parametrize("asked", [3, 0, -4, 2.5, 1e9, float("nan"), "8", None])
def test_illegal_ones_are_refused_everywhere(asked):
    """By evaluation, as a restriction of a search, and in encoding; never proposed."""
    sim = chipgym.make_simulator("hls4ml")
    with pytest.raises(ChipgymError, match="reuse_factor"):
        sim.evaluate({"reuse_factor": asked})
    with pytest.raises(ChipgymError, match="reuse_factor"):
        sim.space.narrow({"reuse_factor": [1, asked]})
    with pytest.raises(ChipgymError, match="reuse_factor"):
        chipgym.make_problem("hls4ml", space={"reuse_factor": asked})
