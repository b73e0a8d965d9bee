"""A family that nothing in the package knows of: it needs its name in `FAMILIES`, whatever it sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from collected import systolic

from chipgym.surrogates import FAMILIES, Surrogate, load_surrogate
from chipgym.surrogates.models import FeatureFamily
from chipgym.surrogates.models.base import named_arrays
from chipgym.surrogates.simulator import LearnedWorkload

WORKLOADS = ("mlp:64-64", "mlp:16-128-32", "mlp:256-32-8")


@dataclass(frozen=True, eq=False)
class Levels:
    """The same answer to every design, or one for each workload that it is told the number of."""

    level: np.ndarray

    names: ClassVar = ("level",)

    def predict(self, x):
        chosen = x[:, 0].astype(int) if len(self.level) > 1 else np.zeros(len(x), dtype=int)
        return self.level[chosen], np.zeros((len(x), self.level.shape[1]))

    def arrays(self):
        return {"level": self.level}

    @staticmethod
    def from_arrays(arrays, features, designs, targets):
        return Levels(arrays["level"])


@dataclass(frozen=True)
class Mean(FeatureFamily):
    """Sees features, and learns nothing but the mean."""

    extrapolates: ClassVar[bool] = True
    model: ClassVar = Levels

    def fit(self, x, z, designs, seed):
        return Levels(z.mean(axis=0, keepdims=True))


@dataclass(frozen=True)
class ByLength:
    """Sees neither features nor graphs: a workload is the length of its name."""

    def see(self, workload):
        return len(workload.name)

    def see_table(self, header, networks):
        return len(header.workload)

    def mark(self, seen):
        return f"length {seen}"

    def seen_arrays(self, seen):
        return {"length": np.array([seen])}

    def seen_from(self, arrays, features):
        return int(named_arrays(arrays, ("length",))["length"][0])

    def rows(self, encoder, columns, n, seen):
        return np.full((n, 1), seen)

    def sample_rows(self, samples, seen):
        lengths = [seen[table.header.workload] for table in samples.tables]
        return np.array(lengths)[samples.workload][:, None]

    def learner(self, samples, seed):
        def learn(x, z, targets, workload):
            level = np.zeros((100, len(targets)))
            for length in np.unique(x):
                level[length] = z[x[:, 0] == length].mean(axis=0)
            return Levels(level)

        return learn

    def fitted_from(self, arrays, encoder, targets):
        return Levels(named_arrays(arrays, Levels.names)["level"])


# Answers that differ from workload to workload: the three names are of as many lengths.
LEVELS = {Mean: 1, ByLength: 3}


@pytest.fixture(params=[Mean, ByLength], ids=["features", "its own"])
def learned(request, monkeypatch):
    monkeypatch.setitem(FAMILIES, "own", request.param)
    return Surrogate("own").fit([systolic(name) for name in WORKLOADS])


def test_it_predicts_what_it_says(learned):
    designs = systolic(WORKLOADS[0]).positions.astype(np.int64)
    centres = [np.unique(learned.predict(designs, name).location["latency_s"]) for name in WORKLOADS]
    assert [len(found) for found in centres] == [1, 1, 1]
    assert len(np.unique(centres)) == LEVELS[type(learned.family)]


def test_its_file_predicts_the_same(learned, tmp_path):
    learned.save(tmp_path / "own.npz")
    again = load_surrogate(tmp_path / "own.npz")
    assert again.seen == learned.seen
    for name in (*WORKLOADS, "mlp:64-32"):  # the last of which it has not learned from
        one, other = (s.predict({"rows": 16}, name) for s in (again, learned))
        assert one.to_pandas().equals(other.to_pandas())


def test_its_mark_tells_workloads_apart(learned, monkeypatch):
    """What a family sees beside a workload's features is in the digest, which keys stores and caches."""
    one = LearnedWorkload.of(learned, WORKLOADS[0]).digest
    assert LearnedWorkload.of(learned, WORKLOADS[0]).digest == one
    monkeypatch.setattr(type(learned.family), "mark", lambda self, seen: "another")
    assert LearnedWorkload.of(learned, WORKLOADS[0]).digest != one
