"""From layers to the network: when each is done, and how soon the next sample may come.

In arrays a layer begins when those before it are done. As one pipeline (strategy latency, no convolution) or as a
dataflow of layers, the stages along the longest path add up, and the slowest layer sets the interval. In a stream
layers overlap: each begins with the first pixel that reaches it, and is done no sooner than its own pixels take, nor
before the last pixel that it waits for has gone through it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .lowering import LoweredNetwork
from .products import Mask, Table


def network_cycles(network: LoweredNetwork, stages: Table, busy: Table, fill: Table, drain: Table, stream: Mask) -> Table:
    """Cycles from the first input to the last output of a sample, (n,), of layers' figures (n, layers).

    `stream` is (n, 1): which designs hand over pixels and not arrays.
    """
    n = len(stages)
    flowing = stream[:, 0]
    done: list[Table] = []
    first: list[Table] = []  # when the first pixel of a result is there
    for i, layer in enumerate(network.layers):
        begin = _latest([first[j] for j in layer.sources], n)
        ready = _latest([done[j] for j in layer.sources], n)
        streamed = np.maximum(ready + drain[:, i], begin + busy[:, i])
        end = np.where(flowing, streamed, ready + stages[:, i])
        done.append(end)
        first.append(np.where(flowing, np.minimum(begin + fill[:, i], end), end) if not layer.whole else end)
    return np.maximum(_latest(done, n) - 1, 0.0)


def _latest(times: Sequence[Table], n: int) -> Table:
    latest: Table = np.maximum.reduce(times) if times else np.zeros(n)
    return latest
