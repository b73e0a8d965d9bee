"""The scheduler's buffer: whether it takes another request."""

from __future__ import annotations

from ...core.compiled import inlined
from .policies import BANKWISE, READ_WRITE


@inlined
def has_space(buffer: int, size: int, of_last_bank: int, reads: int, writes: int) -> bool:
    """Whether the buffer takes another request.

    A bankwise buffer looks at the requests of the bank of the last stored request, whatever the bank of the next: a
    bank can hold one more than `size`.

    Args:
        buffer: one of `BUFFERS`, by number.
    """
    if buffer == BANKWISE:
        return of_last_bank < size
    if buffer == READ_WRITE:
        return reads < size and writes < size
    return reads + writes < size
