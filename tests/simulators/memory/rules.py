"""The DRAM rules a second time, written down from the standards' parameters without the simulator's own tables.

`T` has each device's timings in clock cycles; `distances` says how long after which command which other may follow.
"""

from __future__ import annotations

from types import SimpleNamespace

RD, WR = ("RD", "RDA"), ("WR", "WRA")
CAS = RD + WR

# fmt: off
T = {
    "DDR3-1600": SimpleNamespace(
        family="DDR3", B=4, AL=0, CCD=4, FAW=24, RAS=28, RC=38, RCD=10, REFI=6240, RFC=88, RL=10, RP=10, RRD=5, RTP=6,
        WL=8, WR=12, WTR=6, RTRS=1, groups=1, banks=8, ranks=1, read=10 + 4, write=8 + 4, burst=64),
    "DDR4-2400": SimpleNamespace(
        family="DDR4", B=4, AL=0, FAW=26, RAS=39, RC=55, RCD=16, REFI=9360, RFC=312, RL=16, RP=16, RTP=12, WL=16, WR=18,
        CCD_L=6, CCD_S=4, RRD_L=6, RRD_S=4, WPRE=1, WTR_L=9, WTR_S=3, RTRS=1, groups=4, banks=16, ranks=1,
        read=16 + 4, write=16 + 4, burst=64),
    "LPDDR4-3200": SimpleNamespace(
        family="LPDDR4", B=8, DQSCK=6, FAW=64, RAS=68, RCD=29, REFI=6246, RL=28, RRD=16, RTP=12, WL=14, WR=29, WTR=16,
        WPRE=2, DQS2DQ=2, DQSS=1, PPD=4, RFCAB=448, RPAB=34, RPPB=29, RCPB=97, RPST=0, RTRS=1, groups=1, banks=8,
        ranks=1, read=28 + 6 + 8 + 3, write=14 + 1 + 2 + 8 + 3, burst=32),
    "HBM2": SimpleNamespace(
        family="HBM2", B=2, DQSCK=1, FAW=16, RAS=28, RC=42, REFI=3900, RFC=220, RL=17, RP=14, RTP=5, WL=7, WR=14,
        CCDL=3, CCDS=2, RCDRD=12, RCDWR=6, RRDL=6, RRDS=4, RTW=18, WTRL=9, WTRS=4, groups=4, banks=16, ranks=2,
        read=17 + 1 + 2, write=7 + 2, burst=32),
}
# fmt: on


def length(device: str, command: str) -> int:
    """Cycles on the command bus."""
    if T[device].family == "LPDDR4":
        return 2 if command in ("PREPB", "PREAB", "REFAB") else 4
    return 2 if T[device].family == "HBM2" and command == "ACT" else 1


def bus(device: str, command: str) -> str:
    """Which command bus."""
    return "column" if T[device].family == "HBM2" and command in CAS else "row"


def distances(device: str) -> list[tuple[str, str, str, int]]:
    """(later command, earlier command, scope, cycles); scopes are bank, group, rank, and other: of another rank."""
    t = T[device]
    out: list[tuple[str, str, str, int]] = []

    def rule(later, earlier, scope, cycles):
        later, earlier = ((x,) if isinstance(x, str) else x for x in (later, earlier))
        out.extend((a, b, scope, cycles) for a in later for b in earlier)

    {"DDR3": _ddr3, "DDR4": _ddr4, "LPDDR4": _lpddr4, "HBM2": _hbm2}[t.family](t, rule)
    if t.family != "HBM2":
        lag = t.DQSCK if t.family == "LPDDR4" else 0
        for kind in (RD, WR):
            rule(kind, kind, "other", t.B + t.RTRS)
        rule(RD, WR, "other", t.WL + t.B + t.RTRS - t.RL)
        rule(WR, RD, "other", t.RL + lag + t.B + t.RTRS - t.WL)
    return out


def _ddr3(t, rule):
    rule(RD, RD, "rank", t.CCD)
    rule(WR, WR, "rank", t.CCD)
    rule(RD, WR, "rank", t.WL + t.B + t.WTR - t.AL)
    rule(WR, RD, "rank", t.RL + t.B + 2 - t.WL)
    rule("ACT", "ACT", "rank", t.RRD)
    _ddr(t, rule)


def _ddr4(t, rule):
    for kind in (RD, WR):
        rule(kind, kind, "rank", t.CCD_S)
        rule(kind, kind, "group", t.CCD_L)
    rule(RD, WR, "rank", t.WL + t.B + t.WTR_S - t.AL)
    rule(RD, WR, "group", t.WL + t.B + t.WTR_L - t.AL)
    rule(WR, RD, "rank", t.RL + t.B + 1 - t.WL + t.WPRE)
    rule("ACT", "ACT", "rank", t.RRD_S)
    rule("ACT", "ACT", "group", t.RRD_L)
    _ddr(t, rule)


def _ddr(t, rule):
    recovery = t.WL + t.B + t.WR
    rule(CAS, "ACT", "bank", t.RCD - t.AL)
    rule("RDA", "WR", "bank", recovery - t.RTP - t.AL)
    rule("ACT", "ACT", "bank", t.RC)
    rule("ACT", "RDA", "bank", t.AL + t.RTP + t.RP)
    rule("ACT", "WRA", "bank", recovery + t.RP)
    rule("ACT", "PREPB", "bank", t.RP)
    rule("ACT", "PREAB", "rank", t.RP)
    rule("ACT", "REFAB", "rank", t.RFC)
    rule("PREPB", "ACT", "bank", t.RAS)
    rule("PREPB", "RD", "bank", t.AL + t.RTP)
    rule("PREPB", "WR", "bank", recovery)
    rule("PREAB", "ACT", "rank", t.RAS)
    rule("PREAB", RD, "rank", t.AL + t.RTP)
    rule("PREAB", WR, "rank", recovery)
    rule("REFAB", "ACT", "rank", t.RC)
    rule("REFAB", "RDA", "rank", t.AL + t.RTP + t.RP)
    rule("REFAB", "WRA", "rank", recovery + t.RP)
    rule("REFAB", ("PREPB", "PREAB"), "rank", t.RP)
    rule("REFAB", "REFAB", "rank", t.RFC)


def _lpddr4(t, rule):
    recovery, to_precharge = t.WL + t.B + t.WR + 3, t.RTP + t.B - 6
    rule(CAS, "ACT", "bank", t.RCD)
    rule(RD, RD, "rank", t.B)
    rule(WR, WR, "rank", t.B)
    rule(RD, WR, "rank", t.WL + 1 + t.B + t.WTR)
    rule(WR, RD, "rank", t.RL + t.DQSCK + t.B - t.WL + t.WPRE + t.RPST)
    rule("RDA", "WR", "bank", recovery - to_precharge)
    rule("ACT", "ACT", "bank", t.RCPB)
    rule("ACT", "ACT", "rank", t.RRD)
    rule("ACT", "RDA", "bank", t.RTP + t.B - 8 + t.RPPB)
    rule("ACT", "WRA", "bank", t.WL + t.B + 1 + t.WR + t.RPPB)
    rule("ACT", "PREPB", "bank", t.RPPB - 2)
    rule("ACT", "PREAB", "rank", t.RPAB - 2)
    rule("ACT", "REFAB", "rank", t.RFCAB - 2)
    rule("PREPB", "ACT", "bank", t.RAS + 2)
    rule("PREPB", "RD", "bank", to_precharge)
    rule("PREPB", "WR", "bank", recovery)
    rule(("PREPB", "PREAB"), "PREPB", "rank", t.PPD)
    rule("PREAB", "ACT", "rank", t.RAS + 2)
    rule("PREAB", RD, "rank", to_precharge)
    rule("PREAB", WR, "rank", recovery)
    rule("REFAB", "ACT", "rank", t.RCPB + 2)
    rule("REFAB", "RDA", "rank", to_precharge + t.RPPB)
    rule("REFAB", "WRA", "rank", recovery + t.RPPB)
    rule("REFAB", "PREPB", "rank", t.RPPB)
    rule("REFAB", "PREAB", "rank", t.RPAB)
    rule("REFAB", "REFAB", "rank", t.RFCAB)


def _hbm2(t, rule):
    recovery = t.WL + t.B + t.WR
    rule(RD, "ACT", "bank", t.RCDRD + 1)
    rule(WR, "ACT", "bank", t.RCDWR + 1)
    for kind in (RD, WR):
        rule(kind, kind, "rank", t.CCDS)
        rule(kind, kind, "group", t.CCDL)
    rule(RD, WR, "rank", t.WL + t.B + t.WTRS)
    rule(RD, WR, "group", t.WL + t.B + t.WTRL)
    rule(WR, RD, "rank", t.RTW)
    rule("RDA", "WR", "bank", recovery - t.RTP)
    rule("ACT", "ACT", "bank", t.RC)
    rule("ACT", "ACT", "rank", t.RRDS)
    rule("ACT", "ACT", "group", t.RRDL)
    rule("ACT", "RDA", "bank", t.RTP + t.RP - 1)
    rule("ACT", "WRA", "bank", recovery + t.RP - 1)
    rule("ACT", "PREPB", "bank", t.RP - 1)
    rule("ACT", "PREAB", "rank", t.RP - 1)
    rule("ACT", "REFAB", "rank", t.RFC - 1)
    rule("PREPB", "ACT", "bank", t.RAS + 1)
    rule("PREPB", "RD", "bank", t.RTP)
    rule("PREPB", "WR", "bank", recovery)
    rule("PREAB", "ACT", "rank", t.RAS + 1)
    rule("PREAB", RD, "rank", t.RTP)
    rule("PREAB", WR, "rank", recovery)
    rule("REFAB", "ACT", "rank", t.RC + 1)
    rule("REFAB", "RDA", "rank", t.RTP + t.RP)
    rule("REFAB", "WRA", "rank", recovery + t.RP)
    rule("REFAB", ("PREPB", "PREAB"), "rank", t.RP)
    rule("REFAB", "REFAB", "rank", t.RFC)
