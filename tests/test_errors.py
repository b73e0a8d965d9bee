"""The nearest legal choice."""

from __future__ import annotations

import pytest

import chipgym
from chipgym.errors import ChipgymError, count, nearest, unknown

OPTIONS = ("--agent", "--budget", "--constraint", "--space", "--store", "--seed")


@pytest.mark.parametrize(
    ("name", "choices", "expected"),
    [
        ("tech", ("batch", "technology", "dram"), "technology"),
        ("7nm", ("22nm", "32nm", "45nm", "65nm"), "22nm"),
        ("28NM", ("22nm", "32nm", "45nm", "65nm"), "32nm"),
        ("45mm", ("22nm", "32nm", "45nm", "65nm"), "45nm"),
        ("resnet-18", ("alexnet", "resnet18", "resnet50"), "resnet18"),
        ("resnet34", ("alexnet", "resnet18", "resnet50"), "resnet18"),
        ("DDR4-2666", ("DDR3-1600", "DDR4-2400", "DDR4-3200"), "DDR4-2400"),
        ("sn40", ("plasticine", "sn10", "sn40l"), "sn40l"),
        ("mobilenet_v3", ("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large"), "mobilenet_v3_large"),
        ("resnet5", ("resnet18", "resnet50"), "resnet18"),
        ("objectiv", ("batch", "objective", "constraints"), "objective"),
        ("constraint", ("batch", "objective", "constraints"), "constraints"),
        ("latency", ("latency_s", "area_mm2"), "latency_s"),
        ("edpp", ("edp", "area_mm2"), "edp"),
        ("--budgt", OPTIONS, "--budget"),
        ("--batch", OPTIONS, None),
        ("x", ("xylophone", "batch"), None),
        ("", ("batch",), None),
        ("9" * 400, ("22", "45"), "22"),
    ],
)
def test_nearest(name, choices, expected):
    assert nearest(name, choices) == expected


def test_a_name_where_there_are_none():
    assert str(unknown("option of ridge:", "trees", ())) == "unknown option of ridge: 'trees' (there are none)"


@pytest.mark.parametrize("value", [10**23, 2**63, 10**5000], ids=["23", "64 bits", "5000"])
def test_numbers_beyond_all_room(value):
    """No database has room for them, and what is as large takes all memory."""
    with pytest.raises(ChipgymError, match=r"^budget: .* is not a whole number of at most 9223372036854775807; "):
        count("budget", value)
    problem = chipgym.make_problem("toy")
    population = {"agent": "nsga2", "agent_options": {"population_size": value}}
    for options in ({"budget": value}, {"batch": value}, population, {"jobs": value}):
        with pytest.raises(ChipgymError, match="is not a whole number of at most"):
            chipgym.optimize(problem, **options)
