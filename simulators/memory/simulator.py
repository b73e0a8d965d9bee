"""A memory controller and its DRAM, bound to a trace of requests."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from ...datasets import Trace, Workload, load_workload
from ...errors import ChipgymError, shorten
from ..core import Column, Columns, Simulator
from . import kernel as k
from .bank import PAGE_POLICIES, SCHEDULERS
from .commands import ACT, PREAB, PREPB, RD, RDA, REFAB, WR, WRA
from .device import load_device
from .energy import energy_columns
from .intake import ARBITERS, BUFFERS
from .mapping import address_map
from .metrics import METRICS
from .space import REFRESH_POLICIES, RESPONSE_QUEUES, memory_space
from .workset import make_workset

# Columns of the kernel's design matrix: its code of a named value is the value's place.
_NAMED = {
    "page_policy": (k.PAGE, PAGE_POLICIES),
    "scheduler": (k.SCHEDULER, SCHEDULERS),
    "scheduler_buffer": (k.BUFFER, BUFFERS),
    "resp_queue": (k.RESPONSES, RESPONSE_QUEUES),
    "refresh_policy": (k.REFRESH, REFRESH_POLICIES),
    "arbiter": (k.ARBITER, ARBITERS),
}
_NUMBERS = {
    "request_buffer_size": k.BUFFER_SIZE,
    "refresh_max_postponed": k.POSTPONED,
    "refresh_max_pulledin": k.PULLED_IN,
    "max_active_transactions": k.ACTIVE,
}


class MemorySimulator(Simulator):
    name = "memory"
    version = "1"
    metrics = METRICS
    default_objective = "low_latency"
    objectives: ClassVar[Mapping[str, str | tuple[str, ...]]] = MappingProxyType(
        {"low_power": "power_w", "low_latency": "latency_s", "low_power_latency": ("power_w", "latency_s")}
    )
    chunk = 4096

    def __init__(
        self,
        workload: str | os.PathLike[str] | Workload = "cloud_1",
        *,
        device: str = "DDR3-1600",
        address_mapping: str = "rbc",
        channels: int = 1,
        ranks: int = 1,
    ) -> None:
        self.workload = load_workload(workload)
        if not isinstance(self.workload, Trace):
            raise ChipgymError(f"workload: the memory simulator runs traces of requests, not {shorten(self.workload)}")
        self.device = load_device(device)
        self.space = memory_space()
        self.options = {"device": device, "address_mapping": address_mapping, "channels": channels, "ranks": ranks}
        dev = self.device
        self._ranks = ranks * dev.ranks
        where = address_map(dev, address_mapping, channels, self._ranks)
        self.workset = make_workset(self.workload, where, channels, self._ranks * dev.banks, dev.burst_bytes)
        self._channels = channels
        t = dev.timings
        s = np.zeros(k.SETTINGS, np.int64)
        s[k.RANKS] = self._ranks
        s[k.GROUPS] = dev.groups
        s[k.MIXED] = self.workset.mixed
        s[k.UNIFORM] = bool((dev.command_cycles == 1).all() and (dev.buses == 0).all())
        s[k.TWO_BUSES] = bool((dev.buses == 1).any())
        s[k.INTERVAL] = t["REFI"]
        s[k.FAW] = t["FAW"]
        s[k.READY_READ], s[k.READY_WRITE] = dev.ready
        s[k.OPEN_READ], s[k.OPEN_WRITE] = dev.open_after
        s[k.RAS] = t["RAS"]
        s[k.REFRESH_OPEN] = dev.energy_timings["refresh"] - dev.energy_timings["precharge"]
        s[k.DONE_READ] = t["RL"] + t.get("DQSCK", 0) + 1 + t["B"]
        s[k.DONE_WRITE] = t["WL"] + t["B"] + t["WR"]
        s[k.DONE_ACT] = dev.energy_timings["activate"]
        s[k.DONE_PRE] = dev.energy_timings["precharge"]
        self._settings = s

    def simulate(self, columns: Columns, n: int) -> tuple[Mapping[str, Column], Column]:
        designs = np.empty((n, k.KNOBS), np.int64)
        for name, (at, names) in _NAMED.items():
            for code, value in enumerate(names):
                designs[columns[name] == value, at] = code
        for name, at in _NUMBERS.items():
            designs[:, at] = columns[name]
        counts = np.empty((n, k.FIELDS), np.int64)
        w = self.workset
        requests = k.Requests(w.arrival, w.is_write, w.bank, w.row, w.next_bank, w.next_row, w.previous_same, np.zeros(1, np.bool_))
        k.run_batch(
            w.start, requests, w.first, designs,
            self.device.distances, self.device.command_cycles, self._settings, counts,
            np.empty((0, k.TIMES), np.int64), np.empty((0, k.LOG), np.int64))
        return self._price(counts), np.zeros(n)

    def _price(self, c):
        cycle = self.device.cycle_s
        n = len(self.workload)
        writes = int(self.workload.is_write.sum())
        latency = c[:, k.END] * cycle
        out = {
            "latency_s": latency, "cycles": c[:, k.END].astype(float),
            "read_latency_s": c[:, k.READ_SUM] * cycle / max(n - writes, 1),
            "read_latency_p50_s": c[:, k.P50] * cycle,
            "read_latency_p95_s": c[:, k.P95] * cycle,
            "read_latency_p99_s": c[:, k.P99] * cycle,
            "write_latency_s": c[:, k.WRITE_SUM] * cycle / max(writes, 1),
            "request_latency_s": c[:, k.WAIT_SUM] * cycle / n,
            "bandwidth_gbps": n * self.device.burst_bytes / latency / 1e9,
            "queue_occupancy": c[:, k.QUEUED_SUM] / c[:, k.END],
            "row_hits": c[:, k.HITS].astype(float), "row_misses": c[:, k.MISSES].astype(float),
            "row_conflicts": c[:, k.CONFLICTS].astype(float),
            "n_act": c[:, ACT].astype(float), "n_rd": (c[:, RD] + c[:, RDA]).astype(float),
            "n_wr": (c[:, WR] + c[:, WRA]).astype(float), "n_pre": (c[:, PREPB] + c[:, PREAB]).astype(float),
            "n_ref": c[:, REFAB].astype(float),
        }
        return out | energy_columns(self.device, self._ranks * self._channels, c)
