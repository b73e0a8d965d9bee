"""A network on an FPGA, as hls4ml and Vivado HLS build it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from ...datasets import Network, Workload, load_workload
from ...errors import ChipgymError, shorten, unknown
from ..core import Breakdown, Column, Columns, Design, Designs, Limit, Metrics, Simulator, relative_excess
from ..fpga import fpga_device_names, load_fpga_device
from .batch import Products, Settings, Table
from .constants import MOST_UNROLLED, Constants, load_constants
from .fifos import Fifos, fifo_costs
from .lowering import LoweredNetwork, lower
from .metrics import METRICS
from .others import Others, other_costs
from .products import ProductCosts, product_costs
from .schedule import network_cycles
from .space import GRANULARITIES, hls4ml_space

#: What a design may use up of a device.
LIMITED = ("lut", "ff", "dsp", "bram18")
#: Clock periods that may be asked for, in ns.
CLOCKS_NS = (1.0, 100.0)
TIMES = ("stages", "interval", "busy", "fill", "drain")


class Hls4mlSimulator(Simulator):
    """Latency, interval and resources of a network that hls4ml makes a circuit of, as Vivado HLS reports them.

    Args:
        workload: a network by name, an ONNX file, the shorthand `mlp:16-64-5`, or a `Network`.
        device: an FPGA by name or part, such as "xcu250".
        clock_ns: period of the clock, 1 to 100 ns; the reports behind the constants are of 5 ns.
        granularity: "model" has one reuse factor and one width of weights, "layer" one of each for every layer.

    Raises:
        ChipgymError: for an unknown workload or device, a network with operators that hls4ml has no layer for, and a
            clock or granularity that is not offered.
    """

    name = "hls4ml"
    version = "1"
    metrics = METRICS
    default_objective = "latency_share"
    objectives: ClassVar[Mapping[str, str | tuple[str, ...]]] = MappingProxyType({
        "latency": "latency_s", "share": "device_share", "latency_share": "latency_s * device_share",
        "pareto": ("latency_s", "device_share"), "resources": ("latency_s", "lut", "ff", "dsp", "bram18"),
    })  # fmt: skip
    option_values: ClassVar[Mapping[str, Any]] = MappingProxyType({
        "device": fpga_device_names(), "clock_ns": "a number from 1 to 100", "granularity": GRANULARITIES,
    })  # fmt: skip
    chunk = 16384

    def __init__(
        self,
        workload: str | os.PathLike[str] | Workload = "jet_tagger",
        *,
        device: str = "xcu250",
        clock_ns: float = 5.0,
        granularity: str = "model",
    ) -> None:
        self.workload = load_workload(workload)
        if not isinstance(self.workload, Network):
            raise ChipgymError(f"workload: the hls4ml simulator runs networks, not {shorten(self.workload)}")
        self.device = load_fpga_device(device)
        if granularity not in GRANULARITIES:
            raise unknown("granularity", granularity, GRANULARITIES)
        self.clock_ns = _clock(clock_ns)
        self.options = {"device": self.device.name, "clock_ns": self.clock_ns, "granularity": granularity}
        self.constants: Constants = load_constants()
        self.network: LoweredNetwork = lower(self.workload)
        self.space = hls4ml_space(self.network, granularity)
        self._products, self._others = Products.of(self.network), Others.of(self.network)
        self._fifos = Fifos.of(self.network)
        self._budget = {name: float(self.device.resources[name]) for name in LIMITED}

    def simulate(self, columns: Columns, n: int) -> tuple[Mapping[str, Column], Column]:
        settings = self._settings(columns)
        products, costs = self._layer_costs(settings, n)
        interval = costs["interval"].max(axis=1)
        times = {name: costs[name] for name in ("stages", "busy", "fill", "drain")}
        cycles = network_cycles(self.network, **times, stream=settings.stream[:, 0])
        cycles = cycles + (self.network.batch - 1) * interval
        used = {name: costs[name].sum(axis=1) for name in LIMITED}
        return self._columns(cycles, interval, used), self._violation(products, settings, used)

    def broken_limits(self, design: Designs) -> tuple[Limit, ...]:
        """Layers that the tool cannot build as asked, and resources that the device lacks."""
        columns, _ = self.space.columns(design)
        settings = self._settings({name: column[:1] for name, column in columns.items()})
        products, costs = self._layer_costs(settings, 1)
        reuse = np.broadcast_to(settings.reuse, products.unrolled.shape)
        layers = [layer.name for layer in self.network.matrix_layers]
        limits = (
            *(Limit(f"multiplications side by side in {layer}", needed, MOST_UNROLLED)
              for layer, needed in zip(layers, products.unrolled[0], strict=True)),
            *(Limit(f"reuse factor of {layer} in arrays", asked, most)
              for layer, asked, most in zip(layers, reuse[0], products.reuse_limit[0], strict=True)),
            *(Limit(name, costs[name].sum(), self._budget[name]) for name in LIMITED),
        )  # fmt: skip
        return tuple(limit for limit in limits if limit.broken)

    def evaluate_layers(self, design: Design) -> Breakdown:
        """The metrics of one design, layer by layer: resources add up to `evaluate`'s, cycles are each layer's own.

        Raises:
            ChipgymError: as `evaluate`, and for more than one design.
        """
        columns, n = self.space.columns(design)
        if n != 1:
            raise ChipgymError(f"evaluate_layers takes one design, not {n}")
        settings = self._settings(columns)
        products, costs = self._layer_costs(settings, 1)
        one = {name: table[0, list(self.network.columns)] for name, table in costs.items()}
        cycles = np.where(settings.stream[0], one["busy"], one["stages"])
        values = self._columns(cycles, one["interval"], {name: one[name] for name in LIMITED})
        whole = self._violation(products, settings, {name: costs[name].sum(axis=1) for name in LIMITED})
        layers = self.network.layers
        metrics = Metrics(self.metrics, values, np.repeat(whole, len(layers)))
        return Breakdown(tuple(layer.name for layer in layers), tuple(layer.kind for layer in layers), metrics)

    def _settings(self, columns: Columns) -> Settings:
        def knob(name: str) -> Table:
            each = [] if name in columns else [columns[f"{name}_{i}"] for i in range(len(self.network.products))]
            return np.stack(each or [columns[name]], axis=1).astype(np.float64)

        return Settings(
            reuse=knob("reuse_factor"),
            weight_bits=knob("weight_bits"),
            activation_bits=columns["activation_bits"].astype(np.float64)[:, None],
            resource=(columns["strategy"] == "resource")[:, None],
            stream=(columns["io_type"] == "io_stream")[:, None],
            clock_ns=self.clock_ns,
        )

    def _layer_costs(self, settings: Settings, n: int) -> tuple[ProductCosts, dict[str, Table]]:
        """Costs of the products, and of all layers by name, (n, layers) in the order of the network's `columns`."""
        products, others = product_costs(self._products, settings, self.constants), other_costs(self._others, settings)
        costs, first = {}, len(self.network.products)
        for name in (*TIMES, *LIMITED):
            table = costs[name] = np.empty((n, len(self.network.layers)))
            table[:, :first] = getattr(products, name)
            table[:, first:] = getattr(others, name)
        if settings.stream.any():
            for name, table in fifo_costs(self._fifos, settings).items():
                costs[name] += table
        return products, costs

    def _columns(self, cycles: Column, interval: Column, used: Mapping[str, Column]) -> dict[str, Column]:
        """The columns of `METRICS`."""
        shares = {f"{name}_utilization": used[name] / self._budget[name] for name in LIMITED}
        return {
            "latency_s": cycles * self.clock_ns * 1e-9,
            "cycles": cycles,
            "initiation_interval": interval,
            **used,
            **shares,
            "device_share": np.maximum.reduce(list(shares.values())),
        }

    def _violation(self, products: ProductCosts, settings: Settings, used: Mapping[str, Column]) -> Column:
        excess: Column = relative_excess(products.unrolled, MOST_UNROLLED).sum(axis=1)
        excess = excess + relative_excess(settings.reuse, products.reuse_limit).sum(axis=1)
        for name in LIMITED:
            excess = excess + relative_excess(used[name], self._budget[name])
        return excess


def _clock(clock_ns: float) -> float:
    low, high = CLOCKS_NS
    number = isinstance(clock_ns, int | float) and not isinstance(clock_ns, bool)
    if not number or not low <= clock_ns <= high:
        near = f"; nearest is {min(max(clock_ns, low), high):g}" if number and clock_ns == clock_ns else ""
        raise ChipgymError(f"clock_ns: {shorten(clock_ns)} is not a number from {low:g} to {high:g}{near}")
    return float(clock_ns)
