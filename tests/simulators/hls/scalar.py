"""The schedule once more, for one design, with plain numbers and ifs: slow, and meant to be read beside docs/hls.md."""

from __future__ import annotations

import math
from dataclasses import dataclass

from chipgym.simulators.hls.lowering.loops import CHAIN, FREE, MEMORY_SUM, SERIAL_SUM, TREE, Node, port_bits
from chipgym.simulators.hls.lowering.nest import Nest
from chipgym.simulators.hls.model.operations import body_latency, chain_latency
from chipgym.simulators.hls.tables.tools import Tool


@dataclass
class Run:
    """A loop under one design: its cycles, the depth of an iteration, and the pipeline that it is, if one."""

    cycles: float
    depth: float
    pipeline: tuple[float, float, float] | None = None  # iterations, interval, depth


class Scalar:
    """Cycles of one design."""

    def __init__(self, nest: Nest, design: dict[str, object], tool: Tool):
        self.nest, self.design, self.tool = nest, design, tool
        self.seen, self.fit = tool.observed, tool.fitted
        self.extra = 0.0

    def knob(self, kind: str, x: Node) -> object:
        return self.design.get(f"{kind}_{x.loop.label}", {"para": 1, "pipe": "off", "tile": 1}[kind])

    def cycles(self) -> float:
        inside = sum(self.run(self.nest.nodes[c]).cycles for c in self.nest.root.children)
        return inside + body_latency(self.nest.root, self.tool) + self.seen.start + self.moved() + self.extra

    # --- what the pragmas make of a loop --------------------------------------------------------------------------

    def varies(self, x: Node) -> bool:
        return any(not d.loop.fixed for d in self.nest.below[x.at])

    def around(self, x: Node) -> list[Node]:
        return [self.nest.nodes[p] for p in x.path]

    def full(self, x: Node) -> bool:
        flattened = any(self.knob("pipe", p) == "flatten" and not self.varies(p) for p in self.around(x) if p.at)
        whole = flattened or self.knob("para", x) >= x.loop.trip
        return x.loop.fixed and whole and self.innermost(x)

    def innermost(self, x: Node) -> bool:
        return all(self.full(self.nest.nodes[c]) for c in x.children)

    def factor(self, x: Node) -> float:
        return float(x.loop.trip) if x.at and self.full(x) else min(float(self.knob("para", x)), max(1.0, x.loop.trip))

    def ragged(self, x: Node) -> bool:
        return self.factor(x) > 1 and x.loop.trip % self.factor(x) != 0

    def tiled(self, x: Node) -> bool:
        return 1 < self.knob("tile", x) < x.loop.trip

    def split_above(self, x: Node, free: bool = False) -> bool:
        split = [p for p in self.around(x) if p.at and 1 < self.factor(p) < p.loop.trip and not self.innermost(p)]
        return any(not (free and p.ordered) for p in split)

    def copied_above(self, x: Node) -> bool:
        return self.split_above(x, free=True)

    def held(self, x: Node) -> bool:
        ordered = x.ordered
        if self.seen.splits_sums and x.bare and x.sums and x.recurrence in (TREE, SERIAL_SUM):
            through = {c.through for c in x.loop.carried}
            ordered = not any(self.nest.nodes[c].loop.reduction in through for c in x.children)
        return ordered or any(p.ordered for p in self.around(x))

    def simple(self, x: Node) -> bool:
        return x.parent == 0 and not any(self.nest.nodes[c].children for c in x.children)

    def copies(self, x: Node) -> float:
        u = self.factor(x)
        if self.innermost(x) or u <= 1:
            return u
        if self.held(x) or self.nest.linear or (u >= x.loop.trip and not self.simple(x)):
            return 1.0
        if u * self.nest.copied_bytes[x.at] > self.seen.held_bytes:
            return 1.0
        if x.sums and self.seen.reload_by_copy and 1 < self.knob("tile", x) < u:
            return 1.0
        if x.sums and not self.seen.ragged_keeps_copies:
            for d in self.nest.below[x.at]:
                leaf = d.recurrence == FREE and not d.children and self.nest.along_row(d)
                if leaf and self.nest.accumulates_around(d) and not self.full(d) and self.ragged(d):
                    return 1.0
        return u

    # --- one loop ---------------------------------------------------------------------------------------------------

    def tree(self, x: Node) -> bool:
        declared = x.recurrence == TREE or (x.recurrence == SERIAL_SUM and self.seen.trees and not x.children)
        return declared or (x.recurrence == SERIAL_SUM and self.whole(x))

    def whole(self, x: Node) -> bool:
        """Whether all that the loop sums up or compares are integers, one operation each."""
        return all(chain in (("iadd",), ("logic",), ("addr_iadd",)) for chain in x.chains)

    def step(self, x: Node) -> float:
        """Cycles of one addition of the loop's slowest sum."""
        took = dict(self.tool.operators.cycles)
        took |= {"dsqrt": took["ddiv"], "dpow": took["dmul"], "dneg": 0, "fsqrt": took["fdiv"], "fpow": took["fmul"]}
        took |= {"fneg": 0, "logic": took["iadd"] / 2, "idiv": x.bits + 3, "addr_iadd": took["iadd"]}
        return max(sum(took[name] for name in chain) for chain in x.chains)

    def typed(self, cycles: float, x: Node, *, memory: bool = False) -> float:
        """An interval of a sum of doubles, as that of the loop's type."""
        if self.whole(x) and not memory:
            return 1.0
        double = self.tool.operators.cycles["dadd"]
        return cycles if self.step(x) == double else max(1.0, cycles * self.step(x) / double)

    def level(self, x: Node) -> float:
        """Cycles of a level of the loop's tree."""
        return self.fit.tree * self.step(x) / self.tool.operators.cycles["dadd"]

    def straight(self, x: Node, depth: float) -> float:
        if self.tree(x) and (self.seen.trees or self.whole(x) or self.knob("para", x) >= x.loop.trip):
            return depth + math.log2(x.loop.trip) * self.level(x)
        if x.recurrence in (TREE, SERIAL_SUM, MEMORY_SUM):
            return depth + (x.loop.trip - 1) * self.step(x)
        if x.recurrence == CHAIN:
            return depth + (x.loop.trip - 1) * chain_latency(x, self.tool)
        return depth

    def interval(self, x: Node) -> tuple[float, float, float]:
        """Cycles between iterations of the unrolled loop, between those of the loop itself, and of the rest."""
        u, ii, serial, rest = self.factor(x), 1.0, 0.0, 0.0
        counts = [sum(a.array == b.array for b in x.loop.loads) for a in x.loop.loads]
        ii = max([ii, *(math.ceil(c / self.seen.ports) for c in counts)])
        if self.tree(x):
            alone, many = self.fit.ii_sum, self.fit.ii_sum_unrolled
            if x.array_sum:
                alone, many = self.fit.ii_element, self.fit.ii_element_unrolled
            if x.children:
                alone = many = self.fit.ii_outer
            ii = max(ii, self.typed(many if u > 1 else alone, x))
        elif x.recurrence == SERIAL_SUM and any(not p.loop.fixed for p in self.around(x)):
            serial = self.typed(self.fit.ii_memory, x, memory=True) if u > 1 else self.typed(self.fit.ii_element, x)
        elif x.recurrence == SERIAL_SUM:
            beside = self.copied_above(x) and not self.ragged(x)
            if x.children:
                whole = all(self.knob("para", c) >= c.loop.trip and c.loop.fixed for c in self.below(x))
                beside = whole and u <= 1 and (beside or self.knob("pipe", x) == "cg")
            serial = self.typed(self.seen.ii_serial_copies if beside else self.fit.ii_serial, x)
        elif x.recurrence == MEMORY_SUM:
            serial = self.typed(self.fit.ii_memory, x, memory=True)
        elif x.recurrence == CHAIN:
            serial = chain_latency(x, self.tool) + self.fit.forward
        elif self.nest.along_row(x) and self.ragged(x):
            if x.loop.guard:
                serial = self.seen.ragged_guarded
            elif self.seen.rest and self.nest.accumulates_around(x):
                rest = self.seen.rest + u
            else:
                serial = self.seen.ragged
        elif self.nest.along_line(x) and not self.nest.along_row(x) and self.ragged(x):
            serial = self.seen.ragged_line
        stuck = any(p.at and self.knob("pipe", p) == "flatten" and self.varies(p) for p in self.around(x))
        if x.sums and stuck:
            serial = self.typed(self.fit.ii_memory, x, memory=True)
        for bits, held, indirect, loops in self.nest.region_loads[x.at]:
            loads = 1.0
            for at in loops:
                y = self.nest.nodes[at]
                loads *= self.factor(y) if at == x.at or self.full(y) else 1.0
            if indirect:
                ii = max(ii, loads * self.seen.indirect)
            elif self.seen.bound_by_port and held > self.seen.held_bytes:
                ii = max(ii, loads * bits / 512)
            elif self.seen.bound_by_port and self.knob("pipe", x) == "off" and loads > 2048:
                ii = max(ii, loads / 64)
        for at, accesses in self.nest.contended[x.at]:
            if self.full(self.nest.nodes[at]):
                ii = max(ii, math.ceil(accesses / 2))
        if u < x.loop.trip and any(self.full(self.nest.nodes[y]) for y in self.nest.mismatched[x.at]):
            ii = max(ii, self.seen.clash + self.seen.clash_copy * u)
        if self.ragged(x) and any(self.full(self.nest.nodes[y]) for y in self.nest.beside[x.at]):
            ii = max(ii, self.seen.clash_rest)
        return max(ii, serial * u), serial, rest

    def below(self, x: Node) -> list[Node]:
        return [self.nest.nodes[c] for c in x.children]

    def run(self, x: Node) -> Run:
        trip, u = x.loop.trip, self.factor(x)
        inner = [(self.nest.nodes[c], self.run(self.nest.nodes[c])) for c in x.children]
        depth = body_latency(x, self.tool) + sum(self.straight(y, r.depth) for y, r in inner if self.full(y))
        self.extra += self.off_chip(x)
        if self.full(x):
            return Run(self.straight(x, depth) if x.parent == 0 else 0.0, depth)
        ii, serial, rest = self.interval(x)
        pipeline = None
        if self.innermost(x) and x.loop.fixed and (not x.children or "para" in x.loop.knobs):
            through = depth + (math.log2(u) * self.level(x) if self.tree(x) else 0.0)
            starts = math.ceil(trip / u)
            cycles = max(ii * (starts - 1), serial * (trip - 1)) + through + self.fit.pipeline + rest
            if u > 1 and u % 2 == 1 and self.nest.streams_row(x):
                cycles += self.seen.odd * trip
            pipeline = (starts, ii, through)
        else:
            copies = self.copies(x)
            slower = max(1.0, self.fit.uneven * copies) if copies > 1 and trip % copies else 1.0
            once = sum(r.cycles for y, r in inner if not self.full(y)) + depth + self.fit.iteration
            cycles = math.ceil(trip / copies) * once * slower
            child = inner[0][1].pipeline if self.flattens(x) and copies <= 1 else None
            if child:
                drained = child[2] + self.fit.pipeline
                cycles = trip * child[0] * child[1] + drained
                if self.nest.linear and 1 < u < trip:
                    cycles += (math.ceil(trip / u) - 1) * drained
                else:
                    pipeline = (trip * child[0], child[1], child[2])
        return Run(cycles + self.tiling(x), depth, pipeline)

    def flattens(self, x: Node) -> bool:
        """Whether the loop and the only one in it are one pipeline, if that one is a pipeline."""
        if not x.bare or x.recurrence == CHAIN or not x.loop.fixed or self.innermost(x):
            return False
        only = self.nest.nodes[x.children[0]]
        if self.tiled(only) or (self.copied_above(x) and not self.nest.linear):
            return False
        declared = bool(only.loop.reduction)
        if self.seen.flattens_inlined:
            declared = declared or any(d.loop.reduction for d in self.nest.below[only.at])
        return self.seen.flattens_declared if declared else self.seen.flattens_plain

    # --- memory -----------------------------------------------------------------------------------------------------

    def large(self, array) -> bool:
        return array.size * array.bits / 8 > self.seen.held_bytes

    def moved(self) -> float:
        loads, stores, rows = [0.0], [0.0], 0.0
        for array in self.nest.arguments():
            cycles = array.size * array.bits / port_bits(array, self.nest)
            rows += array.shape[0] * self.seen.row if self.large(array) else 0.0
            if array.role in ("in", "inout") or self.nest.read_back(array):
                loads.append(cycles)
            if array.role in ("out", "inout"):
                stores.append(cycles)
        together = self.seen.overlap
        total = rows + sum(together * max(g) + (1 - together) * sum(g) for g in (loads, stores))
        for x in self.nest.nodes[1:]:
            if not x.children and self.factor(x) <= 1:
                for name in {a.array for a in x.loop.stores} & {a.array for a in x.loop.loads}:
                    array = self.nest.kernel.array(name)
                    if array.role == "inout" and self.large(array):
                        total += x.runs * x.loop.trip * 2 * array.shape[-1] * self.seen.in_place
        return total

    def off_chip(self, x: Node) -> float:
        columns, u = self.nest.columns[x.at], self.factor(x)
        innermost = sum(d.runs * d.loop.trip for d in self.nest.below[x.at] if not d.children)
        if self.innermost(x) or not 1 < u < x.loop.trip:
            return 0.0
        if self.seen.off_chip_neighbour and not x.ordered and self.nest.reads_neighbours(x):
            return innermost * self.seen.off_chip_neighbour
        if not columns or self.held(x) or self.varies(x) or (self.nest.linear and self.copied_above(x)):
            return 0.0
        if self.simple(x):
            inner = [self.nest.nodes[c] for c in x.children]
            if any(self.large(a) for a, _ in columns) or u > 8:
                return 0.0
            if not any(self.factor(y) <= 1 or self.ragged(y) for y in inner):
                return 0.0
        array = columns[0][0]
        words = x.loop.trip * array.bits / 64
        parent = self.nest.nodes[x.parent]
        wide = x.parent > 0 and not self.nest.linear and self.seen.wide_cg and self.knob("pipe", parent) == "cg"
        if self.tiled(x) or wide:
            each = words / 8
        else:
            aligned = port_bits(array, self.nest) == 512 and math.log2(u) % 1 == 0
            each = words / (self.seen.burst_words if aligned else 1) + self.seen.off_chip_copy * u
        side_by_side = math.prod(self.copies(p) for p in self.around(x) if p.at)
        return innermost / side_by_side * (self.seen.off_chip + each)

    def tiling(self, x: Node) -> float:
        if not self.tiled(x) or self.split_above(x):
            return 0.0
        tile, u = float(self.knob("tile", x)), self.factor(x)
        each = self.fit.tile_top if x.parent == 0 else self.fit.tile_inner
        for array, size in self.nest.repeated[x.at]:
            each += self.fit.tile_repeat * size * array.bits / port_bits(array, self.nest)
        again = self.seen.reload * sum(size for array, size in self.nest.columns[x.at] if not self.large(array))
        if self.seen.reload_by_copy:
            again /= u
        elif u >= tile:
            again = 0.0
        elif self.nest.linear:
            again = again / 4 if tile * 64 >= 512 else again * 2
        if x.parent > 0:
            again += self.seen.reload_halo * self.nest.halo[x.at]
        if self.innermost(x):
            each *= self.fit.tile_pipelined
        elif u > 1 and self.held(x):
            each = each / u if u < tile else 0.0
        return math.ceil(x.loop.trip / tile) * (each + again)
