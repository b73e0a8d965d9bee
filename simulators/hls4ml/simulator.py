"""A network on an FPGA, as hls4ml and Vivado HLS build it."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, reduce
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from ...datasets import Network, Workload, load_workload
from ...errors import ChipgymError, shorten, unknown
from ..core import Bottleneck, Breakdown, Column, Columns, Design, Designs, Limit, Metrics, Simulator
from ..fpga import fpga_device_names, load_fpga_device
from ..fpga.formulas import Formula, Program, Term, make_program
from ..fpga.formulas.terms import maximum, select, total
from .bottlenecks import hls4ml_bottlenecks
from .lowering.layers import PRODUCT, LoweredNetwork, lower
from .metrics import METRICS
from .model.fifos import fifo_costs
from .model.products import product_costs
from .model.schedule import network_cycles
from .model.settings import LayerCosts, ProductCosts, Settings
from .model.unweighted import unweighted_costs
from .space import GRANULARITIES, RESOURCE, STREAM, hls4ml_space
from .tables.constants import MOST_UNROLLED, Constants, load_constants

#: What a design may use up of a device.
LIMITED = ("lut", "ff", "dsp", "bram18")
#: Clock periods that may be asked for, in ns.
CLOCKS_NS = (1.0, 100.0)


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
    made_of: ClassVar[Mapping[str, Mapping[str, float]]] = MappingProxyType({
        "cycles": {"latency_s": 1.0}, **{f"{name}_utilization": {name: 1.0} for name in LIMITED},
    })  # fmt: skip

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
        self._budget = {name: float(self.device.resources[name]) for name in LIMITED}

    def simulate(self, columns: Columns, n: int) -> tuple[Mapping[str, Column], Column]:
        """Run the program of formulas on columns of n designs."""
        out = self._program.run(self._knobs(columns), n)
        violation = out.pop("violation")
        return out, violation

    @cached_property
    def _program(self) -> Program:
        """The metrics and the violation of a design."""

        def make(knobs: Mapping[str, Term]) -> dict[str, Term]:
            costs = self._layer_costs(knobs)
            interval = reduce(maximum, [cost.interval for cost in costs])
            cycles = network_cycles(self.network.layers, costs, knobs["io_type"] > 0)
            cycles = cycles + (self.network.batch - 1) * interval
            used = {name: total([getattr(cost, name) for cost in costs]) for name in LIMITED}
            out = self._metrics(cycles, interval, used)
            return out | {"violation": total([_excess(*limit) for _, *limit in self._limits(knobs, costs, used)])}

        return make_program(self.space.names, make)

    @cached_property
    def _limits_program(self) -> Program:
        """What a design has of each of `_limits`, and what it may have, by "value <limit>" and "limit <limit>"."""

        def make(knobs: Mapping[str, Term]) -> dict[str, Term]:
            costs = self._layer_costs(knobs)
            used = {name: total([getattr(cost, name) for cost in costs]) for name in LIMITED}
            limits = self._limits(knobs, costs, used)
            return {f"{of} {name}": t for name, *both in limits for of, t in zip(("value", "limit"), both, strict=True)}

        return make_program(self.space.names, make)

    def broken_limits(self, design: Designs) -> tuple[Limit, ...]:
        """Report layers that the tool cannot build as asked, and resources that the device lacks."""
        columns, _ = self.space.columns(design)
        out = self._limits_program.run(self._knobs({name: column[:1] for name, column in columns.items()}), 1)
        names = [name.removeprefix("value ") for name in out if name.startswith("value ")]
        limits = [Limit(name, out[f"value {name}"][0], out[f"limit {name}"][0]) for name in names]
        return tuple(limit for limit in limits if limit.broken)

    @cached_property
    def _layers_program(self) -> Program:
        """The metrics of each layer by "<number of the layer> <metric>", and the violation of the whole."""

        def make(knobs: Mapping[str, Term]) -> dict[str, Term]:
            costs, out = self._layer_costs(knobs), dict[str, Term]()
            for i, cost in enumerate(costs):
                cycles = select(knobs["io_type"] > 0, cost.busy, cost.stages)
                used = {name: getattr(cost, name) for name in LIMITED}
                out |= {f"{i} {name}": term for name, term in self._metrics(cycles, cost.interval, used).items()}
            return out

        return make_program(self.space.names, make)

    def evaluate_layers(self, design: Design) -> Breakdown:
        """Return one design's metrics, layer by layer: resources add up to `evaluate`'s, cycles are each layer's own.

        Raises:
            ChipgymError: as `evaluate`, and for more than one design.
        """
        columns = self.space.one_design(design, "evaluate_layers")
        return self._layers(columns, self.simulate(columns, 1)[1])

    def _layers(self, columns: Columns, violation: Column) -> Breakdown:
        """Return one design's metrics by layer, each as infeasible as `violation`, shape (1,), says."""
        out, layers = self._layers_program.run(self._knobs(columns), 1), self.network.layers
        values = {m.name: np.concatenate([out[f"{i} {m.name}"] for i in range(len(layers))]) for m in self.metrics}
        metrics = Metrics(self.metrics, values, np.repeat(violation, len(layers)))
        return Breakdown(tuple(layer.name for layer in layers), tuple(layer.kind for layer in layers), metrics)

    @property
    def capacities(self) -> Mapping[str, float]:
        """All of the device."""
        return {f"{name}_utilization": 1.0 for name in LIMITED}

    def bottlenecks(self, design: Designs) -> tuple[Bottleneck, ...]:
        """Tell what binds one design: the layers that time and resources go to, and the limits that it breaks.

        Raises:
            ChipgymError: as `evaluate`, and for several designs.
        """
        columns = self.space.one_design(design, "bottlenecks")
        told = self._layers(columns, np.zeros(1))  # what a layer takes counts, whether the whole fits or not
        apart = "reuse_factor" not in self.space
        own = {at: f"_{i}" if apart else "" for i, at in enumerate(self.network.products)}
        suffixes = [own.get(at) for at in range(len(self.network.layers))]
        return hls4ml_bottlenecks(columns, told, suffixes, self.broken_limits(design))

    def _knobs(self, columns: Columns) -> dict[str, Column]:
        """Return columns as numbers: words as their places among what they may be."""
        words = {"strategy": columns["strategy"] == RESOURCE, "io_type": columns["io_type"] == STREAM}
        return {**columns, **words}

    def _settings(self, knobs: Mapping[str, Term]) -> list[Settings]:
        """Return the design as each layer sees it."""
        places = self.network.products
        own = {at: "" if "reuse_factor" in knobs else f"_{i}" for i, at in enumerate(places)}
        return [
            Settings(
                reuse=knobs[f"reuse_factor{own[at]}"] if at in own else 1.0,
                weight_bits=knobs[f"weight_bits{own[at]}"] if at in own else 1.0,
                activation_bits=knobs["activation_bits"],
                resource=knobs["strategy"] > 0,
                stream=knobs["io_type"] > 0,
                clock_ns=self.clock_ns,
            )
            for at in range(len(self.network.layers))
        ]

    def _layer_costs(self, knobs: Mapping[str, Term]) -> list[LayerCosts]:
        """Return the costs of the layers in graph order, FIFOs behind them included."""
        costs: list[LayerCosts] = []
        for at, (layer, settings) in enumerate(zip(self.network.layers, self._settings(knobs), strict=True)):
            product = layer.family == PRODUCT
            cost = product_costs(layer, settings, self.constants) if product else unweighted_costs(layer, settings)
            if at in self.network.read:
                fifos = fifo_costs(layer, settings)
                cost = replace(cost, **{name: getattr(cost, name) + term for name, term in fifos.items()})
            costs.append(cost)
        return costs

    def _metrics(self, cycles: Term, interval: Term, used: Mapping[str, Term]) -> dict[str, Term]:
        """Return the terms of `METRICS`."""
        shares = {f"{name}_utilization": used[name] / self._budget[name] for name in LIMITED}
        return {
            "latency_s": cycles * self.clock_ns * 1e-9,
            "cycles": cycles,
            "initiation_interval": interval,
            **used,
            **shares,
            "device_share": reduce(maximum, list(shares.values())),
        }

    def _limits(
        self, knobs: Mapping[str, Term], costs: Sequence[LayerCosts], used: Mapping[str, Term]
    ) -> list[tuple[str, Term, Term]]:
        """List what a design must stay within: a name, what it has, and what it may have."""
        products = [
            (layer.name, settings.reuse, cost)
            for layer, settings, cost in zip(self.network.layers, self._settings(knobs), costs, strict=True)
            if isinstance(cost, ProductCosts)
        ]
        return [
            *((f"multiplications side by side in {name}", p.unrolled, MOST_UNROLLED) for name, _, p in products),
            *((f"reuse factor of {name} in arrays", reuse, p.reuse_limit) for name, reuse, p in products),
            *((name, used[name], self._budget[name]) for name in LIMITED),
        ]


def _excess(value: Term, limit: Term) -> Term:
    """Return `relative_excess` of terms; none beyond a limit without end."""
    if not isinstance(limit, Formula) and math.isinf(limit):
        return 0.0
    return select(value <= limit, 0.0, value / limit - 1.0)


def _clock(clock_ns: float) -> float:
    low, high = CLOCKS_NS
    number = isinstance(clock_ns, int | float) and not isinstance(clock_ns, bool)
    if not number or not low <= clock_ns <= high:
        near = f"; nearest is {min(max(clock_ns, low), high):g}" if number and clock_ns == clock_ns else ""
        raise ChipgymError(f"clock_ns: {shorten(clock_ns)} is not a number from {low:g} to {high:g}{near}")
    return float(clock_ns)
