"""What a controller did, command by command and request by request."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from .lowering.workset import Workset
from .model import channel as k
from .model.commands import COMMANDS, PREAB, PREPB, REFAB
from .tables.device import Device

if TYPE_CHECKING:
    import pandas

Ints = np.ndarray[Any, np.dtype[np.int64]]
Texts = np.ndarray[Any, np.dtype[np.str_]]


@dataclass(frozen=True, eq=False)
class CommandTrace:
    """Commands in the order of their time, m of them, each column of shape (m,).

    Attributes:
        cycle: memory-clock cycle of issue.
        command: ACT, PREPB, PREAB, PREPB, REFAB, RD, RDA, WR or WRA; text.
        channel, rank, bank, row: where; bank counts within the rank, and is -1 for PREAB and REFAB; row is -1 for all
            but ACT and data commands.
        request: the request's place in the trace that the command is for, -1 for PREAB and REFAB.
    """

    cycle: Ints
    command: Texts
    channel: Ints
    rank: Ints
    bank: Ints
    row: Ints
    request: Ints

    def __len__(self) -> int:
        return len(self.cycle)

    def to_pandas(self) -> pandas.DataFrame:
        """Make a table of one row per command."""
        return _table(self)


@dataclass(frozen=True, eq=False)
class RequestTimes:
    """What happened when to each of n requests, in the order of the trace; memory-clock cycles, each of shape (n,).

    A request of several bursts counts as so many.

    Attributes:
        arrival: as the trace has it; of a relative trace, the wait after the request before was issued.
        left: the arbiter took it from the requestor.
        stands: it stood at the controller.
        stored: the controller took it into the scheduler's buffer.
        served: its data command issued.
        answered: the controller's response.
        received: the response at the requestor.
    """

    arrival: Ints
    left: Ints
    stands: Ints
    stored: Ints
    served: Ints
    answered: Ints
    received: Ints

    def __len__(self) -> int:
        return len(self.arrival)

    def to_pandas(self) -> pandas.DataFrame:
        """Make a table of one row per request."""
        return _table(self)


@dataclass(frozen=True, eq=False)
class History:
    """What a controller did for a trace.

    Attributes:
        cycle_s: seconds of a memory-clock cycle.
    """

    cycle_s: float
    commands: CommandTrace
    requests: RequestTimes


def make_history(device: Device, work: Workset, record: k.Record) -> History:
    """Return the model's record as columns, channels merged."""
    log = record.commands[np.argsort(record.commands[:, k.LOG_CYCLE], kind="stable")]
    command, bank, channel = log[:, k.LOG_COMMAND], log[:, k.LOG_BANK], log[:, k.LOG_CHANNEL]
    whole_rank = (command == PREAB) | (command == REFAB)
    place = np.where(whole_rank, 0, log[:, k.LOG_REQUEST]) + work.start[channel]
    order = np.zeros(len(work.requests), np.int64)
    order[work.rows] = work.order
    commands = CommandTrace(
        cycle=log[:, k.LOG_CYCLE],
        command=np.array(COMMANDS)[command],
        channel=channel,
        rank=bank // device.banks,
        bank=np.where(whole_rank, -1, bank % device.banks),
        row=np.where(whole_rank | (command == PREPB), -1, work.requests["row"][place]),
        request=np.where(whole_rank, -1, order[place]),
    )
    times = np.empty((len(work.order), k.TIMES), np.int64)
    times[work.order] = record.times[work.rows]
    return History(device.cycle_s, commands, RequestTimes(*times.T))


def _table(columns: CommandTrace | RequestTimes) -> pandas.DataFrame:
    import pandas as pd

    return pd.DataFrame({f.name: getattr(columns, f.name) for f in fields(columns)})
