"""Models that have learned little, or are asked far from what they learned: they say so."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from collected import SETTINGS, table

from chipgym.surrogates import Surrogate
from chipgym.surrogates.reach import beyond, widening
from chipgym.surrogates.samples import Samples

DIGEST = """
import sys
sys.path[:0] = [{tests!r}, {here!r}]
import conftest
from collected import systolic
from chipgym.surrogates import Surrogate
from chipgym.surrogates.files import model_digest

tables = [systolic(name, 400, seed=1) for name in ("resnet18", "alexnet", "vgg16")]
print([model_digest(Surrogate(m, **s).fit(tables)) for m, s in (("ridge", {{}}), ("forest", {{"trees": 2}}))])
"""


def test_the_same_model_on_any_number_of_threads():
    """Sums that are cut among threads round otherwise; a model is known by its digits."""
    here = Path(__file__).parent
    program = DIGEST.format(tests=str(here.parent), here=str(here))
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, **dict.fromkeys(names, threads)},
            capture_output=True, text=True, check=True, timeout=120,
        ).stdout
        for threads in ("1", "2")
    }  # fmt: skip
    assert len(printed) == 1


@pytest.mark.parametrize("model", ["ridge", "forest", "boosting"])
@pytest.mark.parametrize("rows", [1, 2, 3, 6, 12])
def test_a_few_designs_leave_much_uncertain(model, rows):
    """A model goes through the few designs that it has; the others are not where it says, give or take nothing."""
    whole = table()
    chosen = np.zeros(len(whole), dtype=bool)
    chosen[np.random.default_rng(rows).choice(np.flatnonzero(whole.feasible), rows, replace=False)] = True
    few = Samples.of(whole).take(chosen).tables
    found = Surrogate(model, **SETTINGS[model]).fit(few).predict(whole.positions.astype(np.int64))
    low, high = found.interval(0.683)["latency_s"]
    within = (whole.metrics["latency_s"] >= low) & (whole.metrics["latency_s"] <= high)
    assert within[whole.feasible].mean() > 0.4
    assert (found.std["latency_s"] / found.mean["latency_s"] > 0.02).all()


def test_one_design_is_known_within_its_own_size():
    """A factor of e for what is learned as a logarithm, and of other metrics as much as they are."""
    whole = table()
    chosen = np.zeros(len(whole), dtype=bool)
    chosen[int(np.argmax(whole.feasible))] = True
    found = Surrogate("ridge").fit(Samples.of(whole).take(chosen).tables).predict(whole.positions[:1].astype(np.int64))
    low, high = found.interval(0.6826894921370859)["latency_s"]
    value = whole.metrics["latency_s"][chosen]
    np.testing.assert_allclose([value / low, high / value], np.e, rtol=1e-6)


def test_a_workload_far_from_what_was_learned_is_told():
    """Sizes beyond the tables': a warning that names the farthest feature, a flag, and a wider interval."""
    import chipgym

    model = chipgym.load_surrogate("systolic-networks")
    designs = {"rows": [16, 64, 128], "cols": [16, 64, 128]}
    for name, feature in (("mlp:4-4", "log10_"), ("mlp:65536-65536-65536", "log10_"), ("llama-3-70b", "matrix_layers")):
        with pytest.warns(UserWarning, match=rf"workload .*: {feature}.* the model has learned from .*extrapolations"):
            found = model.predict(designs, name)
        farthest, distance = next(iter(found.beyond.items()))
        assert farthest.startswith(feature)
        assert distance == max(found.beyond.values()) > 1
        plain = model.predict_columns(*model.space.columns(designs), model.describe(model.workload(name)), False)
        np.testing.assert_allclose(found.deviation["latency_s"], (1 + distance) * plain.deviation["latency_s"])
        actual = np.log(chipgym.make_simulator("systolic", name).evaluate(designs)["latency_s"])
        assert (np.abs(actual - found.location["latency_s"]) <= found.deviation["latency_s"]).all()
    with pytest.warns(UserWarning, match="extrapolations"):
        chipgym.make_simulator("surrogate", "systolic-networks@mlp:4-4")


def test_a_workload_like_what_was_learned_is_not_warned_of():
    import chipgym

    model = chipgym.load_surrogate("systolic-networks")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in (*model.workloads, "mobilenet_v3_large", "efficientnet_b0"):
            assert model.predict({}, name).beyond == {}


def test_distances():
    learned = [{"log10_macs": 6.0, "share": 0.0, "depth": 8.0}, {"log10_macs": 8.0, "share": 0.02, "depth": 8.0}]
    assert beyond({"log10_macs": 7.0, "share": 0.01, "depth": 8.0}, learned) == {}
    assert beyond({"log10_macs": 10.0, "share": 0.1, "depth": 9.0}, learned) == {"depth": 2.0, "log10_macs": 1.0}
    assert beyond({"log10_macs": 3.0, "share": 0.02, "depth": 8.0}, learned) == {"log10_macs": 1.5}
    assert widening({}) == 1.0
    assert widening({"depth": 2.0, "log10_macs": 1.0}) == 3.0
