"""From layers to the network: when each is done.

In arrays a layer begins when those before it are done. As one pipeline (strategy latency, no convolution) or as a
dataflow of layers, the stages along the longest path add up. In a stream layers overlap: each begins with the first
pixel that reaches it, and is done no sooner than its own pixels take, nor before the last pixel that it waits for has
gone through it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .lowering import LoweredNetwork
from .products import Mask, Table


def network_cycles(
    network: LoweredNetwork, stages: Table, busy: Table, fill: Table, drain: Table, stream: Mask
) -> Table:
    """Cycles from the first input to the last output of a sample, (n,), of layers' figures (n, layers).

    `stream` is (n,): which designs hand over pixels and not arrays.
    """
    n = len(stages)
    done: list[Table] = []
    first: list[Table] = []  # when the first pixel of a result is there
    for i, layer in enumerate(network.layers):
        ready = _latest([done[j] for j in layer.sources], n)
        if not stream.any():
            done.append(ready + stages[:, i])
            continue
        begin = _latest([first[j] for j in layer.sources], n)
        streamed = np.maximum(ready + drain[:, i], begin + busy[:, i])
        done.append(np.where(stream, streamed, ready + stages[:, i]))
        first.append(done[i] if layer.whole else np.minimum(begin + fill[:, i], done[i]))
    return _latest(done, n) - ~stream  # of the last stage in arrays, the result is there as it begins


def _latest(times: Sequence[Table], n: int) -> Table:
    latest: Table = np.maximum.reduce(times) if times else np.zeros(n)
    return latest
