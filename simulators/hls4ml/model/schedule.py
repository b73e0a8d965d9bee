"""From layers to the network: when each is done.

In arrays a layer begins when those before it are done. As one pipeline (strategy latency, no convolution) or as a
dataflow of layers, the stages along the longest path add up. In a stream layers overlap: each begins with the first
pixel that reaches it, and is done no sooner than its own pixels take, nor before the last pixel that it waits for has
gone through it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from ...fpga.formulas.terms import Term, Truth, maximum, minimum, no, select
from ..lowering.layers import Layer
from .settings import LayerCosts


def network_cycles(layers: Sequence[Layer], costs: Sequence[LayerCosts], stream: Truth) -> Term:
    """Count the cycles from the first input to the last output of a sample.

    Args:
        layers: in graph order.
        costs: of each layer, in the same order.
        stream: whether layers hand over pixels and not arrays.
    """
    done: list[Term] = []
    first: list[Term] = []  # when the first pixel of a result is there
    for layer, cost in zip(layers, costs, strict=True):
        ready = _latest([done[j] for j in layer.sources])
        begin = _latest([first[j] for j in layer.sources])
        streamed = maximum(ready + cost.drain, begin + cost.busy)
        done.append(select(stream, streamed, ready + cost.stages))
        first.append(done[-1] if layer.whole else minimum(begin + cost.fill, done[-1]))
    return _latest(done) - no(stream)  # of the last stage in arrays, the result is there as it begins


def _latest(times: Sequence[Term]) -> Term:
    return reduce(maximum, times) if times else 0.0
