"""When responses leave the controller, and when they reach the requestor. Nothing waits for it but new requests."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...core.compiled import inlined

Array = np.ndarray[Any, np.dtype[Any]]


class Answers(NamedTuple):
    """Times of n requests, filled as they become known, int64 (n,) each.

    Attributes:
        stands: when a request stood at the controller.
        answered: when the controller answered it.
        received: when the k-th response reached the requestor.
    """

    stands: Array
    answered: Array
    received: Array


@inlined
def respond(
    i: int, ready: int, in_order: bool, sorted_by_arbiter: bool, known: int, last_answer: int, last_received: int,
    answers: Answers, served: Array,
) -> tuple[int, int, int]:  # fmt: skip
    """Answer request `i`, whose data are over at `ready`: one response a cycle, in the order that the queues keep.

    Args:
        i: position of the request.
        ready: memory-clock cycle in which its data are over.
        in_order: whether the response queue keeps the order of requests, and not that of data commands.
        sorted_by_arbiter: whether the arbiter hands responses on in the order of requests.
        known: receipts known so far.
        last_answer: time of the last response at the controller.
        last_received: time of the last response at the requestor.
        answers: filled with what becomes known.
        served: bool (n + 1,).

    Returns:
        The new `known`, `last_answer` and `last_received`.
    """
    if in_order:
        answers.answered[i] = ready
        while served[known]:
            last_answer = max(answers.answered[known], last_answer + 1)
            answers.answered[known] = last_answer
            answers.received[known] = last_answer
            known += 1
        return known, last_answer, last_answer
    last_answer = max(ready, last_answer + 1)
    answers.answered[i] = last_answer
    if not sorted_by_arbiter:
        answers.received[known] = last_answer
        return known + 1, last_answer, last_answer
    while served[known]:
        last_received = max(answers.answered[known], last_received + 1)
        answers.received[known] = last_received
        known += 1
    return known, last_answer, last_received
