"""No knob is had for nothing: raised to its maximum it costs time, energy or area in most designs."""

from __future__ import annotations

import re

import numpy as np
import pytest

from chipgym.simulators import Indices, Metrics, Parameter, Simulator, make_simulator, registered

#: What a design costs. A circuit on an FPGA has no area of its own: its presets say which resources stand for it.
COSTS = ("latency_s", "energy_j", "area_mm2")
#: Designs that are drawn for each knob, and the fewest that tell something of one.
DRAWN, FEWEST = 128, 12
#: What is no difference: the last bits are another processor's.
SAME = 1e-9
#: Of the designs that a knob's maximum means anything to, the share that it must make worse: over all knobs of a
#: simulator, and for any one of them. A size of tiles is a shape and no amount: its maximum may be right for many.
MOST, FOR_ANY = 0.5, 0.1


def costs_of(simulator: Simulator) -> tuple[str, ...]:
    """The metrics by which one design is worse than another."""
    names = {metric.name for metric in simulator.metrics}
    costs = [name for name in COSTS if name in names]
    if "area_mm2" not in names:
        presets = " ".join(x for o in simulator.objectives.values() for x in ([o] if isinstance(o, str) else o))
        costs += [name for name in dict.fromkeys(re.findall(r"\w+", presets)) if name in names and name not in costs]
    return tuple(costs)


def raised(simulator: Simulator, knob: Parameter, rng: np.random.Generator) -> tuple[Indices, Indices]:
    """Index rows in which a knob means something and is below its maximum, and the same with it there."""
    space = simulator.space
    clauses = dict(knob.condition.clauses) if knob.condition else {}
    rows = space.narrow({name: list(values) for name, values in clauses.items()}).sample(DRAWN, rng)
    for name, values in clauses.items():  # from positions in the narrowed grid to those in the whole
        at = space.names.index(name)
        kept = np.array([i for i, value in enumerate(space[name].values) if value in values])
        rows[:, at] = kept[rows[:, at]]
    at = space.names.index(knob.name)
    rows = rows[rows[:, at] < knob.size - 1]
    most = rows.copy()
    most[:, at] = knob.size - 1
    return rows, most


def worse(simulator: Simulator, before: Metrics, after: Metrics) -> np.ndarray:
    """Which designs are worse, by a cost or because they cannot be built any more, of those that change at all.

    Designs that could not be built before do not count.
    """
    more = ~after["feasible"]
    changed = more.copy()
    for name in costs_of(simulator):
        more = more | (after[name] > before[name] * (1 + SAME))
        changed = changed | (np.abs(after[name] - before[name]) > SAME * np.abs(before[name]))
    return more[before["feasible"] & changed]


def by_knob(simulator: Simulator) -> dict[str, np.ndarray]:
    """Of each ordinal knob with a choice, which designs its maximum makes worse."""
    out = {}
    for p in simulator.space.parameters:
        if p.ordinal and p.size > 1:
            rows, most = raised(simulator, p, np.random.default_rng(3))
            out[p.name] = worse(simulator, simulator.evaluate(rows), simulator.evaluate(most))
    return out


@pytest.mark.parametrize("entry", registered(), ids=lambda e: e.name)
def test_raising_knobs_to_their_maximum_costs_something(entry):
    found = by_knob(make_simulator(entry.name))
    assert np.concatenate(list(found.values())).mean() > MOST
    shares = {name: float(at.mean()) for name, at in found.items() if len(at) >= FEWEST}
    assert shares
    assert min(shares.values()) > FOR_ANY, shares


def test_no_number_of_a_chip_is_free():
    """The hardware of a dataflow machine is fixed unless it is explored."""
    found = by_knob(make_simulator("dataflow", explore="hardware"))
    assert len(found) > 10
    for name, at in found.items():
        assert at.mean() > MOST, name


def test_a_free_knob_is_found():
    """The test can fail: without its price, a faster clock is had for nothing."""
    toy = make_simulator("toy")
    knob = toy.space["clock_mhz"]
    rows, most = raised(toy, knob, np.random.default_rng(3))
    before, after = toy.evaluate(rows), toy.evaluate(most)
    assert worse(toy, before, after).mean() > MOST
    unpriced = {name: after[name] if name == "latency_s" else before[name] for name in costs_of(toy)}
    free = Metrics(toy.metrics, unpriced, after["violation"])
    assert not worse(toy, before, free).any()
