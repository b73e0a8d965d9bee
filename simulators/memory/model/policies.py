"""The named choices of a controller by number: a value's code is its place among the names, and has a name here."""

from __future__ import annotations

#: Whether a row stays open after a request; adaptive: as the queued requests suggest.
PAGE_POLICIES = ("open", "open_adaptive", "closed", "closed_adaptive")
OPEN, OPEN_ADAPTIVE, CLOSED, CLOSED_ADAPTIVE = range(4)

#: Order within a bank: arrival, open row first, or open row first grouped by reads and writes.
SCHEDULERS = ("fifo", "fr_fcfs", "fr_fcfs_grp")
FIFO, FR_FCFS, FR_FCFS_GRP = range(3)

#: What the size of the scheduler's buffer counts: a bank's requests, reads and writes apart, or all.
BUFFERS = ("bankwise", "read_write", "shared")
BANKWISE, READ_WRITE, SHARED = range(3)

#: Responses leave in the order of data commands, or of requests.
RESPONSE_QUEUES = ("fifo", "reorder")
AS_SERVED, AS_REQUESTED = range(2)

#: Never, or all banks of a rank at once.
REFRESH_POLICIES = ("no_refresh", "all_bank")
NO_REFRESH, ALL_BANK = range(2)

#: The arbiter passes requests on, queues them, or queues them and returns responses in order.
ARBITERS = ("simple", "fifo", "reorder")
SIMPLE, QUEUEING, SORTING = range(3)

#: What data commands do.
READING, WRITING = range(2)
