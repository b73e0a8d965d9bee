"""Memories of a nest: banks, block RAMs, and vectors in registers."""

from __future__ import annotations

from collections.abc import Sequence

from ....datasets.kernel import Array
from ...fpga.formulas.block_ram import block_rams
from ...fpga.formulas.terms import Term, Truth, ceil, maximum, minimum, no, power_of_two, select
from ..lowering.loops import port_bits
from ..lowering.nest import Nest
from ..tables.tools import Tool
from .caching import WORD_BITS
from .unroll import Unrolled

#: What vectors in registers cost by: see `vectors`.
VECTORS = ("vector_fills", "vector_sets", "vector_stores", "vector_loads")
#: Steps times words of vectors beyond which the device is full of selectors, so that more tell nothing.
MOST_TURNS = 50_000.0


def memories(nest: Nest, u: Unrolled, copies: Sequence[Term], tool: Tool) -> tuple[Term, Term, Term]:
    """Count banks of all arrays, block RAMs of those that are held on chip, and banks of the rows of the others.

    Args:
        nest: the kernel's loops.
        u: the loops as a design unrolls them.
        copies: of each loop's body, by place.
        tool: the constants of the tool that builds it.
    """
    banks: Term = 0.0
    buffers: Term = 0.0
    row_banks: Term = 0.0
    for array in nest.kernel.arrays:
        if array.role == "unused":
            continue
        split, depth = _split(nest, array, copies, tool)
        banks = banks + split
        if array.nbytes > tool.observed.held_bytes:
            whole = _whole_rows(nest, array, u) if tool.observed.banks_rows else 0.0
            buffers = buffers + whole * split * block_rams(array.bits, 1.0)
            row_banks = row_banks + select(whole > 0, 0.0, split)
            continue
        most = tool.observed.lutram_bits_read if array.role == "in" else tool.observed.lutram_bits
        each = select(depth * array.bits <= most, 0.0, block_rams(array.bits, depth))
        buffers = buffers + each * split * _rest(nest, array, u, tool)
    return banks, buffers, row_banks


def _whole_rows(nest: Nest, array: Array, u: Unrolled) -> Term:
    """Count accesses that reach all words of an array's row at once."""
    whole: Term = 0.0
    for _, access, _ in nest.accesses():
        index = access.affine[-1] if access.array == array.name else None
        for label in index.counters if index is not None else ():
            at = nest.place[label]
            whole = whole + select(u.full[at] & (nest.nodes[at].loop.trip >= array.shape[-1]), 1.0, 0.0)
    return whole


def _rest(nest: Nest, array: Array, u: Unrolled, tool: Tool) -> Term:
    """Count buffers of an array: two where the factor of an ordered loop that updates it leaves a rest, else one."""
    ragged: Truth = False
    for x in nest.nodes[1:] if tool.observed.buffers_rest else ():
        moving = [
            any(a.array == array.name and x.loop.label in a.strides(array.shape) for a in accesses)
            for accesses in (x.loop.loads, x.loop.stores)
        ]
        if all(moving) and any(nest.nodes[p].ordered for p in (*x.path, x.at)):
            ragged = ragged | (u.ragged(x) & u.piped[x.at])
    return select(ragged, 2.0, 1.0)


def _split(nest: Nest, array: Array, copies: Sequence[Term], tool: Tool) -> tuple[Term, Term]:
    """Count the banks that an array is split into, and the words of one."""
    split: Term = 1.0
    depth: Term = 1.0
    last = len(array.shape) - 1
    for dimension, size in enumerate(array.shape):
        most: Term = 1.0
        for x, access, store in nest.accesses():
            index = access.affine[dimension] if access.array == array.name else None
            if index is None:
                continue
            abreast: Term = 1.0
            for label in index.counters:
                abreast = abreast * copies[nest.place[label]]
            read_only = not store and all(s.array != array.name for s in x.loop.stores)
            if tool.observed.binary_banks and dimension < last and read_only and x.loop.label in index.counters:
                abreast = power_of_two(abreast)
            most = maximum(most, minimum(abreast, size))
        if dimension == last and array.role != "local":  # a burst fills as many words at once as the port is wide
            most = maximum(most, min(size, port_bits(array, nest) / array.bits))
        split, depth = split * most, depth * ceil(size / most)
    return split, depth


def vectors(nest: Nest, u: Unrolled, copies: Sequence[Term], tool: Tool) -> dict[str, Term]:
    """Count what it takes to reach the elements of one-dimensional arrays that an unrolled loop puts into registers.

    A burst, or a loop that walks through such a vector, may turn to any of its elements at every step: the selectors
    grow with the square of its length (of y of atax, 124 doubles: 0.6 million look-up tables; of 410: 6.4 million).

    Args:
        nest: the kernel's loops.
        u: the loops as a design unrolls them.
        copies: of each loop's body, by place.
        tool: the constants of the tool that builds it.

    Returns:
        Terms of 64-bit words times steps, by `VECTORS`: the bursts that fill vectors; loops that set them, that
        store what they compute from loads, and that load them.
    """
    most = tool.observed.registers
    out: dict[str, Term] = dict.fromkeys(VECTORS, 0.0)
    for array in nest.kernel.arrays:
        if len(array.shape) != 1 or array.size > most or array.role == "unused":
            continue
        walks = [
            (x, nest.place[next(iter(access.affine[0].counters))], store) for x, access, store in nest.accesses()
            if access.array == array.name and access.affine[0] is not None and len(access.affine[0].counters) == 1
        ]  # fmt: skip
        spread: Truth = False
        for x, at, _ in (w for w in walks if w[0].loop.loads):  # a loop that only sets a vector does not spread it
            elements: Term = float(array.size)
            kept: Truth = False
            for p in x.path[1:]:
                elements = elements * select(u.full[p], 1.0, copies[p])
                kept = kept | (u.tiled(nest.nodes[p]) & (not tool.observed.registers_tiled))
            for y in nest.beside[x.at] if tool.observed.odd else ():  # banks that a row does not fill keep it in memory
                kept = kept | u.odd(nest.nodes[y])
            spread = spread | (u.full[at] & (elements <= most) & no(kept))
        size, words = float(array.size), array.size * array.bits / WORD_BITS
        if array.role in ("in", "inout") or nest.read_back(array):
            out["vector_fills"] = out["vector_fills"] + select(spread, words * size, 0.0)
        for x, at, store in walks:
            key = ("vector_stores" if x.loop.loads else "vector_sets") if store else "vector_loads"
            out[key] = out[key] + select(spread & no(u.full[at]), words * ceil(size / u.factor[at]), 0.0)
    return {name: minimum(column, MOST_TURNS) for name, column in out.items()}
