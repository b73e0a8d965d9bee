"""How metrics are taken to grow with workloads: exactly where it is so, never by more than the workload grows."""

from __future__ import annotations

import math

import numpy as np
import pytest

from chipgym.surrogates.baseline import along, size_slopes

DESIGNS, N = 2, 50


def grown(sizes, exponents, seed=0, workloads=6):
    """Features, logarithms of a metric that is a product of the sizes' powers and of the design's, and workloads."""
    rng = np.random.default_rng(seed)
    logs10 = rng.uniform(3, 9, (workloads, sizes))
    workload = np.repeat(np.arange(workloads), N)
    x = np.hstack([rng.normal(size=(workloads * N, DESIGNS)), logs10[workload]])
    y = x[:, :DESIGNS] @ [0.7, -0.2] + math.log(10) * logs10[workload] @ exponents
    return x, y[:, None], workload


@pytest.mark.parametrize("exponents", [[1.0, 0.0, 0.0], [0.25, 0.5, 0.25], [0.0, 0.0, 0.0], [0.4, 0.0, 0.1]])
def test_powers_are_found(exponents):
    x, logs, workload = grown(3, exponents)
    slopes = size_slopes(x, logs, workload, DESIGNS, np.array([2, 3, 4]))
    assert slopes.shape == (5, 1)
    np.testing.assert_allclose(slopes[2:, 0], math.log(10) * np.array(exponents), atol=0.02)
    assert not slopes[:DESIGNS].any()


def test_a_workload_beyond_all_others_follows():
    x, logs, workload = grown(3, [0.3, 0.6, 0.1])
    slopes = size_slopes(x, logs, workload, DESIGNS, np.array([2, 3, 4]))
    far = np.array([[0.0, 0.0, 12.0, 12.0, 12.0]])
    near = np.array([[0.0, 0.0, 6.0, 6.0, 6.0]])
    assert along(far, slopes) - along(near, slopes) == pytest.approx(6 * math.log(10), rel=0.02)


@pytest.mark.parametrize("exponents", [[2.0, 1.0], [-1.0, 0.0]])
def test_exponents_stay_between_none_and_proportion(exponents):
    x, logs, workload = grown(2, exponents)
    found = size_slopes(x, logs, workload, DESIGNS, np.array([2, 3])) / math.log(10)
    assert (found >= 0).all()
    assert found.sum() <= 1.05


def test_designs_that_differ_between_workloads_do_not_matter():
    """As those that agents propose: the design's own part is taken away first."""
    x, logs, workload = grown(2, [0.5, 0.5])
    shift = 3.0 * workload
    logs[:, 0] += 0.7 * shift
    x[:, 0] += shift
    found = size_slopes(x, logs, workload, DESIGNS, np.array([2, 3])) / math.log(10)
    np.testing.assert_allclose(found[2:, 0], [0.5, 0.5], atol=0.02)


def test_two_workloads_and_no_sizes_say_nothing():
    x, logs, workload = grown(2, [0.5, 0.5], workloads=2)
    assert not size_slopes(x, logs, workload, DESIGNS, np.array([2, 3])).any()
    x, logs, workload = grown(2, [0.5, 0.5])
    assert not size_slopes(x, logs, workload, DESIGNS, np.array([], dtype=np.int64)).any()


def test_a_row_is_the_same_whatever_is_beside_it():
    rng = np.random.default_rng(1)
    x, slopes = rng.normal(size=(1000, 9)), rng.normal(size=(9, 4))
    whole = along(x, slopes)
    for i in (0, 17, 999):
        np.testing.assert_array_equal(along(x[i : i + 1], slopes)[0], whole[i])
