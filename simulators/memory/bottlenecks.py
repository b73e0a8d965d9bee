"""What binds a memory controller: what its counts say time and energy go to, and what its storage is made of.

Banks work side by side, so that the time that rows take to open is not to be told apart from that of transfers exactly.
Its parts are the cycles that each kind of work would take on its own, as shares of their sum.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..core import Design
from ..core.bottleneck import Bottleneck, Remedy, shares
from .model.policies import PAGE_POLICIES
from .tables.device import Device

#: Metrics that are times of requests, which wait for the same things as the whole trace.
_TIMES = (
    "latency_s", "read_latency_s", "read_latency_p50_s", "read_latency_p95_s", "read_latency_p99_s", "write_latency_s",
    "request_latency_s", "access_latency_s",
)  # fmt: skip
#: Share of row conflicts that a scheduler that looks for open rows, or a page policy, may do away with.
_ROWS = 0.5


def memory_bottlenecks(
    device: Device, banks: int, channels: int, design: Design, total: Mapping[str, float]
) -> tuple[Bottleneck, ...]:
    """Return what binds one design.

    Args:
        device: its timings.
        banks: of a channel, which open rows side by side.
        channels: with a data bus each.
        design: the controller.
        total: its metrics.
    """
    t = device.timings
    side = max(min(banks, int(total["queue_occupancy"]) + 1), 1) * channels
    opening = (total["row_conflicts"] * (t["RP"] + t["RCD"]) + total["row_misses"] * t["RCD"]) / side
    parts = {
        "transfers": (total["n_rd"] + total["n_wr"]) * t["B"] / channels,
        "opening rows": opening,
        "refreshing": total["n_ref"] * t["RFC"] / channels,
    }
    parts["waiting in queues"] = max(total["cycles"] - sum(parts.values()), 0.0)
    found: list[Bottleneck] = []
    for metric in _TIMES:
        if total[metric] > 0:
            found += shares(metric, parts, _time_remedies(design))
    return (*found, *_energy(design, total), *_area(design, total))


def _others(known: tuple[str, ...], now: object) -> tuple[str, ...]:
    return tuple(value for value in known if value != now)


def _rows(design: Design) -> tuple[Remedy, ...]:
    """Return what makes more requests find their row open, or their bank ready."""
    out = []
    if design["scheduler"] == "fifo":
        why = "requests of the open row go first"
        out.append(Remedy("scheduler", "try", why, ("fr_fcfs", "fr_fcfs_grp"), _ROWS))
    why = "a row that is wanted again stays open, one that is not is closed in good time"
    out.append(Remedy("page_policy", "try", why, _others(PAGE_POLICIES, design["page_policy"]), _ROWS / 2))
    why = "more requests to find one of the open row among"
    out.append(Remedy("request_buffer_size", "raise", why, strength=_ROWS / 2))
    return tuple(out)


def _time_remedies(design: Design) -> dict[str, tuple[Remedy, ...]]:
    turns = Remedy(
        "scheduler", "try", "the bus turns round less often", _others(("fr_fcfs_grp",), design["scheduler"]), 0.2
    )
    sooner = [
        Remedy("request_buffer_size", "raise", "requests of more banks are seen", strength=0.3),
        Remedy("scheduler_buffer", "try", "every bank has entries of its own",
               _others(("bankwise", "read_write"), design["scheduler_buffer"]), 0.2),
        Remedy("resp_queue", "try", "responses wait for none before them",
               _others(("fifo",), design["resp_queue"]), 0.1),
    ]  # fmt: skip
    if design["arbiter"] != "simple":
        sooner.append(Remedy("max_active_transactions", "raise", "more requests are in flight", strength=0.3))
        sooner.append(Remedy("arbiter", "try", "requests are passed on at once", ("simple",), 0.2))
    refresh = [Remedy("refresh_policy", "try", "no command waits for a refresh", ("no_refresh",), 0.95)]
    if design["refresh_policy"] == "all_bank":
        refresh += [
            Remedy(f"refresh_max_{how}", "raise", "refreshes keep out of the way of requests", strength=0.2)
            for how in ("postponed", "pulledin")
        ]
    return {
        "transfers": (turns,) if turns.values else (),
        "opening rows": _rows(design),
        "refreshing": tuple(refresh),
        "waiting in queues": tuple(r for r in sooner if r.change != "try" or r.values),
    }


def _energy(design: Design, total: Mapping[str, float]) -> tuple[Bottleneck, ...]:
    names = {
        "activations": "activate_energy_j", "reads": "read_energy_j", "writes": "write_energy_j",
        "refreshes": "refresh_energy_j", "standing by": "background_energy_j",
    }  # fmt: skip
    remedies = {
        "activations": _rows(design),
        "refreshes": (Remedy("refresh_policy", "try", "nothing is refreshed", ("no_refresh",), 0.95),),
        "standing by": (
            *_rows(design),
            Remedy("request_buffer_size", "raise", "the trace is over sooner", strength=0.2),
        ),
    }
    return shares("energy_j", {name: total[metric] for name, metric in names.items()}, remedies)


def _area(design: Design, total: Mapping[str, float]) -> tuple[Bottleneck, ...]:
    """Return the controller's storage by part; a buffer counts by its entries, requests in flight likewise."""
    size = float(design["request_buffer_size"])
    entries = {"bankwise": 8.0 * (size + 1), "read_write": 1.5 * size, "shared": size}[str(design["scheduler_buffer"])]
    parts = {"request buffer": entries}
    smaller = [Remedy("request_buffer_size", "lower", "fewer entries")]
    if design["scheduler_buffer"] != "shared":
        shared = 1 - size / entries
        values = ("shared",) if design["scheduler_buffer"] == "read_write" else ("shared", "read_write")
        smaller.append(Remedy("scheduler_buffer", "try", "banks or directions share entries", values, shared))
    remedies = {"request buffer": tuple(smaller)}
    if design["arbiter"] != "simple":
        parts["arbiter"] = float(design["max_active_transactions"])
        remedies["arbiter"] = (
            Remedy("max_active_transactions", "lower", "fewer entries"),
            Remedy("arbiter", "try", "one that queues nothing stores nothing", ("simple",), 1.0),
        )
    return (*shares("area_mm2", parts, remedies), *shares("buffer_bits", parts, remedies))
