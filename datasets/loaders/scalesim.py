"""SCALE-Sim topology files: one layer a row, as a convolution or as a matrix product (GEMM).

The formats are those of SCALE-Sim v2 and v3 (https://github.com/scalesim-project): a header row, then
`Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,` or
`Layer, M, N, K,`, with optional further columns. The layers do not feed one another. SCALE-Sim passes over the header
and reads by position; here names decide, and the position where a file names two columns alike.
"""

from __future__ import annotations

import os
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

from ...errors import ChipgymError, shorten, unknown
from ...files import read_text
from ..network import Network, NetworkBuilder
from ..network.operators import MAX_DIMENSION

CONV = ("ifmap_h", "ifmap_w", "filter_h", "filter_w", "channels", "num_filter")
GEMM = ("m", "n", "k")
#: Where SCALE-Sim's reader looks for what, whatever the header says.
POSITIONS = (("layer", *CONV, "stride"), ("layer", *GEMM))
#: Columns that rows may leave out, if they stand behind all others.
OPTIONAL = ("batch", "sparsity", None)
MAX_LAYERS = 65_536
MAX_NAME = 200

#: Header names, in lower case without spaces and punctuation, by what they mean. None: read by SCALE-Sim for
#: addresses alone, which say nothing about the work.
COLUMNS: dict[str, str | None] = {
    "layer": "layer", "layername": "layer", "layers": "layer", "name": "layer",
    "ifmapheight": "ifmap_h", "ifmaph": "ifmap_h", "ifmapwidth": "ifmap_w", "ifmapw": "ifmap_w",
    "filterheight": "filter_h", "filterh": "filter_h", "filth": "filter_h",
    "filterwidth": "filter_w", "filterw": "filter_w", "filtw": "filter_w",
    "channels": "channels", "channel": "channels", "numchannels": "channels", "numchannel": "channels",
    "numfilter": "num_filter", "numfilters": "num_filter", "numberoffilters": "num_filter", "filters": "num_filter",
    "strides": "stride", "stride": "stride",
    "strideheight": "stride_h", "strideh": "stride_h", "stridewidth": "stride_w", "stridew": "stride_w",
    "m": "m", "n": "n", "k": "k",
    "batchsize": "batch", "batch": "batch", "sparsity": "sparsity", "sparsityratio": "sparsity",
    "ifmapoffset": None, "filteroffset": None, "ofmapoffset": None,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a topology file: where it is, and its cells by column."""

    file: str
    number: int
    cells: dict[str, str]
    headings: dict[str, str]

    def error(self, text: str) -> ChipgymError:
        """Make a ChipgymError that names the file and the row."""
        return ChipgymError(f"{self.file}: row {self.number}: {text}")

    def integer(self, column: str) -> int:
        """Return a cell as an integer of 1 to 2**31 - 1, or raise a ChipgymError that names file, row and column."""
        text = self.cells[column]
        what = f"column {self.headings[column]!r}"
        if not re.fullmatch(r"[+-]?[0-9]+", text):
            raise self.error(f"{what}: expected a whole number, got {shorten(text)}")
        # int() refuses thousands of digits; no legal number has more than 10.
        digits = text.lstrip("+-").lstrip("0")
        if text.startswith("-") or not digits or len(digits) > 10 or int(digits) > MAX_DIMENSION:
            raise self.error(f"{what}: expected 1 to {MAX_DIMENSION}, got {shorten(text)}")
        return int(digits)


def load_scalesim(path: str | os.PathLike[str], *, batch: int | None = None) -> Network:
    """Load the layers of a SCALE-Sim topology file as a network named after the file.

    Each layer reads an input of its own. A convolution row becomes a `Conv2d` without bias; SCALE-Sim pads nothing
    and has ceil((H - R) / s) + 1 output rows, so a last window that runs past the bottom or right edge is given just
    the padding it needs there. A GEMM row of M, N, K becomes an (M, K) input into `Linear(N)`. A depthwise row of one
    channel and one filter stays as written; a convolution whose name has "DP" in it is applied to each channel by
    itself, as SCALE-Sim does. Layers are dense: a sparsity column is left aside with a warning.

    Args:
        path: of a `.csv` file.
        batch: samples run together; by default the file's "Batch Size" column, and 1 without one.

    Raises:
        ChipgymError: the file cannot be read, or a row is malformed; names the file, the row and the column.
    """
    file = Path(path)
    return parse_scalesim(read_text(file), name=file.stem or file.name, file=file.name, batch=batch)


def parse_scalesim(text: str, *, name: str, file: str, batch: int | None = None) -> Network:
    """Do as `load_scalesim` on text already read; `file` is what errors call it."""
    file = f"file {shorten(file)}"
    rows = parse_rows(text, file)
    b = NetworkBuilder(name)
    names = UniqueNames()
    for row in rows:
        try:
            if "m" in row.cells:
                add_gemm(b, row, names)
            else:
                add_conv(b, row, names)
        except ChipgymError as error:
            # The graph's own errors do not know the row.
            raise error if str(error).startswith(file) else row.error(str(error)) from None
    try:
        return b.build(file_batch(rows) if batch is None else batch)
    except ChipgymError as error:
        raise error if str(error).startswith(file) else ChipgymError(f"{file}: {error}") from None


def parse_rows(text: str, file: str) -> list[Row]:
    """Return the lines after the header, as cells by column."""
    header: list[tuple[str | None, str]] = []
    rows: list[Row] = []
    titles: list[str] = []
    separator = ","
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        # SCALE-Sim's own files end rows in remarks such as ",#dw".
        line = re.sub(r"(^|[,\s])#.*", r"\1", line)
        if not header and "," not in line and "\t" in line.strip():
            separator = "\t"
        cells = [cell.strip().strip("\"'").strip() for cell in line.split(separator)]
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            continue
        if not header:
            header = parse_header(cells, file, number)
            continue
        if len(cells) == 1:
            titles.append(f"row {number} ({shorten(cells[0])})")
            continue
        if len(rows) >= MAX_LAYERS:
            raise ChipgymError(f"{file}: row {number}: more than {MAX_LAYERS} layers")
        rows.append(_row(file, number, cells, header))
    if not rows:
        raise ChipgymError(f"{file}: {'has a header but no layers' if header else 'is empty'}")
    if titles:
        more = f" and {len(titles) - 1} more" if len(titles) > 1 else ""
        warnings.warn(f"{file}: {titles[0]}{more} has a name and no numbers, taken as a title", stacklevel=4)
    if any("sparsity" in row.cells for row in rows):
        warnings.warn(f"{file}: the sparsity column is not modelled, layers are taken as dense", stacklevel=4)
    return rows


def _row(file: str, number: int, cells: list[str], header: list[tuple[str | None, str]]) -> Row:
    """Return a line's cells by column.

    A ninth value behind SCALE-Sim's eight is the width's stride, as in its version 2.
    """
    if len(cells) == len(header) + 1 and tuple(key for key, _ in header) == POSITIONS[0]:
        header = [*header[:-1], ("stride_h", header[-1][1]), ("stride_w", f"{header[-1][1]} of the width")]
    least = len(header)
    while header[least - 1][0] in OPTIONAL:
        least -= 1
    if not least <= len(cells) <= len(header):
        raise ChipgymError(f"{file}: row {number}: {len(cells)} values, expected {len(header)} as in the header")
    known = [(key, heading, cell) for (key, heading), cell in zip(header, cells, strict=False) if key]
    return Row(file, number, {k: c for k, _, c in known}, {k: h for k, h, _ in known})


def parse_header(cells: list[str], file: str, number: int) -> list[tuple[str | None, str]]:
    """Return (meaning, heading) of each column, which decide whether the rows are convolutions or matrix products."""
    where = f"{file}: row {number}"
    forms = "'Layer name, IFMAP Height, IFMAP Width, Filter Height, …, Strides,' or 'Layer, M, N, K,'"
    if len(cells) > 1 and all(re.fullmatch(r"[+-]?[0-9.]+", cell) for cell in cells[1:]):
        raise ChipgymError(f"{where}: expected a header, {forms}, got a layer")
    header: list[tuple[str | None, str]] = []
    for position, cell in enumerate(cells):
        key = re.sub(r"[^a-z0-9]", "", cell.lower())
        if position == 0 and key not in COLUMNS:
            key = "layer"  # SCALE-Sim takes the first column as the name, whatever it is called
        if not cell and position:
            header += [(None, remark) for remark in cells[position:]]  # behind a gap stand remarks
            break
        if key not in COLUMNS:
            raise ChipgymError(f"{where}: {unknown('column', cell, COLUMNS)}")
        header.append((COLUMNS[key], cell))
    header = _by_position(header)
    keys = [key for key, _ in header if key]
    for key in keys:
        if keys.count(key) > 1:
            twice = " and ".join(repr(heading) for k, heading in header if k == key)
            raise ChipgymError(f"{where}: columns {shorten(twice)} mean the same")
    conv, gemm = set(keys) & {*CONV, "stride", "stride_h", "stride_w"}, set(keys) & set(GEMM)
    if conv and gemm:
        raise ChipgymError(f"{where}: has columns of both a convolution and a GEMM file, expected {forms}")
    if "stride" in keys and ("stride_h" in keys or "stride_w" in keys):
        raise ChipgymError(f"{where}: has one stride for both axes and another for each, expected one of the two")
    strides = ("stride",) if "stride" in keys else ("stride_h", "stride_w")
    missing = [key for key in ("layer", *(GEMM if gemm else (*CONV, *strides))) if key not in keys]
    if missing:
        raise ChipgymError(f"{where}: missing column(s) {', '.join(missing)}, expected {forms}")
    return header


def _by_position(header: list[tuple[str | None, str]]) -> list[tuple[str | None, str]]:
    """Tell apart the columns that are named alike by where they stand, as SCALE-Sim reads them.

    Fourteen of its own files have "IFMAP Width, IFMAP Width, Filter Height, …". Nothing is changed unless the first
    columns are SCALE-Sim's but for those, and every name that occurs more than once stands in its own place as well.
    """
    keys = [key for key, _ in header]
    alike = {key for key in keys if key and keys.count(key) > 1}
    if not alike:
        return header
    for order in POSITIONS:
        first, rest = keys[: len(order)], keys[len(order) :]
        in_place = {key for key, place in zip(first, order, strict=False) if key == place}
        if len(first) < len(order) or not alike <= in_place or alike & set(rest) or not set(first) <= in_place:
            continue
        named = [
            (place, heading if key == place else f"{heading} (by its position {place})")
            for place, (key, heading) in zip(order, header, strict=False)
        ]
        return [*named, *header[len(order) :]]
    return header


class UniqueNames:
    """Hands out node names: a name that occurs again gets "_2", "_3" and so on."""

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._counts: dict[str, int] = {}

    def __call__(self, row: Row) -> str:
        """Make a name for the row's layer, free as it is and with ".input" after it."""
        base = row.cells["layer"] or f"row{row.number}"
        if len(base) > MAX_NAME:
            raise row.error(f"column {row.headings['layer']!r}: a name of {len(base)} characters, at most {MAX_NAME}")
        name, number = base, self._counts.get(base, 1)
        while name in self._used or f"{name}.input" in self._used:
            number += 1
            name = f"{base}_{number}"
        self._counts[base] = number
        self._used.update((name, f"{name}.input"))
        return name


def add_gemm(b: NetworkBuilder, row: Row, names: UniqueNames) -> None:
    """Add the product of (M, K) and (K, N)."""
    m, n, k = (row.integer(column) for column in GEMM)
    name = names(row)
    x = b.input((m, k), name=f"{name}.input")
    b.linear(x, n, bias=False, name=name)


def add_conv(b: NetworkBuilder, row: Row, names: UniqueNames) -> None:
    """Add a convolution without padding but for what its last window needs."""
    height, width, kernel_h, kernel_w, channels, filters = (row.integer(column) for column in CONV)
    stride_h, stride_w = (row.integer("stride" if "stride" in row.cells else axis) for axis in ("stride_h", "stride_w"))
    for size, kernel, ifmap, filt in (
        (height, kernel_h, "ifmap_h", "filter_h"),
        (width, kernel_w, "ifmap_w", "filter_w"),
    ):
        if kernel > size:
            raise row.error(
                f"column {row.headings[filt]!r}: {kernel} is larger than the {size} of {row.headings[ifmap]!r}"
            )
    name = names(row)
    depthwise = "DP" in row.cells["layer"]
    x = b.input((channels, height, width), name=f"{name}.input")
    b.conv(
        x,
        filters * channels if depthwise else filters,
        (kernel_h, kernel_w),
        stride=(stride_h, stride_w),
        padding=(0, overhang(height, kernel_h, stride_h), 0, overhang(width, kernel_w, stride_w)),
        groups=channels if depthwise else 1,
        bias=False,
        name=name,
    )


def overhang(size: int, kernel: int, stride: int) -> int:
    """Return how far the last of SCALE-Sim's ceil((size - kernel) / stride) + 1 windows runs past the edge."""
    steps = -(-(size - kernel) // stride)
    return steps * stride + kernel - size


def file_batch(rows: list[Row]) -> int:
    """Return the "Batch Size" that all rows share; 1 without that column, or where all rows leave it out."""
    given = [row for row in rows if "batch" in row.cells]
    if not given:
        return 1
    first = given[0].integer("batch")
    for row in rows:
        heading = given[0].headings["batch"]
        if "batch" not in row.cells:
            raise row.error(f"leaves out column {heading!r}, which row {given[0].number} has")
        if row.integer("batch") != first:
            raise row.error(f"column {heading!r}: differs from the {first} of the first layer")
    return first
