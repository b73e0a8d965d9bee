"""What every model of a simulator must do."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from ..datasets import DesignTable
from ..simulators import Indices, Simulator
from ..simulators.tabular import header_of
from ..surrogates import Surrogate, load_surrogate, measure
from .toy import ToySimulator


class SurrogateSuite:
    """Predictions, files and seeds of a kind of model, learned from every design of a simulator.

    Attributes:
        model: its name.
        settings: of the model: few and small ones learn the toy at once.
        error: most that the median relative error of the default objective's metrics may be on what was learned.
    """

    model: ClassVar[str]
    settings: ClassVar[dict[str, Any]] = {}
    error: ClassVar[float] = 0.5

    @pytest.fixture(scope="class")
    @classmethod
    def simulator(cls) -> Simulator:
        """Return what is learned: the toy unless a suite says otherwise."""
        return ToySimulator()

    @pytest.fixture(scope="class")
    @classmethod
    def rows(cls, simulator: Simulator) -> Indices:
        """Return every canonical design."""
        return np.concatenate(list(simulator.space.canonical_rows()))

    @pytest.fixture(scope="class")
    @classmethod
    def table(cls, simulator: Simulator, rows: Indices) -> DesignTable:
        """Evaluate the designs."""
        found = simulator.evaluate(rows)
        columns = {m.name: found[m.name] for m in simulator.metrics}
        return DesignTable(header_of(simulator, simulator.space), rows.astype(np.int32), columns, found["violation"])

    @pytest.fixture(scope="class")
    @classmethod
    def learned(cls, table: DesignTable) -> Surrogate:
        """Fit the model."""
        return Surrogate(cls.model, **cls.settings).fit(table)

    def test_every_metric_is_predicted_with_a_spread(self, learned: Surrogate, rows: Indices) -> None:
        """Check that predictions have a finite mean and a standard deviation ≥ 0 for each design and metric."""
        found = learned.predict(rows)
        for spec in learned.metrics:
            assert found.mean[spec.name].shape == found.std[spec.name].shape == (len(rows),)
            assert np.isfinite(found.mean[spec.name]).all()
            assert (found.std[spec.name] >= 0).all()

    def test_a_batch_is_its_designs_one_by_one(self, learned: Surrogate, rows: Indices) -> None:
        """Check that a design is predicted alone as it is in a batch."""
        whole = learned.predict(rows[:8])
        for i in range(8):
            alone = learned.predict(rows[i : i + 1])
            for name, column in whole.mean.items():
                assert alone.mean[name][0] == pytest.approx(column[i], rel=1e-9)

    def test_it_learned_what_it_was_shown(self, learned: Surrogate, table: DesignTable) -> None:
        """Check that the median error on the designs that it was fitted to is less than the suite's `error`."""
        errors = measure(learned, table)
        for spec in learned.metrics:
            assert errors.metrics[spec.name].median_ape < self.error, spec.name

    def test_a_file_predicts_the_same(self, learned: Surrogate, rows: Indices, tmp_path: Path) -> None:
        """Check that a saved and loaded model predicts the same, to the last bit."""
        learned.save(tmp_path / "model.npz")
        again = load_surrogate(tmp_path / "model.npz").predict(rows)
        for name, column in learned.predict(rows).mean.items():
            np.testing.assert_array_equal(again.mean[name], column)

    def test_the_same_seed_is_the_same_model(self, learned: Surrogate, table: DesignTable, rows: Indices) -> None:
        """Check that the same seed and table give a model that predicts the same, to the last bit."""
        again = Surrogate(self.model, **self.settings).fit(table).predict(rows)
        for name, column in learned.predict(rows).mean.items():
            np.testing.assert_array_equal(again.mean[name], column)
