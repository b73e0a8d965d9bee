"""Reports of Merlin with SDx and Vitis HLS: reference rows as the model reads them.

Two tables, of the folder `fpga` of the reference data, neither of which is part of this project: `merlin_vitis_bsd3`
(UCLA-VAST HARP and GNN-DSE, BSD-3) and `hlsyn_ccbysa` (HLSyn, CC BY-SA 4.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ....errors import ChipgymError, shorten, unknown
from ...core import Column
from ...fpga import load_fpga_device
from ..space import pipe_codes

FOLDER = Path("fpga")
HARP, HLSYN = "merlin_vitis_bsd3.parquet", "hlsyn_ccbysa.parquet"
#: Our names of the tables' tools.
TOOLS = {"SDx2018.3": "sdx-2018.3", "Vitis2020.2": "vitis-2020.2", "Vitis2021.1": "vitis-2021.1"}
#: The device of the tables' reports.
DEVICE = "xcvu9p"
#: The tables' names of our resources, and totals of their device.
RESOURCES = {
    ours: (theirs, load_fpga_device(DEVICE).resources[ours])
    for ours, theirs in (("lut", "lut"), ("ff", "ff"), ("dsp", "dsp"), ("bram18", "bram"))
}
#: Kernels whose rows are no cycles of the kernel: the tool does not count an inner loop of unknown trips.
UNCOUNTED = ("spmv-crs",)
#: Kernels that are variants of one: they are left out together.
FAMILIES = {
    "atax-medium": "atax", "bicg-medium": "bicg", "bicg-large": "bicg", "correlation": "covariance",
    "doitgen-red": "doitgen", "fdtd-2d-large": "fdtd-2d", "gemm-p-large": "gemm-p", "gemver-medium": "gemver",
    "gesummv-medium": "gesummv", "mvt-medium": "mvt", "symm-opt": "symm", "symm-opt-medium": "symm",
    "3mm": "2mm", "trmm-opt": "trmm",
}  # fmt: skip


@dataclass(frozen=True)
class Reports:
    """The labelled rows of one kernel and tool, in the table's order.

    Attributes:
        kernel, tool: as chipgym names them.
        knobs: columns of values (n,) by name.
        cycles: (n,).
        utilization: share of the device by resource, (n,); 0 where it is below about 1 %.
        valid: whether every utilisation is below 0.8, (n,).
    """

    kernel: str
    tool: str
    knobs: Mapping[str, Column]
    cycles: Column
    utilization: Mapping[str, Column]
    valid: Column

    @property
    def n(self) -> int:
        """How many rows."""
        return len(self.cycles)

    @property
    def family(self) -> str:
        """The kernel, or what it is a variant of."""
        return FAMILIES.get(self.kernel, self.kernel)

    def numbers(self) -> dict[str, Column]:
        """Return the knobs as `schedule` takes them."""
        return {name: pipe_codes(column) if name.startswith("pipe_") else column for name, column in self.knobs.items()}


def read_reports(reference: Path, table: str = HARP) -> list[Reports]:
    """Read the labelled rows of a table in `reference`/fpga, by kernel and tool.

    Raises:
        ChipgymError: the table is missing or malformed; the message says where to get it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = reference / FOLDER / table
    where = f"table {shorten(str(path), 200)}"
    try:
        data = pq.read_table(path).to_pandas()
    except (OSError, pa.ArrowException) as error:
        origin = "UCLA-VAST's HARP and GNN-DSE" if table == HARP else "HLSyn"
        raise ChipgymError(f"{where}: {shorten(str(error), 120)}; its rows are published with {origin}") from None
    needed = {"kernel", "tool", "valid", "labelled", "cycles", *(f"util_{u}" for u, _ in RESOURCES.values())}
    for missing in sorted(needed - {*data}):
        raise ChipgymError(f"{where}: there is no column {missing!r}")
    knobs = [c for c in data.columns if c.split("_")[0] in ("para", "pipe", "tile")]
    out = []
    for (kernel, tool), rows in data[data.labelled].groupby(["kernel", "tool"]):
        if tool not in TOOLS:
            raise ChipgymError(f"{where}: {unknown('tool', tool, TOOLS)}")
        mine = [c for c in knobs if rows[c].notna().any()]
        out.append(Reports(
            str(kernel), TOOLS[str(tool)],
            {c: rows[c].to_numpy(str) if c.startswith("pipe") else rows[c].fillna(1).to_numpy(np.int64) for c in mine},
            rows.cycles.to_numpy(np.float64),
            {ours: rows[f"util_{theirs}"].to_numpy(np.float64) for ours, (theirs, _) in RESOURCES.items()},
            rows.valid.to_numpy(bool),
        ))  # fmt: skip
    return out
