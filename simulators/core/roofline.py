"""Where the parts of a workload stand under a machine's two ceilings, its arithmetic and its memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .parameter import Column


@dataclass(frozen=True, eq=False)
class Roofline:
    """The roofline of one design (Williams, Waterman and Patterson, CACM 52(4), 2009) and the parts beneath it.

    Attributes:
        names: of the parts that multiply and accumulate, in order.
        macs: multiply-accumulates of each, shape (n,).
        dram_bytes: bytes that each moves to and from DRAM, shape (n,).
        latency_s: time of each, shape (n,).
        peak_macs_per_s: what the machine does when nothing waits.
        bandwidth_bytes_per_s: what its memory moves when nothing else is in the way; `inf` where it never stalls. Of
            several memories that of the one which holds each part up more, whose bytes `dram_bytes` are, shape (n,).
    """

    names: tuple[str, ...]
    macs: Column
    dram_bytes: Column
    latency_s: Column
    peak_macs_per_s: float
    bandwidth_bytes_per_s: float | Column

    def __len__(self) -> int:
        return len(self.names)

    @property
    def intensity(self) -> Column:
        """Multiply-accumulates per byte, shape (n,); `inf` for a part that moves none."""
        with np.errstate(divide="ignore"):
            out: Column = self.macs / self.dram_bytes
        return out

    @property
    def throughput(self) -> Column:
        """Multiply-accumulates per second, shape (n,)."""
        out: Column = self.macs / self.latency_s
        return out

    @property
    def ridge(self) -> float | Column:
        """Where both ceilings meet, MAC/byte, and below it memory is the lower one; of the bandwidth's shape."""
        return self.peak_macs_per_s / self.bandwidth_bytes_per_s

    def ceiling(self, intensity: Column | float) -> Column:
        """Return the most that the machine could do at some intensities, multiply-accumulates per second."""
        with np.errstate(invalid="ignore"):
            memory = np.where(np.isinf(self.bandwidth_bytes_per_s), np.inf, self.bandwidth_bytes_per_s * intensity)
        return np.minimum(memory, self.peak_macs_per_s)
