"""Energies worked out again from the command trace, and DRAMPower's own bookkeeping of open rows."""

from __future__ import annotations

import pytest
from drawing import designs, traces
from hypothesis import given, settings
from hypothesis import strategies as st

from chipgym.simulators.memory import MemorySimulator

# Per device of the rank: volts, and mA; cycles; Micron's data sheets by way of DRAMSys 5.0's configurations.
DEVICES = 8
DDR3 = {"ck_ns": 1.25, "RAS": 28, "RC": 38, "RP": 10, "RCD": 10, "RFC": 88, "B": 4, "WR_END": 8 + 4 + 12,
        "RD_END": 10 + 0 + 1 + 4, "RDA": 6, "WRA": 24,
        "rails": [(1.5, {"0": 70.0, "2n": 45.0, "3n": 45.0, "4r": 140.0, "4w": 145.0, "5": 170.0})]}  # fmt: skip
DDR4 = {"ck_ns": 1000 / 1200, "RAS": 39, "RC": 55, "RP": 16, "RCD": 16, "RFC": 312, "B": 4, "WR_END": 16 + 4 + 18,
        "RD_END": 16 + 2 + 1 + 4, "RDA": 12, "WRA": 38,
        "rails": [(1.2, {"0": 60.75, "2n": 38.25, "3n": 44.0, "4r": 184.5, "4w": 168.75, "5": 118.0}),
                  (2.5, {"0": 4.05, "2n": 0.0, "3n": 0.0, "4r": 0.0, "4w": 0.0, "5": 0.0})]}  # fmt: skip


def account(p: dict, commands) -> dict[str, float]:
    """Joules by component of one rank's commands, cycle by cycle."""
    rows = sorted(zip(commands.cycle.tolist(), commands.command.tolist(), commands.bank.tolist(), strict=True))
    opened: dict[int, int] = {}
    spans, count = [], dict.fromkeys(("ACT", "PRE", "RD", "WR", "REF"), 0)
    ends = []  # (time of a command, when it is over)
    for now, command, bank in rows:
        kind = command[:3] if command.startswith(("ACT", "PRE", "REF")) else command[:2]
        if kind == "ACT":
            opened[bank] = now
            count["ACT"] += 1
            ends.append((now, now + p["RCD"]))
        elif kind == "PRE":
            closing = [bank] if command == "PREPB" else list(opened)
            for b in closing:
                spans.append((opened.pop(b), now))
            count["PRE"] += len(closing)
            ends.append((now, now + p["RP"]))
        elif kind == "REF":
            spans.append((now, now + p["RFC"] - p["RP"]))
            count["REF"] += 1
            ends.append((now, now))
        else:
            count[kind] += 1
            ends.append((now, now + p[kind + "_END"]))
            if command.endswith("A"):
                at = max(now + p[command], opened[bank] + p["RAS"])
                spans.append((opened.pop(bank), at))
                count["PRE"] += 1
                ends.append((at, at + p["RP"]))
    window = max(ends, key=lambda e: e[0])[1] - 1
    spans += [(since, window) for since in opened.values()]
    active = set()
    for start, stop in spans:
        active.update(range(start, stop))
    out = dict.fromkeys(("activate", "read", "write", "refresh", "background"), 0.0)
    for volts, i in p["rails"]:
        unit = DEVICES * volts * p["ck_ns"] * 1e-12
        out["activate"] += unit * count["ACT"] * p["RAS"] * (i["0"] - i["3n"])
        out["activate"] += unit * count["PRE"] * (p["RC"] - p["RAS"]) * (i["0"] - i["2n"])
        out["read"] += unit * count["RD"] * p["B"] * (i["4r"] - i["3n"])
        out["write"] += unit * count["WR"] * p["B"] * (i["4w"] - i["3n"])
        out["refresh"] += unit * count["REF"] * p["RFC"] * (i["5"] - i["3n"])
        out["background"] += unit * (len(active) * i["3n"] + (window - len(active)) * i["2n"])
    return out


@pytest.mark.parametrize(("device", "p"), [("DDR3-1600", DDR3), ("DDR4-2400", DDR4)])
@settings(max_examples=60, deadline=None)
@given(trace=traces(), design=designs(), mapping=st.sampled_from(["rbc", "brc"]))
def test_energy_of_the_command_trace(device, p, trace, design, mapping):
    sim = MemorySimulator(trace, device=device, address_mapping=mapping)
    expected = account(p, sim.history(design).commands)
    out = sim.evaluate(design)
    for name, joules in expected.items():
        assert out[f"{name}_energy_j"][0] == pytest.approx(joules, rel=1e-9, abs=1e-18), name
    assert out["energy_j"][0] == pytest.approx(sum(expected.values()), rel=1e-9)


@pytest.mark.parametrize("device", ["DDR3-1600", "DDR4-2400", "LPDDR4-3200", "HBM2"])
def test_parts_add_up(device):
    out = MemorySimulator("read_write_mix", device=device).evaluate({"page_policy": ["open", "closed"]})
    parts = sum(out[name] for name in out if name.endswith("_energy_j"))
    assert out["energy_j"] == pytest.approx(parts, rel=1e-12)
    assert (out["energy_j"] > 0).all()
    assert (out["power_w"] > 0).all()


def test_more_ranks_and_channels_draw_more():
    power = [
        MemorySimulator("stream", channels=c, ranks=r).evaluate({})["power_w"][0] for c, r in ((1, 1), (1, 2), (2, 1))
    ]
    assert power[0] < power[1]
    assert power[0] < power[2]
