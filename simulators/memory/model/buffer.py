"""The scheduler's buffer: whether it takes another request."""

from __future__ import annotations

from ...core.compiled import inlined
from .policies import BANKWISE, READ_WRITE


@inlined
def has_space(buffer: int, size: int, of_last_bank: int, reads: int, writes: int) -> bool:
    """Tell whether the buffer takes another request.

    A bankwise buffer looks at the requests of the bank of the last stored request, whatever the bank of the next: a
    bank can hold one more than `size`.

    Args:
        buffer: one of `BUFFERS`, by number.
        size: the knob: most requests of a bank, of reads and of writes, or of all, as the buffer counts.
        of_last_bank: requests in the buffer that are of the bank of the last stored one.
        reads: read requests in the buffer.
        writes: write requests in the buffer.
    """
    if buffer == BANKWISE:
        return of_last_bank < size
    if buffer == READ_WRITE:
        return reads < size and writes < size
    return reads + writes < size
