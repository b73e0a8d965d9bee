"""A reconfigurable dataflow machine bound to a network."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from ...datasets import Network, Workload, load_workload
from ...datasets.network.zoo.llama import DECODERS
from ...errors import ChipgymError, count, shorten, unknown
from ..core import (
    Bottleneck,
    Breakdown,
    Column,
    Columns,
    Design,
    Designs,
    Limit,
    MetricSpec,
    Roofline,
    Simulator,
    Value,
)
from .bottlenecks import dataflow_bottlenecks, dataflow_limits
from .breakdown import kernel_breakdown, layer_breakdown, section_breakdown, section_starts
from .cost import metric_columns, prices_of
from .limits import broken_limits
from .lowering.passes import Part, Pass, decoder_passes, network_passes
from .metrics import METRICS
from .model.program import Fixed
from .roofline import dataflow_roofline
from .run import make_run
from .space import EXPLORE, Scale, dataflow_space
from .tables.chip import chip_names, load_chip
from .tables.constants import load_calibration

FIDELITIES = ("fast", "event")
#: Equal blocks of a network in a row: mapped as one that repeats, or each for itself and across their borders.
BLOCKS = ("folded", "apart")
#: Bytes of an element: BF16, in which the chips were measured.
WORD = 2.0
#: Tokens read, and written, where a decoder is not told.
TOKENS = (1024, 128)
#: Where weights are kept in the mapping that a search starts from: the first of these with which it can be built.
START_RESIDENCIES = ("resident", "prefetch", "section", "streamed")


class DataflowSimulator(Simulator):
    """Time, traffic, energy and area of a network on reconfigurable dataflow units.

    Args:
        workload: a decoder by name ("llama-3-8b"), which reads a prompt and writes tokens, or any other network, which
            runs forward once.
        input_tokens, output_tokens: of every sequence, for decoders alone; 1024 and 128 where None.
        batch: sequences, or samples, that run together; the network's own where None.
        chip: "sn40l", "sn10" or "plasticine".
        sockets: chips that work together.
        fidelity: "fast" (closed form) or "event" (tile by tile through bounded FIFOs).
        blocks: of a network that is no decoder, "folded" finds equal blocks in a row, such as the layers of a
            transformer, and maps them once: a block repeats, and sections end where it does. "apart" maps the network
            as one graph, in which sections may span blocks and no two need be alike.
        expert_imbalance: of a network with routed experts, tokens of the busiest expert over the mean: from 1, all
            alike, to the number of experts over those that a token goes to, where all tokens choose the same.
        explore: what a search may change: "mapping", "hardware" or "joint". Knobs that it may not have a grid of one
            value, and can be set all the same.

    Raises:
        ChipgymError: for an unknown workload, chip, fidelity or way to explore, and numbers that are no positive whole
            ones, more tokens than a decoder was trained for, or an imbalance that experts cannot have.
    """

    name = "dataflow"
    version = "3"
    metrics: tuple[MetricSpec, ...] = METRICS  # type: ignore[misc]
    default_objective = "latency"
    objectives: ClassVar[Mapping[str, str | tuple[str, ...]]] = MappingProxyType({
        "latency": "latency_s", "energy": "energy_j", "ttft": "ttft_s", "tpot": "tpot_s",
        "latency_area": "latency_s * area_mm2", "latency_energy": ("latency_s", "energy_j"),
        "ppa": ("latency_s", "energy_j", "area_mm2"),
    })  # fmt: skip
    option_values: ClassVar[Mapping[str, Any]] = MappingProxyType({
        "input_tokens": "a whole number from 1, of a decoder", "output_tokens": "a whole number from 1, of a decoder",
        "batch": "a whole number from 1", "chip": chip_names(), "sockets": "a whole number from 1",
        "fidelity": FIDELITIES, "blocks": BLOCKS, "explore": EXPLORE,
        "expert_imbalance": "from 1 to experts over active ones",
    })  # fmt: skip
    made_of: ClassVar[Mapping[str, Mapping[str, float]]] = MappingProxyType({
        "power_w": {"energy_j": 1.0, "latency_s": -1.0}, "tokens_per_s": {"latency_s": -1.0},
        "samples_per_s": {"latency_s": -1.0}, "utilization": {"latency_s": -1.0},
    })  # fmt: skip
    chunk = 8192

    def __init__(
        self,
        workload: str | os.PathLike[str] | Workload = "llama-3-8b",
        *,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        batch: int | None = None,
        chip: str = "sn40l",
        sockets: int = 8,
        fidelity: str = "fast",
        blocks: str = "folded",
        expert_imbalance: float | None = None,
        explore: str = "mapping",
    ) -> None:
        if fidelity not in FIDELITIES:
            raise unknown("fidelity", fidelity, FIDELITIES)
        if blocks not in BLOCKS:
            raise unknown("blocks", blocks, BLOCKS)
        self.chip = load_chip(chip)
        self.workload = load_workload(workload, batch=batch)
        if not isinstance(self.workload, Network):
            raise ChipgymError(f"workload: the dataflow simulator runs networks, not {shorten(self.workload)}")
        self.options = {
            "input_tokens": input_tokens, "output_tokens": output_tokens, "batch": batch, "chip": chip,
            "sockets": count("sockets", sockets), "fidelity": fidelity, "blocks": blocks,
            "expert_imbalance": expert_imbalance, "explore": explore,
        }  # fmt: skip
        passes, tokens = _passes(self.workload, input_tokens, output_tokens, blocks == "folded")
        imbalance = _imbalance(expert_imbalance, *max(part.graph.experts for part in passes[0].parts if part.searched))
        calibration = load_calibration()
        fixed = Fixed(
            WORD, calibration.compute_efficiency, calibration.sequence_us * 1e-6, fidelity == "event", imbalance
        )
        self.run = make_run(self.chip, passes, tokens, prices_of(self.chip), fixed, sockets, self.workload.batch)
        weights = sum(part.repeats * part.graph.weight_bytes for part in passes[0].parts)
        scale = Scale(sockets, self.run.batch, self.run.stages, weights)
        self.space = dataflow_space(self.chip, self.blocks, scale, explore)
        self.space = dataflow_space(self.chip, self.blocks, scale, explore, self._first_mapping())

    @property
    def blocks(self) -> tuple[Part, ...]:
        """The parts that knobs for cuts and shares are of."""
        return self.run.blocks

    def _first_mapping(self) -> dict[str, Value]:
        """Return the mapping that a person would start from: the most fused, weights as near, that can be built."""
        tries: list[dict[str, Value]] = [
            {"fusion": fusion, "weight_residency": residency}
            for fusion in ("full", "layer", "none")
            for residency in START_RESIDENCIES
            if residency in self.space["weight_residency"].values
        ]
        feasible = self.evaluate(tries)["feasible"]
        return tries[int(feasible.argmax())] if feasible.any() else {}

    def simulate(self, columns: Columns, n: int) -> tuple[Mapping[str, Column], Column]:
        """Run the compiled model on columns of n designs, and price what it answers."""
        answers = self.run.answers(columns, n)
        return metric_columns(self.run, answers), answers.violation

    def broken_limits(self, design: Designs) -> tuple[Limit, ...]:
        """Report the sockets, stages, microbatches, PCUs, PMUs, SRAM, HBM, DDR and FIFO depths that one design lacks.

        Of what sections have to themselves, that of the section which lacks the most.
        """
        columns, _ = self.space.columns(design)
        return broken_limits(self.run, {name: column[:1] for name, column in columns.items()})

    def bottlenecks(self, design: Designs) -> tuple[Bottleneck, ...]:
        """Tell what binds one design: what holds up the sections that take its time, and the limits that it breaks.

        Raises:
            ChipgymError: as `evaluate`, and for several designs.
        """
        columns = self.space.one_design(design, "bottlenecks")
        one = {name: column[0] for name, column in columns.items()}
        if broken := self.broken_limits(columns):
            return dataflow_limits(one, broken)
        total = self.evaluate_columns(columns, 1).row(0)
        return dataflow_bottlenecks(one, layer_breakdown(self.run, columns), section_starts(self.run, columns), total)

    def evaluate_layers(self, design: Design) -> Breakdown:
        """Return one design's time, section by section over the whole run; all steps of decoding together.

        The times add up to the run's, but for what pipeline stages hand over to one another. The kinds are the
        bottlenecks of `evaluate_sections`.

        Raises:
            ChipgymError: as `evaluate_sections`.
        """
        return layer_breakdown(self.run, self._one("evaluate_layers", design))

    def evaluate_sections(self, design: Design) -> Breakdown:
        """Return time and bottleneck of one design, section by section: a row for each one of each part of each pass.

        The kinds are the bottlenecks: "compute", "fill", "hbm", "ddr", "link", "noc", "setup" or "sync", whichever
        takes the most time. Times are of one run of a section.

        Raises:
            ChipgymError: as `evaluate`, for more than one design, and for one that cannot be built.
        """
        return section_breakdown(self.run, self._one("evaluate_sections", design))

    def evaluate_kernels(self, design: Design) -> Breakdown:
        """Return the PCUs, time and bottleneck of one design, kernel by kernel.

        The kinds are the bottlenecks: "compute", "pmu", "noc" or "link".

        Raises:
            ChipgymError: as `evaluate_sections`.
        """
        return kernel_breakdown(self.run, self._one("evaluate_kernels", design))

    def roofline(self, design: Design) -> Roofline:
        """Place the sections of one design, over the whole run, under the ceilings of its PCUs and off-chip memories.

        Raises:
            ChipgymError: as `evaluate_sections`.
        """
        columns = self._one("roofline", design)
        return dataflow_roofline(columns, layer_breakdown(self.run, columns), self.run.sockets)

    def _one(self, asker: str, design: Design) -> Columns:
        """Return the columns of one design that can be built."""
        columns = self.space.one_design(design, asker)
        if broken := self.broken_limits(design):
            raise ChipgymError(f"{asker}: the design cannot be built: {'; '.join(map(str, broken))}")
        return columns


def _passes(
    network: Network, read: int | None, written: int | None, folded: bool
) -> tuple[tuple[Pass, ...], tuple[int, int]]:
    """Return the passes of a run, and the tokens that every sequence reads and writes (0 where none are written)."""
    config = DECODERS.get(network.name)
    if config is None:
        for name, given in (("input_tokens", read), ("output_tokens", written)):
            if given is not None:
                listed = ", ".join(DECODERS)
                raise ChipgymError(f"{name}: {given} was given, but {network.name!r} is not one of {listed}")
        return network_passes(network, WORD, folded), (0, 0)
    tokens = (
        count("input_tokens", TOKENS[0] if read is None else read),
        count("output_tokens", TOKENS[1] if written is None else written),
    )
    if tokens[0] >= config.positions:
        raise ChipgymError(
            f"input_tokens: {config.name} has {config.positions} positions, {tokens[0]} are read and {tokens[1]} "
            f"written; at most {config.positions - 1} can be read"
        )
    if sum(tokens) > config.positions:
        raise ChipgymError(
            f"output_tokens: {config.name} has {config.positions} positions, {tokens[0]} are read and {tokens[1]} "
            f"written; at most {config.positions - tokens[0]} can be"
        )
    return decoder_passes(config, *tokens, WORD), tokens


def _imbalance(given: object, experts: int, active: int) -> float:
    """Return the busiest expert's tokens over the mean, 1 where not given."""
    if given is None:
        return 1.0
    if not experts:
        raise ChipgymError(f"expert_imbalance: {shorten(given)} was given, but the network has no experts")
    most = experts / active
    wrong = f"expert_imbalance: {shorten(given)} is not a number from 1 to {most:g}"
    if isinstance(given, bool) or not isinstance(given, int | float | np.floating | np.integer):
        raise ChipgymError(wrong)
    if not 1 <= given <= most:
        near = f"; nearest is {1 if given < 1 else most:g}" if math.isfinite(given) else ""
        raise ChipgymError(wrong + near)
    return float(given)
