"""Checks a command trace against the DRAM's rules: a monitor that knows nothing of controllers."""

from __future__ import annotations

from collections import defaultdict

from rules import CAS, T, bus, distances, length


def check_protocol(device: str, commands) -> None:
    """Asserts that every command of a `CommandTrace` is legal where and when it issues."""
    rows = commands.to_pandas()
    for _, channel in rows.groupby("channel"):
        check_channel(device, list(channel.itertuples(index=False)))


def check_channel(device: str, commands: list) -> None:
    t = T[device]
    rules = defaultdict(list)
    for later, earlier, scope, cycles in distances(device):
        rules[later].append((earlier, scope, cycles))
    last: dict = {}  # (earlier command, scope, where) -> time
    open_row: dict = {}
    acts = defaultdict(list)
    bus_free: dict = defaultdict(int)
    ranks = {c.rank for c in commands}
    for c in commands:
        group = (c.rank, c.bank // (t.banks // t.groups))
        where = {"bank": (c.rank, c.bank), "group": group, "rank": c.rank}
        assert c.cycle >= bus_free[bus(device, c.command)], f"command bus is taken: {c}"
        bus_free[bus(device, c.command)] = c.cycle + length(device, c.command)
        for earlier, scope, cycles in rules[c.command]:
            places = [where[scope]] if scope != "other" else ranks - {c.rank}
            for place in places:
                before = last.get((earlier, "rank" if scope == "other" else scope, place))
                assert before is None or c.cycle >= before + cycles, f"{c} within {cycles} of {earlier} at {before}"
        mine = {place for place in open_row if place[0] == c.rank}
        if c.command == "ACT":
            assert where["bank"] not in open_row, f"bank has a row open: {c}"
            assert len(acts[c.rank]) < 4 or c.cycle >= acts[c.rank][-4] + t.FAW, f"fifth activation: {c}"
            acts[c.rank].append(c.cycle)
            open_row[where["bank"]] = c.row
        elif c.command in CAS:
            assert open_row.get(where["bank"]) == c.row, f"row is not open: {c}"
            if c.command.endswith("A"):
                del open_row[where["bank"]]
        elif c.command == "PREPB":
            assert where["bank"] in open_row, f"bank has no row open: {c}"
            del open_row[where["bank"]]
        elif c.command == "PREAB":
            for place in mine:
                del open_row[place]
        else:
            assert not mine, f"refresh with open rows: {c}"
        for scope, place in where.items():
            last[c.command, scope, place] = c.cycle
