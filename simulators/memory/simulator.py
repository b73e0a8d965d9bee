"""A memory controller and its DRAM, bound to a trace of requests."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from ...datasets import Trace, Workload, load_workload
from ...errors import ChipgymError, nearest_number, shorten
from ..core import Bottleneck, Column, Columns, Design, Designs, Metrics, Simulator
from ..core.compiled import threads
from .bottlenecks import memory_bottlenecks
from .cost import prices_of
from .history import History, make_history
from .lowering.bursts import check_clock, make_bursts
from .lowering.mapping import address_map
from .lowering.workset import make_workset
from .metrics import METRICS
from .model import channel as k
from .model import metrics as m
from .model import policies
from .model.batch import run_batch
from .space import memory_space
from .tables.device import Device, device_names, load_device

#: The design matrix's column of each named choice, with the codes of its values, and of each number.
_CHOICES = tuple(
    (at, name, {value: code for code, value in enumerate(values)})
    for name, at, values in (
        ("page_policy", k.PAGE, policies.PAGE_POLICIES), ("scheduler", k.SCHEDULER, policies.SCHEDULERS),
        ("scheduler_buffer", k.BUFFER, policies.BUFFERS), ("resp_queue", k.RESPONSES, policies.RESPONSE_QUEUES),
        ("refresh_policy", k.REFRESH, policies.REFRESH_POLICIES), ("arbiter", k.ARBITER, policies.ARBITERS),
    )
)  # fmt: skip
_NUMBERS = {
    "request_buffer_size": k.BUFFER_SIZE,
    "refresh_max_postponed": k.POSTPONED,
    "refresh_max_pulledin": k.PULLED_IN,
    "max_active_transactions": k.ACTIVE,
}
_CHANNELS = (1, 2, 4, 8, 16, 32)
_RANKS = (1, 2, 4)
#: Requests times designs below which threads cost more than they bring.
_WORTH_THREADS = 200_000

Counts = np.ndarray[Any, np.dtype[np.int64]]


class MemorySimulator(Simulator):
    """Time, energy and row-buffer behaviour of a trace on a memory controller with its DRAM.

    Args:
        workload: a trace by name, a trace file, or a `Trace`; each request is one burst of the device, or as many as
            the size takes that the trace gives it.
        device: "DDR3-1600", "DDR4-2400", "LPDDR4-3200" or "HBM2".
        address_mapping: "rbc" (row, bank, column from the highest bit down), "brc", or for devices with bank groups
            "interleaved" (as "rbc", with the group, of HBM2 the pseudo channel too, below the column).
        channels: channels, each with a controller and a requestor of its own, which neighbouring lines go round.
        ranks: ranks of each channel.
        clk_mhz: clock in which the trace counts its cycles, 1 to 10,000 MHz, or None for the memory's own.

    Raises:
        ChipgymError: for an unknown workload, device or mapping, numbers of channels or ranks that are not offered, and
            a trace that does not fit the memory.
    """

    name = "memory"
    version = "1"
    metrics = METRICS
    default_objective = "low_latency"
    objectives: ClassVar[Mapping[str, str | tuple[str, ...]]] = MappingProxyType({
        "low_power": "power_w", "low_latency": "latency_s", "low_power_latency": ("power_w", "latency_s"),
        "latency_area": ("latency_s", "area_mm2"), "access_latency": "access_latency_s",
        "read_latency": "read_latency_s", "tail_latency": "read_latency_p99_s", "energy": "energy_j",
    })  # fmt: skip
    targets: ClassVar[Mapping[str, float]] = MappingProxyType({"power_w": 1.0, "latency_s": 1e-4})
    option_values: ClassVar[Mapping[str, Any]] = MappingProxyType({
        "device": device_names(), "address_mapping": "rbc, brc, or where the device has bank groups interleaved",
        "channels": _CHANNELS, "ranks": "1; 2 or 4 where the device has several",
        "clk_mhz": "1 to 10,000, or none for the memory's own clock",
    })  # fmt: skip
    chunk = 4096
    made_of: ClassVar[Mapping[str, Mapping[str, float]]] = MappingProxyType({
        "power_w": {"energy_j": 1.0, "latency_s": -1.0}, "cycles": {"latency_s": 1.0},
        "bandwidth_gbps": {"latency_s": -1.0},
    })  # fmt: skip

    def __init__(
        self,
        workload: str | os.PathLike[str] | Workload = "cloud-1",
        *,
        device: str = "DDR3-1600",
        address_mapping: str = "rbc",
        channels: int = 1,
        ranks: int = 1,
        clk_mhz: float | None = None,
    ) -> None:
        self.workload: Trace = _trace(workload)
        self.device: Device = load_device(device)
        _check("channels", channels, _CHANNELS, self.device.name)
        _check("ranks", ranks, _RANKS if self.device.several_ranks else (1,), self.device.name)
        check_clock(clk_mhz)
        self.options = {"device": device, "address_mapping": address_mapping, "channels": channels, "ranks": ranks}
        if clk_mhz is not None:  # without it, a problem is the same as before there was any
            self.options["clk_mhz"] = float(clk_mhz)
        self.space = memory_space()
        self.channels = channels
        self.ranks = ranks * self.device.ranks
        self.address_map = address_map(self.device, address_mapping, channels, self.ranks)
        self.bursts = make_bursts(self.workload, self.device, self.address_map, clk_mhz)
        self.workset = make_workset(
            self.bursts, self.address_map, channels, self.ranks * self.device.banks, self.device.burst_bytes
        )
        self._prices = prices_of(self.device, self.bursts, self.address_map, channels, self.ranks)
        self.machine: k.Machine = _machine(self.device, self.workset.mixed, self.bursts.relative)

    def simulate(self, columns: Columns, n: int) -> tuple[Mapping[str, Column], Column]:
        """Run the compiled model on columns of n designs, and price what it counts."""
        designs = _design_matrix(columns, n)
        counts = np.empty((n, k.FIELDS), np.int64)
        workers = min(threads(), n) if n * len(self.bursts) >= _WORTH_THREADS else 1
        if workers == 1:
            self._run(designs, counts)
        else:
            # The model lets go of the interpreter. Not by prange: Numba's portable threads end the process where two
            # threads of a program evaluate at once. Designs dealt in turn share the slow ones out evenly.
            dealt = [np.ascontiguousarray(designs[i::workers]) for i in range(workers)]
            found = [np.empty((len(some), k.FIELDS), np.int64) for some in dealt]
            with ThreadPoolExecutor(workers) as pool:
                list(pool.map(self._run, dealt, found))
            for i, some in enumerate(found):
                counts[i::workers] = some
        return self._price(designs, counts), np.zeros(n)

    def history(self, design: Design) -> History:
        """Return every command that one design issues, and what happened when to every request.

        Raises:
            ChipgymError: as `evaluate`, and for more than one design.
        """
        designs, counts = self._one(design, "history"), np.empty((1, k.FIELDS), np.int64)
        self._run(designs, counts)
        most = int(counts[0, : k.CLOSED].sum())
        record = k.Record(np.zeros((len(self.workset.requests), k.TIMES), np.int64), np.empty((most, k.LOG), np.int64))
        self._run(designs, counts, record)
        return make_history(self.device, self.workset, record)

    def evaluate_requests(self, design: Design) -> tuple[Metrics, Counts]:
        """Return one design's metrics, and the memory-clock cycle in which each request is answered.

        Returns:
            What `evaluate` does, and cycles from 0 to the response at the requestor, int64 (requests,), in the order of
            the trace; of a request of several bursts, to that of the last of them.

        Raises:
            ChipgymError: as `evaluate`, and for more than one design.
        """
        designs, counts = self._one(design, "evaluate_requests"), np.empty((1, k.FIELDS), np.int64)
        record = k.Record(np.zeros((len(self.workset.requests), k.TIMES), np.int64), np.empty((0, k.LOG), np.int64))
        self._run(designs, counts, record)
        received = np.empty(len(self.bursts), np.int64)
        received[self.workset.order] = record.times[self.workset.rows, k.RECEIVED]
        firsts = np.flatnonzero(np.diff(self.bursts.request, prepend=-1))
        return Metrics(self.metrics, self._price(designs, counts), np.zeros(1)), np.maximum.reduceat(received, firsts)

    def bottlenecks(self, design: Designs) -> tuple[Bottleneck, ...]:
        """Tell what binds one design: what its counts say that times, energy and storage go to.

        Raises:
            ChipgymError: as `evaluate`, and for several designs.
        """
        columns = self.space.one_design(design, "bottlenecks")
        total = self.evaluate_columns(columns, 1).row(0)
        one = {name: column[0] for name, column in columns.items()}
        return memory_bottlenecks(self.device, self.ranks * self.device.banks, self.channels, one, total)

    def _one(self, design: Design, asker: str) -> Counts:
        """Return the design matrix (1, KNOBS) of one design."""
        return _design_matrix(self.space.one_design(design, asker), 1)

    def _run(self, designs: Counts, counts: Counts, record: k.Record | None = None) -> None:
        """Fill the counts (n, FIELDS) of a design matrix (n, KNOBS)."""
        if record is None:
            record = k.Record(np.empty((0, k.TIMES), np.int64), np.empty((0, k.LOG), np.int64))
        buses = 2 if self.device.column_bus else 1
        w = self.workset
        run_batch(w.start, w.requests, w.first, designs, self.ranks, buses, self.machine, counts, record)

    def _price(self, designs: Counts, counts: Counts) -> dict[str, Column]:
        """Return the metric columns of a design matrix (n, KNOBS) and its counts (n, FIELDS)."""
        out = np.empty((len(designs), m.METRICS))
        m.fill_metrics(self._prices, designs, counts, out)
        return {spec.name: out[:, at] for at, spec in enumerate(METRICS)}


def _trace(workload: str | os.PathLike[str] | Workload) -> Trace:
    loaded = load_workload(workload)
    if not isinstance(loaded, Trace):
        raise ChipgymError(f"workload: the memory simulator runs traces of requests, not {shorten(loaded)}")
    return loaded


def _check(option: str, value: int, offered: tuple[int, ...], device: str) -> None:
    if isinstance(value, int) and not isinstance(value, bool) and value in offered:
        return
    hint = nearest_number(value, offered)
    raise ChipgymError(f"{option}: {shorten(value)} is not one of {', '.join(map(str, offered))} for {device}{hint}")


def _machine(device: Device, mixed: bool, relative: bool) -> k.Machine:
    t, e = device.timings, device.energy_timings
    return k.Machine(
        distances=device.distances,
        lengths=device.command_cycles,
        groups=device.groups,
        mixed=mixed,
        relative=relative,
        uniform=not device.column_bus and bool((device.command_cycles == 1).all()),
        interval=t["REFI"],
        faw=t["FAW"],
        ready_read=device.ready[0],
        ready_write=device.ready[1],
        open_read=device.open_after[0],
        open_write=device.open_after[1],
        ras=t["RAS"],
        open_refresh=e["refresh"] - e["precharge"],
        done_read=t["RL"] + t.get("DQSCK", 0) + 1 + t["B"],
        done_write=t["WL"] + t["B"] + t["WR"],
        done_act=e["activate"],
        done_pre=e["precharge"],
    )


def _design_matrix(columns: Columns, n: int) -> Counts:
    """Return designs as the compiled model reads them, int64 (n, KNOBS)."""
    designs = np.zeros((n, k.KNOBS), np.int64)
    for at, name, codes in _CHOICES:
        designs[:, at] = [codes[value] for value in columns[name].tolist()]
    for name, at in _NUMBERS.items():
        designs[:, at] = columns[name]
    return designs
