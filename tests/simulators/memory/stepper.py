"""A slow controller in plain Python, rule by rule: what the kernel must equal, with none of its short cuts.

Queues are lists that are searched, earliest times are worked out from all commands so far, and every bank is looked at
in every event.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rules import CAS, T, bus, distances, length

FAR = 10**15


@dataclass
class Bank:
    queue: list = field(default_factory=list)  # requests in order of arrival
    row: int | None = None
    current: int | None = None
    keep: bool = False
    blocked: bool = False
    command: tuple | None = None


@dataclass
class Refresher:
    trigger: int
    owed: int = 0
    pulling: bool = False
    command: tuple | None = None


class Stepper:
    """One channel; requests are (arrival, is_write, address, rank, bank within the rank, row).

    Where `relative`, the first is the wait after the request before was issued, None for a further burst of one.
    """

    def __init__(self, device: str, requests: list[tuple], design: dict, ranks: int, relative: bool = False) -> None:
        self.relative = relative
        self.t, self.device, self.requests, self.design = T[device], device, requests, design
        self.banks = [Bank() for _ in range(ranks * self.t.banks)]
        interval = self.t.REFI
        first = [interval - interval // ranks * r for r in range(ranks)]
        self.refreshers = [Refresher(f) for f in first] if design["refresh_policy"] == "all_bank" else []
        self.rules = distances(device)
        self.last: dict = {}
        self.acts: list[list[int]] = [[] for _ in range(ranks)]
        self.bus_free = {"row": 0, "column": 0}
        self.direction = False  # of the last data command: True is a write
        self.stored, self.last_bank, self.full = 0, 0, False
        self.left: list[int] = []
        self.stands: list[int] = []
        self.kept: list[int] = []
        self.ready: dict[int, int] = {}
        self.cas_order: list[int] = []
        self.commands: list[tuple] = []

    # --- arrivals and responses ----------------------------------------------------------------------------------

    def answers(self) -> dict[int, int]:
        """Response time at the controller of each request whose time is settled."""
        order = self.cas_order
        if self.design["resp_queue"] == "reorder":
            order = []
            while len(order) in self.ready:
                order.append(len(order))
        out, last = {}, -1
        for i in order:
            last = out[i] = max(self.ready[i], last + 1)
        return out

    def receipts(self) -> list[int]:
        """Response times at the requestor, ascending."""
        answers = self.answers()
        if self.design["arbiter"] != "reorder":
            return sorted(answers.values())
        out: list[int] = []
        while len(out) in answers:
            out.append(max(answers[len(out)], out[-1] + 1 if out else 0))
        return out

    def arrival(self, i: int) -> int:
        wait = self.requests[i][0]
        if not self.relative:
            return wait
        while i and self.requests[i - 1][0] is None:  # the request before, by its first burst
            i -= 1
        if wait is None:
            return self.issued(i - 1)
        return wait + (self.issued(i - 1) if i else 0)

    def issued(self, i: int) -> int:
        """When the requestor offered the arbiter a request that has left since."""
        if self.design["arbiter"] == "simple":
            return self.left[i]
        return max(self.arrival(i), self.left[i - 1] + 1 if i else 0)

    def next_arrival(self) -> tuple[int, int]:
        """(left the requestor, stands at the controller) of the next request; FAR where it is not known."""
        i = self.stored
        if i == len(self.requests):
            return FAR, FAR
        arrival = self.arrival(i)
        after = self.kept[-1] + 1 if self.kept else arrival
        if self.design["arbiter"] == "simple":
            return (max(arrival, after),) * 2
        left = max(arrival, self.left[-1] + 1) if self.left else arrival
        active = self.design["max_active_transactions"]
        if i >= active:
            receipts = self.receipts()
            if len(receipts) <= i - active:
                return FAR, FAR
            left = max(left, receipts[i - active])
        return left, max(left, after)

    def try_store(self, now: int) -> bool:
        size = self.design["request_buffer_size"]
        waiting = [i for b in self.banks for i in b.queue]
        writes = sum(self.requests[i][1] for i in waiting)
        space = {
            "bankwise": len(self.banks[self.last_bank].queue) < size,
            "read_write": writes < size and len(waiting) - writes < size,
            "shared": len(waiting) < size,
        }[self.design["scheduler_buffer"]]
        self.full = not space
        if space:
            left, stands = self.next_arrival()
            self.left.append(left)
            self.stands.append(stands)
            self.kept.append(now)
            _, _, _, rank, bank, _ = self.requests[self.stored]
            self.last_bank = rank * self.t.banks + bank
            self.banks[self.last_bank].queue.append(self.stored)
            self.stored += 1
        return space

    # --- bank machines -------------------------------------------------------------------------------------------

    def row(self, i: int) -> int:
        return self.requests[i][5]

    def choose(self, b: Bank) -> int:
        hits = [i for i in b.queue if self.row(i) == b.row]
        scheduler = self.design["scheduler"]
        if scheduler == "fifo" or not hits:
            return b.queue[0]
        if scheduler == "fr_fcfs_grp":
            for i in hits:
                older = [k for k in b.queue if k < i and self.requests[k][2] == self.requests[i][2]]
                if self.requests[i][1] == self.direction and not older:
                    return i
        return hits[0]

    def evaluate(self, b: Bank) -> None:
        b.command = None
        if b.blocked or not b.queue:
            return
        new = self.choose(b)
        if not b.keep or self.row(new) == b.row:
            b.current = new
        if b.row is None:
            b.command = ("ACT", b.current)
        elif self.row(b.current) != b.row:
            b.command = ("PREPB", b.current)
        else:
            if self.design["scheduler"] == "fifo":
                more = len(b.queue) > 1 and self.row(b.queue[1]) == b.row
            else:
                more = sum(self.row(i) == b.row for i in b.queue) >= 2
            auto = {
                "open": False,
                "closed": True,
                "open_adaptive": len(b.queue) >= 2 and not more,
                "closed_adaptive": not more,
            }[self.design["page_policy"]]
            b.command = (("WR" if self.requests[b.current][1] else "RD") + "A" * auto, b.current)

    def refresh(self, now: int) -> None:
        interval = self.t.REFI
        for r, m in enumerate(self.refreshers):
            mine = self.banks[r * self.t.banks : (r + 1) * self.t.banks]
            m.command = None
            if now < m.trigger:
                continue
            if now >= m.trigger + interval:
                m.trigger += interval
                m.pulling = False
            idle = all(b.current is None for b in mine)
            if m.pulling:
                if idle:
                    m.command = ("REFAB", -1)
                else:
                    m.pulling = False
                    m.trigger += interval
                continue
            forced = m.owed == self.design["refresh_max_postponed"]
            if forced:
                for b in mine:
                    b.blocked = True
                    b.command = None
            elif not idle:
                m.owed += 1
                m.trigger += interval
                continue
            m.command = ("PREAB" if any(b.row is not None for b in mine) else "REFAB", -1)

    # --- selection -----------------------------------------------------------------------------------------------

    def earliest(self, command: str, rank: int, bank: int, now: int) -> int:
        t = max(now, self.bus_free[bus(self.device, command)])
        per_group = self.t.banks // self.t.groups
        for later, earlier, scope, cycles in self.rules:
            if later != command:
                continue
            for (name, r, b), when in self.last.items():
                here = {
                    "bank": r == rank and b == bank,
                    "group": r == rank and b >= 0 and b // per_group == bank // per_group,
                    "rank": r == rank,
                    "other": r != rank,
                }[scope]
                if name == earlier and here:
                    t = max(t, when + cycles)
        if command == "ACT" and len(self.acts[rank]) >= 4:
            t = max(t, self.acts[rank][-4] + self.t.FAW)
        return t

    def candidates(self, now: int) -> list[tuple]:
        """(earliest time, command, age, rank, bank) of all."""
        out = [(self.earliest(m.command[0], r, -1, now), m.command[0], -1, r, -1)
               for r, m in enumerate(self.refreshers) if m.command]  # fmt: skip
        for place, b in enumerate(self.banks):
            if b.command:
                rank, bank = divmod(place, self.t.banks)
                out.append((self.earliest(b.command[0], rank, bank, now), b.command[0], b.command[1], rank, bank))
        return out

    def select(self, now: int) -> tuple | None:
        found = self.candidates(now)
        best = []
        for kind in ("row", "column"):
            on_bus = [c for c in found if bus(self.device, c[1]) == kind]
            if on_bus:
                best.append(min(on_bus, key=lambda c: (c[0] + length(self.device, c[1]), c[2])))
        return min(best, key=lambda c: (c[0], c[2])) if best else None

    def issue(self, now: int, command: str, i: int, rank: int, bank: int) -> None:
        self.commands.append((now, command, i, rank, bank))
        self.last[command, rank, bank] = now
        self.bus_free[bus(self.device, command)] = now + length(self.device, command)
        mine = self.banks[rank * self.t.banks : (rank + 1) * self.t.banks]
        if command == "PREAB":
            for b in mine:
                b.row, b.keep = None, False
        elif command == "REFAB":
            m = self.refreshers[rank]
            if m.pulling:
                m.owed -= 1
            else:
                m.pulling = True
            if m.owed == -self.design["refresh_max_pulledin"]:
                m.pulling = False
                m.trigger += self.t.REFI
            for b in mine:
                b.blocked = False
        else:
            b = mine[bank]
            if command == "ACT":
                self.acts[rank].append(now)
                b.row, b.keep = self.row(i), True
            elif command == "PREPB":
                b.row, b.keep = None, False
            else:
                b.current, b.keep = None, False
                if command.endswith("A"):
                    b.row = None
                b.queue.remove(i)
                self.direction = command in ("WR", "WRA")
                self.ready[i] = now + (self.t.write if self.direction else self.t.read)
                self.cas_order.append(i)

    # --- time ----------------------------------------------------------------------------------------------------

    def run(self) -> int:
        """Runs until the last response is received; its time."""
        now = min([self.next_arrival()[1]] + [m.trigger for m in self.refreshers])
        while True:
            left, stands = self.next_arrival()
            if not self.full and stands <= now and (stands < now or left < stands):
                self.try_store(now)
            while True:
                for b in self.banks:
                    self.evaluate(b)
                self.refresh(now)
                chosen = self.select(now)
                issued = chosen is not None and chosen[0] == now
                if issued:
                    self.issue(now, chosen[1], chosen[2], chosen[3], chosen[4])
                data = issued and chosen[1] in CAS
                again = self.next_arrival()[1] <= now and (data or not self.full) and self.try_store(now) and not issued
                if not again:
                    break
            for b in self.banks:
                self.evaluate(b)
            self.refresh(now)
            times = [c[0] for c in self.candidates(now) if issued or c[0] > now]
            times += [max(m.trigger, now + 1) for m in self.refreshers if not m.command]
            if not self.full:
                times.append(self.next_arrival()[1])
            now = min(times, default=FAR)
            if len(self.ready) == len(self.requests) and now > self.receipts()[-1]:
                return self.receipts()[-1]
