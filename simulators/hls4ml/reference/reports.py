"""Vivado HLS reports of single dense layers, from the table of wa-hls4ml that fits and comparisons read.

The table is other people's (fastmachinelearning/wa-hls4ml, Apache-2.0) and does not ship: a folder of reference tables
has it as `fpga/wa_hls4ml_dense_apache2.csv`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ....errors import ChipgymError, shorten
from ...core.validation import read_reference

FILE = Path("fpga", "wa_hls4ml_dense_apache2.csv")
REFERENCE = "wa-hls4ml (Vivado HLS)"
SOURCE = "https://github.com/fastmachinelearning/wa-hls4ml (Apache-2.0): single dense layers, Vivado HLS, xcu250, 5 ns"

#: Our metric by the table's column.
REPORTED = {
    "lat_worst": "cycles", "ii_max": "initiation_interval", "lut": "lut", "ff": "ff", "dsp": "dsp", "bram18": "bram18",
}  # fmt: skip
_KNOBS = ("d_in", "d_out", "weight_bits", "reuse_factor")

Column = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Reports:
    """Rows of the table.

    Attributes:
        d_in, d_out, weight_bits, reuse_factor: int64 (n,).
        resource: whether the strategy is resource and not latency, bool (n,).
        success: whether synthesis succeeded, bool (n,).
        reported: our metrics by name, float64 (n,); NaN where synthesis failed.
    """

    d_in: Column
    d_out: Column
    weight_bits: Column
    reuse_factor: Column
    resource: Column
    success: Column
    reported: dict[str, Column]

    def __len__(self) -> int:
        return len(self.d_in)

    def take(self, chosen: Column) -> Reports:
        """Return some of the rows, by a mask or by their numbers."""
        return Reports(
            d_in=self.d_in[chosen],
            d_out=self.d_out[chosen],
            weight_bits=self.weight_bits[chosen],
            reuse_factor=self.reuse_factor[chosen],
            resource=self.resource[chosen],
            success=self.success[chosen],
            reported={name: column[chosen] for name, column in self.reported.items()},
        )

    def shapes(self) -> Iterator[tuple[tuple[int, int], Column]]:
        """Yield each (d_in, d_out) with the numbers of its rows."""
        pairs = np.stack([self.d_in, self.d_out], axis=1)
        for pair in np.unique(pairs, axis=0):
            yield (int(pair[0]), int(pair[1])), np.flatnonzero((pairs == pair).all(axis=1))


def read_reports(reference: Path) -> Reports:
    """Read the rows of `reference`/fpga/wa_hls4ml_dense_apache2.csv.

    Raises:
        ChipgymError: where the file is missing, or a column or value is not what it should be.
    """
    path = reference / FILE
    columns = (*_KNOBS, "strategy", "hls_success", *REPORTED)
    rows = read_reference(path, columns, origin=f"wa-hls4ml's, {SOURCE}")
    strategy = [row["strategy"].lower() for row in rows]
    _check(path, "strategy", strategy, ("latency", "resource"))
    success = [row["hls_success"].lower() for row in rows]
    _check(path, "hls_success", success, ("true", "false"))
    done = np.array([text == "true" for text in success])
    knobs = {name: _numbers(path, name, rows, np.ones(len(rows), bool)).astype(np.int64) for name in _KNOBS}
    return Reports(
        **knobs,
        resource=np.array([text == "resource" for text in strategy]),
        success=done,
        reported={ours: _numbers(path, theirs, rows, done) for theirs, ours in REPORTED.items()},
    )


def _check(path: Path, name: str, texts: Sequence[str], known: Sequence[str]) -> None:
    for line, text in enumerate(texts, start=2):
        if text not in known:
            raise ChipgymError(
                f"reference: {path}, line {line}: {name} {shorten(text)} is not one of {', '.join(known)}"
            )


def _numbers(path: Path, name: str, rows: Sequence[dict[str, str]], wanted: Column) -> Column:
    out = np.full(len(rows), np.nan)
    for i in np.flatnonzero(wanted).tolist():
        try:
            out[i] = float(rows[i][name])
        except (TypeError, ValueError):
            out[i] = np.nan
        if not np.isfinite(out[i]):
            raise ChipgymError(
                f"reference: {path}, line {i + 2}: {name} is {shorten(rows[i][name])}, expected a number"
            )
    return out
