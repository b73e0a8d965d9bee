"""What every kind of model must do, by the suite that outsiders run too."""

from __future__ import annotations

from typing import ClassVar

from collected import SETTINGS

from chipgym.surrogates import FAMILIES
from chipgym.testing import SurrogateSuite


class TestRidge(SurrogateSuite):
    model = "ridge"
    settings: ClassVar = SETTINGS["ridge"]


class TestForest(SurrogateSuite):
    model = "forest"
    settings: ClassVar = SETTINGS["forest"]


class TestBoosting(SurrogateSuite):
    model = "boosting"
    settings: ClassVar = SETTINGS["boosting"]


class TestGnn(SurrogateSuite):
    model = "gnn"
    settings: ClassVar = SETTINGS["gnn"]


def test_every_kind_has_a_suite():
    assert {suite.model for suite in SurrogateSuite.__subclasses__()} >= set(FAMILIES)
