"""A systolic design with a modelled memory in the loop, in place of a constant bandwidth.

Layers follow one another without overlap, as in the kernel, so that each is a loop of its own that finds an idle
memory. Equal layers are looked at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....datasets import Trace
from ....errors import ChipgymError
from ...core import Breakdown, Columns, Metrics, MetricSpec
from ...memory import MemorySimulator
from ...memory.tables.device import load_device
from ..lowering.network import Layer, LoweredNetwork
from ..metrics import IN_LOOP
from ..model.batch import array_cycles, plan_layer
from ..model.columns import CHANNELS, FILTERS, GROUPS, IMAGES, OUT_H, OUT_W, TAPS_H, TAPS_W, WORDS_IN, WORDS_OUT
from .bursts import Bursts, count_bursts, lay_out
from .option import LoopMemory
from .timeline import Floats, Parts, close_loop, reach
from .traffic import PAGE_BYTES, Plan, Traffic, product_traffic, stream_traffic

#: Requests of a trace of a network.
MOST_REQUESTS = 2**23
#: Share of the time with a constant bandwidth that fewer, larger tiles may cost.
SLOWER = 0.01
#: Requests of one layer that a memory in the loop serves; of a layer with more, stretches of its tiles are looked at.
MOST_SERVED = 2**18

LAYER_METRICS = (
    IN_LOOP,
    MetricSpec("compute_latency_s", "s", "an array that never waits"),
    MetricSpec("constant_bandwidth_latency_s", "s", "with the design's `dram_bandwidth`"),
    MetricSpec("dram_bytes", "bytes", "moved to and from DRAM, in whole bursts"),
    MetricSpec("row_hits", "", "requests that found their row open", goal="max"),
    MetricSpec("dram_devices_energy_j", "J", "the memory simulator's, from the layer's start to its last response"),
    MetricSpec("rounds", "", "how often the memory served the layer until its timeline settled"),
)


@dataclass(frozen=True, eq=False)
class DesignRun:
    """One design on one network, as far as a memory in the loop wants to know.

    Attributes:
        name: of the network; network: its tables.
        columns: of the design, each (1,).
        tiling: of the design: dataflow, rows, columns, words that half of each SRAM holds, words per partial sum and
            loop order, as the kernel takes them.
        costs: `METRICS` with a constant bandwidth, a row for each layer.
        word_bytes, sum_bytes: of an operand and of a partial sum.
    """

    name: str
    network: LoweredNetwork
    columns: Columns
    tiling: tuple[Any, ...]
    costs: Metrics
    word_bytes: float
    sum_bytes: float


@dataclass(frozen=True, eq=False)
class DramLimited:
    """A network's time with a memory controller and its devices in the loop.

    Attributes:
        layers: a row for each operator that costs something, with the metrics of `LAYER_METRICS`.
    """

    layers: Breakdown

    @property
    def dram_limited_latency_s(self) -> float:
        """With the memory in the loop."""
        return float(self.layers["dram_limited_latency_s"].sum())

    @property
    def compute_latency_s(self) -> float:
        """Of an array that never waits."""
        return float(self.layers["compute_latency_s"].sum())

    @property
    def constant_bandwidth_latency_s(self) -> float:
        """The systolic simulator's answer, with the design's `dram_bandwidth`."""
        return float(self.layers["constant_bandwidth_latency_s"].sum())

    @property
    def bandwidth_gbps(self) -> float:
        """GB/s to and from DRAM, over the whole time."""
        return float(self.layers["dram_bytes"].sum()) / self.dram_limited_latency_s / 1e9


class MemoryServer:
    """A modelled memory that serves bursts.

    Attributes:
        metrics: the memory simulator's answer to what it served last, after it served once.
    """

    metrics: Metrics

    def __init__(self, bursts: Bursts, memory: LoopMemory) -> None:
        self._bursts, self._memory = bursts, memory
        self._cycle_s = load_device(memory.options["device"]).cycle_s

    @property
    def parts(self) -> Parts:
        """Those with bursts of their own."""
        return self._bursts.parts

    def serve(self, marks: Floats, held: Floats) -> tuple[Floats, float]:
        """Serve as `Server` does; a part is over with its last response."""
        bursts, cycle_s = self._bursts, self._cycle_s
        cycle, order = bursts.cycles(marks, held, cycle_s)
        trace = Trace("layer", cycle[order], bursts.is_write[order], bursts.address[order])
        self.metrics, received = MemorySimulator(trace, **self._memory.options).evaluate_requests(
            self._memory.controller
        )
        over = np.zeros(len(bursts.parts.transfer))
        np.maximum.at(over, bursts.part[order], received * cycle_s)
        return over, float((received - trace.cycle).min()) * cycle_s


def dram_limited(run: DesignRun, memory: LoopMemory) -> DramLimited:
    """Return the latency of one design with a memory in the loop.

    Raises:
        ChipgymError: the design cannot be built, or a layer has more tiles or requests than fit.
    """
    _check(run)
    costs = run.costs
    burst_bytes = load_device(memory.options["device"]).burst_bytes
    distinct: dict[tuple[str, int], tuple[float, ...]] = {}
    rows = []
    for layer, row, busy in _layers(run):
        if (layer.unit, row) not in distinct:
            traffic = _traffic(run, layer, row, busy)
            distinct[layer.unit, row] = _serve(traffic, memory, burst_bytes) if traffic else (busy, 0.0, 0.0, 0.0, 0.0)
        rows.append(distinct[layer.unit, row])
    in_loop, nbytes, hits, energy, rounds = np.array(rows, np.float64).reshape(-1, 5).T
    values = {
        "dram_limited_latency_s": in_loop,
        "compute_latency_s": costs["compute_cycles"] / (run.columns["clock_mhz"][0] * 1e6),
        "constant_bandwidth_latency_s": costs["latency_s"],
        "dram_bytes": nbytes,
        "row_hits": hits,
        "dram_devices_energy_j": energy,
        "rounds": rounds,
    }
    metrics = Metrics(LAYER_METRICS, values, np.zeros(len(rows)))
    layers = run.network.layers
    return DramLimited(Breakdown(tuple(x.name for x in layers), tuple(x.kind for x in layers), metrics))


def dram_trace(run: DesignRun, device: str) -> Trace:
    """Return the requests that one design makes to a memory of `device` that answers at once.

    Raises:
        ChipgymError: the design cannot be built, or there are more requests than a trace holds.
    """
    _check(run)
    dram = load_device(device)
    begin_s, base, n = 0.0, 0, 0
    cycles, writes, addresses = [], [], []
    for layer, row, busy in _layers(run):
        traffic = _traffic(run, layer, row, busy)
        if traffic:
            n += int(count_bursts(traffic, dram.burst_bytes)[1].sum())
            if n > MOST_REQUESTS:
                raise ChipgymError(
                    f"dram_trace: more than {MOST_REQUESTS} requests; use a smaller network or batch, or larger SRAMs"
                )
            bursts = lay_out(traffic, dram.burst_bytes, traffic.every())
            marks, held = reach(traffic, bursts.parts, np.zeros(len(bursts.parts.transfer)), 0.0)
            cycle, order = bursts.cycles(begin_s + marks, begin_s + held, dram.cycle_s)
            cycles.append(cycle[order])
            writes.append(bursts.is_write[order])
            addresses.append(base + bursts.address[order])
            base += bursts.nbytes
        begin_s += busy
    if not n:
        raise ChipgymError(f"dram_trace: {run.name} moves nothing to or from DRAM")
    return Trace(f"{run.name} traffic", np.concatenate(cycles), np.concatenate(writes), np.concatenate(addresses))


def _serve(traffic: Traffic, memory: LoopMemory, burst_bytes: int) -> tuple[float, ...]:
    """Return the latency, bytes, row hits, energy and rounds of one layer."""
    requests = int(count_bursts(traffic, burst_bytes)[1].sum())
    kept = traffic.stretches(MOST_SERVED / requests) if requests > MOST_SERVED else traffic.every()
    bursts = lay_out(traffic, burst_bytes, kept)
    if len(bursts) > MOST_REQUESTS:
        raise ChipgymError(f"dram_limited: {len(bursts)} requests for a few tiles of a layer; use smaller SRAMs")
    server = MemoryServer(bursts, memory)
    loop = close_loop(traffic.only(kept), server)
    found, times = server.metrics.row(0), requests / len(bursts)
    return (
        loop.latency_s, float(requests * burst_bytes), times * found["row_hits"], times * found["energy_j"],
        float(loop.rounds),
    )  # fmt: skip


def _check(run: DesignRun) -> None:
    if not run.costs["feasible"].all():
        raise ChipgymError("dram_limited: the design cannot be built, and has no traffic")


def _layers(run: DesignRun) -> Iterator[tuple[Layer, int, float]]:
    """Yield each layer, its row in its unit's table, and the seconds that it computes."""
    busy = run.costs["compute_cycles"] / (run.columns["clock_mhz"][0] * 1e6)
    return zip(run.network.layers, run.network.position.tolist(), busy.tolist(), strict=True)


def _traffic(run: DesignRun, layer: Layer, row: int, busy_s: float) -> Traffic | None:
    """Return what a layer moves; None for one without traffic."""
    if layer.unit == "array":
        return array_traffic(run, row, busy_s)
    read, written = (float(run.network.vector[row, at]) * run.word_bytes for at in (WORDS_IN, WORDS_OUT))
    if layer.fused or not (read or written):
        return None
    held_in, held_out = (int(run.columns[name][0]) * 1024 // PAGE_BYTES for name in ("ifmap_sram_kb", "ofmap_sram_kb"))
    return stream_traffic(read, written, busy_s, held_in, held_out)


def array_traffic(run: DesignRun, row: int, busy_s: float, slower: float = SLOWER) -> Traffic:
    """Return what a matrix product, by its row in the layer table, moves.

    Raises:
        ChipgymError: as `product_traffic`.
    """
    layer = run.network.matrix[row]
    flow, rows, cols, cap_i, cap_f, cap_o, sum_words, order = run.tiling
    compute = array_cycles(layer, flow[0], rows[0], cols[0], run.columns["num_arrays"][0])
    order, a, b, c, _, _, _, one_pass, _, ri, rf, ro = plan_layer(
        run.network.cuts, layer, row, int(flow[0]), int(cap_i[0]), int(cap_f[0]), int(cap_o[0]), sum_words,
        int(order[0]), compute, float(run.columns["dram_bandwidth"][0]), slower,
    )  # fmt: skip
    k = int(layer[TAPS_H] * layer[TAPS_W] * layer[CHANNELS])
    m, n = int(layer[IMAGES] * layer[OUT_H] * layer[OUT_W]), int(layer[FILTERS])
    cut = Plan(
        order, a, b, c, int(layer[GROUPS]), one_pass, float(k) * n, float(m) * n, (ri, rf, ro),
        run.word_bytes, run.sum_bytes,
    )  # fmt: skip
    return product_traffic(cut, busy_s)
