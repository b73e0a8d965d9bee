"""From layers to the network: when each is done.

In arrays a layer begins when those before it are done. As one pipeline (strategy latency, no convolution) or as a
dataflow of layers, the stages along the longest path add up. In a stream layers overlap: each begins with the first
pixel that reaches it, and is done no sooner than its own pixels take, nor before the last pixel that it waits for has
gone through it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .batch import Mask, Table
from .lowering import LoweredNetwork


def network_cycles(
    network: LoweredNetwork, stages: Table, busy: Table, fill: Table, drain: Table, stream: Mask
) -> Table:
    """Cycles from the first input to the last output of a sample, (n,), of layers' figures (n, layers).

    The figures are in the order of `network.columns`; `stream` is (n,): which designs hand over pixels and not arrays.
    """
    n, flows = len(stages), bool(stream.any())
    done: list[Table] = []
    first: list[Table] = []  # when the first pixel of a result is there
    for layer, at in zip(network.layers, network.columns, strict=True):
        ready = _latest([done[j] for j in layer.sources], n)
        in_arrays = ready + stages[:, at]
        if not flows:
            done.append(in_arrays)
            continue
        begin = _latest([first[j] for j in layer.sources], n)
        done.append(np.where(stream, np.maximum(ready + drain[:, at], begin + busy[:, at]), in_arrays))
        first.append(done[-1] if layer.whole else np.minimum(begin + fill[:, at], done[-1]))
    return _latest(done, n) - ~stream  # of the last stage in arrays, the result is there as it begins


def _latest(times: Sequence[Table], n: int) -> Table:
    if len(times) == 1:
        return times[0]
    latest: Table = np.maximum.reduce(times) if times else np.zeros(n)
    return latest
