from __future__ import annotations

import pytest
from toy import TOY, ToySimulator

import chipgym
from chipgym.errors import ChipgymError
from chipgym.simulators import (
    SimulatorEntry,
    load_target,
    make_problem,
    make_simulator,
    register,
    registered,
    unregister,
)


def test_by_name():
    assert isinstance(make_simulator("toy"), ToySimulator)
    assert make_simulator("toy", budget_mm2=10.0).options == {"budget_mm2": 10.0}
    assert make_simulator("toy", "mlp:4-8").workload.name == "mlp:4-8"
    assert "toy" in [e.name for e in registered()]
    assert chipgym.make_simulator is make_simulator


def test_registering():
    register(TOY)  # the same again is no error
    with pytest.raises(ChipgymError, match="'toy' is registered already"):
        register(SimulatorEntry("toy", "Toy", "toy:Other"))
    mine = SimulatorEntry("mine", "Mine", "toy:ToySimulator")
    register(mine)
    try:
        assert mine.load() is ToySimulator
        assert load_target("toy:TOY") is TOY
        assert registered()[-1] == mine
    finally:
        unregister("mine")
    with pytest.raises(ChipgymError, match="'mine'"):
        make_simulator("mine")
    unregister("mine")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"title": "A toy cache"}, "title: 'A toy cache' is not made of letters, .*; nearest is 'AToyCache'$"),
        ({"title": "chipgym/Toy-v0"}, "title: .*nearest is 'ChipgymToyV0'$"),
        ({"title": ""}, "title: ''"),
        ({"title": None}, "title: None"),
        ({"name": "Mine"}, "name: 'Mine' is not made of lower-case .*nearest is 'mine'$"),
        ({"name": "2 caches"}, "name: '2 caches' .*nearest is 'caches'$"),
        ({"name": "größe"}, "name: 'größe'"),
        ({"target": "toy.ToySimulator"}, "target: 'toy.ToySimulator' is neither .* nor 'module:Class'"),
        ({"target": int}, "target: <class 'int'>"),
        ({"target": 5}, "target: 5"),
    ],
)
def test_a_malformed_entry_says_so(arguments, says):
    with pytest.raises(ChipgymError, match=says):
        SimulatorEntry(**{"name": "mine", "title": "Mine", "target": ToySimulator, **arguments})


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"objectiv": "edp"}, "did you mean 'objective'"),
        ({"constraint": "area_mm2 <= 1"}, "did you mean 'constraints'"),
        ({"workloud": "resnet18"}, "did you mean 'workload'"),
        ({"budget": 3}, "did you mean 'budget_mm2'"),
    ],
)
def test_a_misspelt_argument_of_a_problem(arguments, says):
    with pytest.raises(ChipgymError, match=says):
        make_problem("toy", **arguments)


@pytest.mark.parametrize(
    ("arguments", "options", "says"),
    [
        (("systolik",), {}, ["simulator 'systolik'", "did you mean 'systolic'"]),
        (("Toy",), {}, ["did you mean 'toy'"]),
        ((None,), {}, ["None"]),
        ((["toy"],), {}, ["['toy']"]),
        (("toy",), {"budget": 3}, ["toy: unexpected keyword argument 'budget'", "did you mean 'budget_mm2'"]),
        (("toy", "no-such-network"), {}, ["no-such-network"]),
    ],
)
def test_what_cannot_be_made_says_so(arguments, options, says):
    with pytest.raises(ChipgymError) as error:
        make_simulator(*arguments, **options)
    assert len(str(error.value).splitlines()) == 1
    for part in says:
        assert part in str(error.value)


def test_a_problem_on_a_simulator():
    toy = make_simulator("toy", budget_mm2=20.0)
    assert make_problem(toy).digest == make_problem("toy", budget_mm2=20.0).digest
    for extra in ({"budget_mm2": 3}, {"workload": "resnet18"}):
        with pytest.raises(ChipgymError, match="workload and options"):
            make_problem(toy, **extra)
    for wrong in (5, None, ToySimulator):
        with pytest.raises(ChipgymError, match=r"^simulator: "):
            make_problem(wrong)
