"""Which kernels of a mixture of experts work where the experts are, and what goes there and back.

Under expert parallelism (GShard, Lepikhin et al., arXiv:2006.16668, section 3.2) sockets that have tokens of their own
share a layer's experts: rows go from their token's socket to their expert's and back, an exchange of all with all each
time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..model import columns as c
from .kernels import Edge, Kernel


def send_to_experts(kernels: Sequence[Kernel], edges: Sequence[Edge], word: float) -> tuple[Kernel, ...]:
    """Return the kernels of a graph, told apart by whether they are `far`, with what is sent between them.

    Products with experts' weights are far, and so is a vector kernel between two of them that reads nothing from
    elsewhere. What feeds several of them is sent once.
    """
    out = list(kernels)
    readers: list[list[int]] = [[] for _ in kernels]
    producers: list[list[int]] = [[] for _ in kernels]
    for edge in edges:
        readers[edge.producer].append(edge.consumer)
        producers[edge.consumer].append(edge.producer)
    for i, kernel in enumerate(kernels):
        if kernel.kind == c.PRODUCT and kernel.experts:
            out[i] = replace(kernel, far=True, routed=kernel.rows)
        elif kernel.kind == c.VECTOR and producers[i] and all(out[u].far for u in producers[i]):
            before = out[producers[i][0]]
            out[i] = replace(kernel, far=True, routed=before.routed, experts=before.experts, active=before.active)
    for i in reversed(range(len(out))):
        if out[i].far and out[i].kind == c.VECTOR and not any(out[v].far for v in readers[i]):
            out[i] = kernels[i]  # it leads back to the tokens
    for i, kernel in enumerate(out):
        across = [out[v] for v in readers[i] if out[v].far != kernel.far]
        if not across:
            continue
        if kernel.far:
            out[i] = replace(kernel, send=kernel.out)
        else:
            to = max(across, key=lambda k: k.rows * k.inner)
            out[i] = replace(
                kernel, send=to.rows * to.inner * word, routed=to.routed, experts=to.experts, active=to.active
            )
    return tuple(out)
