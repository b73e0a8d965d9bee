"""What the pragmas make of each loop: unrolled, pipelined, or run in copies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...fpga.formulas.terms import Term, Truth, equal, minimum, no, remainder, select
from ..lowering.loops import CHAIN, FREE, SERIAL_SUM, TREE, Node
from ..lowering.nest import Nest
from ..space import FLATTEN, OFF
from ..tables.tools import Tool


@dataclass(frozen=True)
class Unrolled:
    """The loops of a nest under a design: a term for each node, in the nest's order.

    Attributes:
        factor: iterations side by side; the whole trip of a loop that is gone.
        pipe: OFF, CG or FLATTEN.
        tile: iterations of a tile.
        full: unrolled fully, into the body of the loop around.
        whole: unrolled fully by its own factor, not by a `flatten` around it.
        innermost: nothing but unrolled loops inside.
        piped: pipelined: innermost, still a loop, of a trip that does not vary; Merlin pipelines a loop that held loops
            only where it may unroll it.
        stuck: under a `flatten` that a loop of varying trips defeats, so that loops inside are not pipelined.
        running: coarse copies that bring speed.
        built: copies of the hardware.
        split_above: some loop around has a factor that is not its whole trip.
        copied_above: and no dependence keeps its copies from running.
    """

    factor: list[Term]
    pipe: list[Term]
    tile: list[Term]
    full: list[Truth]
    whole: list[Truth]
    innermost: list[Truth]
    piped: list[Truth]
    stuck: list[Truth]
    running: list[Term]
    built: list[Term]
    split_above: list[Truth]
    copied_above: list[Truth]

    def tiled(self, node: Node) -> Truth:
        """Tell whether a loop is tiled: tiles of 1 and of the whole trip are none."""
        tile = self.tile[node.at]
        return (tile > 1) & (tile < node.loop.trip)

    def ragged(self, node: Node) -> Truth:
        """Tell whether the factor does not divide the trip."""
        factor = self.factor[node.at]
        return (factor > 1) & no(equal(remainder(node.loop.trip, factor), 0.0))

    def odd(self, node: Node) -> Truth:
        """Tell whether a loop is unrolled by an odd factor."""
        factor = self.factor[node.at]
        return (factor > 1) & equal(remainder(factor, 2.0), 1.0)

    def partial(self, node: Node) -> Truth:
        """Tell whether a loop that holds loops has a factor that is not its whole trip."""
        factor = self.factor[node.at]
        return (factor > 1) & (factor < node.loop.trip) & no(self.innermost[node.at])


def unroll(nest: Nest, knobs: Mapping[str, Term], tool: Tool) -> Unrolled:
    """Unroll the loops of `nest` under a design; knobs are terms, `pipe_` ones OFF, CG or FLATTEN."""
    blank: list[Truth] = [False] * len(nest.nodes)
    ones: list[Term] = [1.0] * len(nest.nodes)
    u = Unrolled(
        [minimum(knobs.get(f"para_{x.loop.label}", 1.0), max(1.0, float(x.loop.trip))) for x in nest.nodes],
        [knobs.get(f"pipe_{x.loop.label}", float(OFF)) for x in nest.nodes],
        [knobs.get(f"tile_{x.loop.label}", 1.0) for x in nest.nodes],
        [*blank], [*blank], [*blank], [*blank], [*blank], [*ones], [*ones], [*blank], [*blank],
    )  # fmt: skip
    under = [*blank]
    for x in nest.nodes[1:]:
        flat = equal(u.pipe[x.parent], FLATTEN)
        varies = nest.varies(x.parent)
        under[x.at] = under[x.parent] | (flat & (not varies))
        u.stuck[x.at] = u.stuck[x.parent] | (flat & varies)
    for x in reversed(nest.nodes):
        inner: Truth = True
        for c in x.children:
            inner = inner & u.full[c]
        u.innermost[x.at] = inner
        if x.loop.fixed and x.at:
            u.whole[x.at] = u.factor[x.at] >= x.loop.trip
            u.full[x.at] = (under[x.at] | u.whole[x.at]) & inner
            u.piped[x.at] = inner & no(u.full[x.at]) & may_pipeline(x)
            u.factor[x.at] = select(u.full[x.at], float(x.loop.trip), u.factor[x.at])
    for x in nest.nodes[1:]:
        p, around = x.parent, nest.nodes[x.parent]
        u.split_above[x.at] = u.split_above[p] | u.partial(around)
        u.copied_above[x.at] = u.copied_above[p] | (u.partial(around) & (not around.ordered))
    for x in nest.nodes[1:]:
        _copy(nest, x, u, tool)
    return u


def may_pipeline(x: Node) -> bool:
    """Tell whether Merlin pipelines the loop once all loops inside are unrolled."""
    return not x.children or "para" in x.loop.knobs


def held(nest: Nest, x: Node, tool: Tool) -> bool:
    """Tell whether a dependence of the loop, or of one around it, keeps Merlin from running it in copies."""
    ordered = x.ordered
    if tool.observed.splits_sums and x.bare and x.sums and x.recurrence in (TREE, SERIAL_SUM):
        through = {c.through for c in x.loop.carried}
        ordered = not any(nest.nodes[c].loop.reduction in through for c in x.children)
    return ordered or any(nest.nodes[p].ordered for p in x.path)


def two_level(nest: Nest, x: Node) -> bool:
    """Tell whether it is an outermost loop around innermost ones."""
    return x.parent == 0 and not any(nest.nodes[c].children for c in x.children)


def _copy(nest: Nest, x: Node, u: Unrolled, tool: Tool) -> None:
    """Fill `running` and `built` of a loop."""
    i, seen = x.at, tool.observed
    coarse = no(u.innermost[i]) & (u.factor[i] > 1)
    whole = u.factor[i] >= x.loop.trip
    simple = two_level(nest, x)
    dropped = coarse & (held(nest, x, tool) | nest.linear | (whole & (not simple)))
    if seen.reload_by_copy and x.sums:
        dropped = dropped | (coarse & (u.tile[i] > 1) & (u.tile[i] < u.factor[i]))
    dropped = dropped | (coarse & (u.factor[i] * nest.copied_bytes[i] > seen.held_bytes))
    if not seen.ragged_keeps_copies and x.sums:
        for d in nest.below[i]:
            if d.recurrence == FREE and not d.children and nest.along_row(d) and nest.accumulates_around(d):
                dropped = dropped | (coarse & no(u.full[d.at]) & u.ragged(d))
    u.running[i] = select(dropped, 1.0, u.factor[i])
    steps = [p for p in x.path if nest.nodes[p].ordered and len(nest.nodes[p].children) > 1]
    free = not x.ordered and all(d.recurrence != CHAIN for d in nest.below[i])
    if steps and free:  # phases of a time loop: the copies are built, although they bring no time
        dropped = coarse & (nest.linear | (whole & (not simple)))
    u.built[i] = select(dropped | (coarse & u.ragged(x) & (not simple)), 1.0, u.factor[i])


def copies_of(x: Node, u: Unrolled, tool: Tool) -> Term:
    """Count the copies of a loop's body, unrolled or side by side."""
    i = x.at
    return select(u.piped[i], pipeline_copies(x, u, tool), select(u.full[i], u.factor[i], u.built[i]))


def pipeline_copies(x: Node, u: Unrolled, tool: Tool) -> Term:
    """Count the copies of a pipeline's body; in SDx a tile no larger keeps those of an outermost loop of loops back."""
    i = x.at
    if not x.children or x.parent != 0 or tool.observed.reload_by_copy:
        return u.factor[i]
    return select(u.piped[i] & (u.tile[i] > 1) & (u.tile[i] <= u.factor[i]), 1.0, u.factor[i])
