"""Synthesis tools: what their operators take, and the constants of how they schedule; see tools.json for values."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import resources
from types import MappingProxyType
from typing import Any

from ....errors import unknown


@dataclass(frozen=True, slots=True)
class Operators:
    """Latencies in cycles at 250 MHz, and DSP slices, of the tool's operators on an UltraScale+ part.

    Attributes:
        cycles: by operation, double ("dadd", …) and single precision ("fadd", …) and whole numbers ("iadd", …);
            `operations.operation_cycles` has those that another one's operator does.
        dsp: slices of one operator, by name in `resources.OPERATORS`.
    """

    cycles: Mapping[str, float]
    dsp: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Observed:
    """How Merlin and the tool behave, read off reference rows; cycles unless said. Rules: docs/hls.md.

    Attributes:
        start: of a run of the kernel, beside transfers.
        row: each row of an array too large to be held on chip.
        held_bytes: the largest array that is held on chip whole, in bytes.
        overlap: how far transfers of different arrays overlap, 0 (one after the other) to 1.
        ports: loads of one array in a cycle that banks do not multiply.
        bound_by_port: whether unrolled loads of an array that is not held wait for its 512-bit port, and thousands of
            loads of one that is for its banks.
        indirect: cycles of an indirect load in an unrolled body.
        off_chip, off_chip_copy: of an innermost iteration whose caching a coarse copy destroyed, and more per copy.
        off_chip_neighbour: of an innermost iteration where copies share rows of an array with their neighbours.
        burst_words: 64-bit words a cycle of its rows, where they and the copies are aligned; else 1.
        wide_cg: whether `cg` around it makes such bursts 512 bits wide.
        in_place: per word of a row, for an array too large to be held that is updated element by element.
        reload: per word of an array read by column that every tile loads again.
        reload_halo: per element that the next iteration of an inner loop reads again, which every tile loads.
        reload_by_copy: whether copies share that load.
        trees: whether reductions without a name become trees.
        splits_sums: whether an accumulating loop may be copied where its inner loop's pragma names the array.
        flattens_declared, flattens_plain: whether a perfect nest whose inner loop declares a reduction, or does not, is
            one pipeline.
        flattens_inlined: whether a reduction that is unrolled inside counts as declared.
        ragged, ragged_guarded, ragged_line: per iteration of a loop along rows whose trip the unroll factor does not
            divide, without and with a guard, and along an array that several counters index.
        rest: of a run of such a loop that adds to a row, without a guard, and one more per copy; 0 where it costs as
            any other.
        ragged_keeps_copies: whether coarse copies around such a loop still run side by side.
        odd: per iteration of a loop along rows whose unroll factor is odd, so that a port of several words does not
            fill its banks at once.
        clash, clash_copy: initiation interval where another loop unrolls the same dimension fully, and more per copy.
        clash_rest: initiation interval along rows of a matrix that another loop reads whole, with a factor that does
            not divide the trip.
        ii_serial_copies: as `Fitted.ii_serial`, of a loop with coarse copies around it.
        lutram_bits, lutram_bits_read: the largest bank, in bits, that is made of look-up tables rather than block RAM,
            of an array that the kernel writes and of one that it only reads.
        banks_rows: whether a row of an array that is not held takes a block RAM for each word that is reached at once.
        buffers_rest: whether an array has a second buffer for the rest that an unroll factor leaves.
        registers: elements of a vector, over its copies, that are put into registers at most.
        registers_tiled: whether they are also where a loop around is tiled.
        binary_banks: whether an array that a loop only reads across its rows is split by a power of two.
    """

    start: float
    row: float
    held_bytes: float
    overlap: float
    ports: float
    bound_by_port: bool
    indirect: float
    off_chip: float
    off_chip_copy: float
    off_chip_neighbour: float
    burst_words: float
    wide_cg: bool
    in_place: float
    reload: float
    reload_halo: float
    reload_by_copy: bool
    trees: bool
    splits_sums: bool
    flattens_declared: bool
    flattens_plain: bool
    flattens_inlined: bool
    ragged: float
    ragged_guarded: float
    ragged_line: float
    rest: float
    ragged_keeps_copies: bool
    odd: float
    clash: float
    clash_copy: float
    clash_rest: float
    ii_serial_copies: float
    lutram_bits: float
    lutram_bits_read: float
    banks_rows: bool
    buffers_rest: bool
    registers: float
    registers_tiled: bool
    binary_banks: bool


@dataclass(frozen=True, slots=True)
class Fitted:
    """What `calibrate` fits to reference rows; cycles.

    Attributes:
        access: loads and stores of a body, besides its operators.
        pipeline: filling and leaving a pipelined loop.
        iteration: an iteration of a loop that is not pipelined.
        forward: from a store to the load that takes it, around a recurrence.
        tree: a level of a reduction tree.
        ii_sum, ii_sum_unrolled: initiation interval of a named scalar sum.
        ii_element, ii_element_unrolled: of a named sum in an array's element.
        ii_outer: of a sum over a loop that holds unrolled loops.
        ii_serial: of each addend of a sum that no tree is made of.
        ii_memory: of each addend that goes through memory.
        tile_top, tile_inner: a tile of an outermost and of another loop.
        tile_repeat: factor on the transfer of what is the same in every tile.
        tile_pipelined: factor on both in a pipelined loop.
        uneven: slow-down per copy of a coarse loop whose trip the copies do not divide.
    """

    access: float
    pipeline: float
    iteration: float
    forward: float
    tree: float
    ii_sum: float
    ii_sum_unrolled: float
    ii_element: float
    ii_element_unrolled: float
    ii_outer: float
    ii_serial: float
    ii_memory: float
    tile_top: float
    tile_inner: float
    tile_repeat: float
    tile_pipelined: float
    uneven: float


@dataclass(frozen=True, slots=True)
class Tool:
    """A synthesis tool with Merlin in front.

    Attributes:
        name: as the option names it.
        operators, observed, fitted: constants of the schedule.
        prices: what each quantity of `resources.quantities` costs, by resource and name, fitted by `calibrate`.
    """

    name: str
    operators: Operators
    observed: Observed
    fitted: Fitted
    prices: Mapping[str, Mapping[str, float]]

    def identity(self) -> dict[str, Any]:
        """Return the constants as JSON-able data."""
        data: dict[str, Any] = {
            "operators": {f.name: dict(getattr(self.operators, f.name)) for f in fields(self.operators)},
            "observed": {f.name: getattr(self.observed, f.name) for f in fields(self.observed)},
            "fitted": {f.name: getattr(self.fitted, f.name) for f in fields(self.fitted)},
        }
        return data | {"prices": {resource: dict(prices) for resource, prices in self.prices.items()}}


@functools.cache
def _table() -> Mapping[str, Any]:
    data: Mapping[str, Any] = json.loads((resources.files(__package__) / "tools.json").read_text(encoding="utf-8"))
    return data


def tool_names() -> tuple[str, ...]:
    """List the tools that `load_tool` knows."""
    return tuple(_table()["tools"])


@functools.cache
def load_tool(name: str) -> Tool:
    """Load the tool called `name`.

    Raises:
        ChipgymError: naming the nearest where there is none.
    """
    if not isinstance(name, str) or name not in _table()["tools"]:
        raise unknown("tool", name, _table()["tools"])
    data = _table()["tools"][name]
    operators = {name: MappingProxyType(values) for name, values in data["operators"].items()}
    return Tool(
        name, Operators(**operators), Observed(**data["observed"]), Fitted(**data["fitted"]),
        MappingProxyType({resource: MappingProxyType(prices) for resource, prices in data["prices"].items()}),
    )  # fmt: skip
