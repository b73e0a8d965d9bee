"""What buffers cost."""

from __future__ import annotations

import numpy as np
import pytest

from chipgym.simulators.memory import MemorySimulator
from chipgym.simulators.memory.space import memory_space

# An entry on one rank of DDR3-1600: 1 GiB in bursts of 64 bytes, direction, valid; and a burst of data.
ENTRY, DATA = 24 + 2, 512
PLAIN = {"arbiter": "simple", "refresh_policy": "no_refresh", "request_buffer_size": 4}


@pytest.mark.parametrize(
    ("knobs", "bits"),
    [
        ({"scheduler_buffer": "shared"}, 4 * (ENTRY + DATA)),
        ({"scheduler_buffer": "read_write"}, 4 * ENTRY + 4 * (ENTRY + DATA)),
        ({"scheduler_buffer": "bankwise"}, 8 * 5 * (ENTRY + DATA)),
        ({"scheduler_buffer": "shared", "max_active_transactions": 64}, 4 * (ENTRY + DATA)),
        ({"scheduler_buffer": "shared", "arbiter": "fifo", "max_active_transactions": 64}, 68 * (ENTRY + DATA)),
        (
            {
                "scheduler_buffer": "shared",
                "refresh_policy": "all_bank",
                "refresh_max_postponed": 8,
                "refresh_max_pulledin": 8,
            },
            4 * (ENTRY + DATA) + 5,
        ),
    ],
)
def test_by_hand(knobs, bits):
    sim = MemorySimulator("stream")
    out = sim.evaluate({**PLAIN, **knobs})
    assert out["buffer_bits"].tolist() == [bits]
    assert out["area_mm2"] == pytest.approx(bits * 4.522e-6)
    if knobs["scheduler_buffer"] == "shared":
        # Two channels have everything twice; a second rank takes an address bit more, and a refresh counter.
        entries = bits // (ENTRY + DATA)
        two = MemorySimulator("stream", channels=2, ranks=2).evaluate({**PLAIN, **knobs})
        assert two["buffer_bits"].tolist() == [2 * (bits + entries + bits % (ENTRY + DATA))]


def test_no_free_lunch():
    """Any number at its largest costs latency, energy or area in most designs."""
    sim, rng = MemorySimulator("random"), np.random.default_rng(0)
    drawn = memory_space().sample(40, rng)
    before = sim.evaluate(drawn)
    for at, knob in enumerate(sim.space.parameters):
        if not isinstance(knob.values[0], int):
            continue
        raised = drawn.copy()
        raised[:, at] = len(knob.values) - 1
        changed = (sim.space.canonicalize(raised) != sim.space.canonicalize(drawn)).any(axis=1)
        after = sim.evaluate(raised)
        worse = np.any([after[name] > before[name] for name in ("latency_s", "energy_j", "area_mm2")], axis=0)
        assert changed.sum() > 5
        assert worse[changed].mean() > 0.5, knob.name
