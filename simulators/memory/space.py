"""The knobs of a memory controller: the DRAM space of ArchGym (Krishnan et al., ISCA 2023)."""

from __future__ import annotations

from ..core import Choices, DesignSpace, Integers, Parameter, when
from .model.policies import ARBITERS, BUFFERS, PAGE_POLICIES, REFRESH_POLICIES, RESPONSE_QUEUES, SCHEDULERS

#: Buffer entries and transactions in flight.
SIZES = tuple(2**i for i in range(8))
#: A controller may run at most eight refreshes late or ahead (JESD79-3 and JESD79-4, on the Refresh command).
REFRESHES = Integers(0, 8)


def memory_space() -> DesignSpace:
    """Make the space: 442,368 rows on the grid, 166,464 different controllers; the default is ArchGym's usual start.

    A simple arbiter has no limit on transactions in flight, and a controller that never refreshes none on how early or
    late it does: these knobs are inactive there.
    """
    queued = when(arbiter=("fifo", "reorder"))
    refreshing = when(refresh_policy="all_bank")
    return DesignSpace((
        Parameter("page_policy", PAGE_POLICIES, Choices(PAGE_POLICIES), subsystem="page",
                  doc="whether a row stays open after a request; adaptive: as the queued requests suggest"),
        Parameter("scheduler", SCHEDULERS, Choices(SCHEDULERS), "fr_fcfs", subsystem="scheduling",
                  doc="order within a bank: arrival, open row first, or open row first grouped by reads and writes"),
        Parameter("scheduler_buffer", BUFFERS, Choices(BUFFERS), subsystem="buffers",
                  doc="what the buffer's size counts: a bank's requests, reads and writes apart, or all"),
        Parameter("request_buffer_size", SIZES, Integers(1, 4096), 8, "requests", subsystem="buffers",
                  doc="requests that the buffer holds, per bank, per direction or in all"),
        Parameter("resp_queue", RESPONSE_QUEUES, Choices(RESPONSE_QUEUES), subsystem="buffers",
                  doc="responses leave in the order of data commands, or of requests"),
        Parameter("refresh_policy", REFRESH_POLICIES, Choices(REFRESH_POLICIES), "all_bank", subsystem="refresh",
                  doc="never, or all banks of a rank at once"),
        Parameter("refresh_max_postponed", (1, 2, 4, 8), REFRESHES, 8, "refreshes", subsystem="refresh",
                  condition=refreshing, doc="refreshes that may be owed before one is forced"),
        Parameter("refresh_max_pulledin", (1, 2, 4, 8), REFRESHES, 8, "refreshes", subsystem="refresh",
                  condition=refreshing, doc="refreshes that may be done ahead of time"),
        Parameter("arbiter", ARBITERS, Choices(ARBITERS), subsystem="arbitration",
                  doc="passes requests on, queues them, or queues them and returns responses in order"),
        Parameter("max_active_transactions", SIZES, Integers(1, 4096), 128, "requests", subsystem="arbitration",
                  condition=queued, doc="requests in flight that a queueing arbiter allows"),
    ))  # fmt: skip
