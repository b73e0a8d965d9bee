"""Surrogates as files: numpy's `.npz` with a JSON header inside; numbers and text, never a pickle.

An entry of the archive is an array: `header`, the UTF-8 bytes of the JSON; `sha256`, the checksum of everything else;
and `<part>.<name>` for what each model consists of, such as `cost.threshold` (see `models.trees`, `models.ridge` and
`models.gnn`); `graph<i>.<name>` for the operators of table i, where the model sees graphs.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..datasets import TableHeader
from ..durable import durable_file, output_file, writing
from ..errors import ChipgymError, shorten, unknown
from ..files import in_file, is_file, most_unpacked, named, open_file, parse_json, reading
from ..simulators import Column
from .models import family
from .part import Part
from .samples import check_headers
from .surrogate import FEASIBLE, VIOLATION, Surrogate, TrainedOn
from .target import SCALES, Target

#: The layout of header and arrays; a reader refuses any other.
FORMAT = 2
#: Bytes that a model may have in memory.
MAX_BYTES = 2 * 2**30

# The bit of a zip entry's flags that says that it is encrypted (APPNOTE.TXT, 4.4.4).
_ENCRYPTED = 1
_SHIPPED = Path(__file__).parent / "shipped"
_ENTRIES = {"format", "chipgym", "model", "seed", "settings", "tables", "parts"}


def surrogate_names() -> tuple[str, ...]:
    """List the surrogates that ship with the package."""
    return tuple(sorted(path.stem for path in _SHIPPED.glob("*.npz")))


def model_path(path: str | os.PathLike[str]) -> Path:
    """Return the path where a model is to be written.

    Raises:
        ChipgymError: for what is not the path of a `.npz` file.
    """
    return output_file(path, "model.npz")


def write_surrogate(surrogate: Surrogate, path: str | os.PathLike[str]) -> None:
    """Write a fitted surrogate; the file is there whole or not at all.

    Raises:
        ChipgymError: for what is not the path of a `.npz` file, and where it cannot be written.
    """
    target = model_path(path)
    text = _header(surrogate)
    arrays = _arrays(surrogate)
    digest = _digest(text, arrays)
    entries = {"header": _bytes(text), "sha256": _bytes(digest), **arrays}
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with durable_file(target) as file:
            _write_npz(file, entries)


def _write_npz(file: BinaryIO, entries: Mapping[str, Column]) -> None:
    """Write as `numpy.savez_compressed` does, under one date, so that the same arrays are the same bytes."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in entries.items():
            info = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED  # which an entry of its own date does not take from the archive
            with archive.open(info, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def load_surrogate(spec: str | os.PathLike[str]) -> Surrogate:
    """Load a surrogate that `Surrogate.save` or `chipgym train` wrote, checked from end to end.

    Args:
        spec: a name of `surrogate_names()`, or the path of a `.npz` file. A name comes before a file of that name.

    Raises:
        ChipgymError: nothing has that name; the file is missing, cut off, damaged, too large, of another format, or no
            surrogate. Nothing in a file is ever executed.
    """
    if not isinstance(spec, str | os.PathLike) or isinstance(os.fspath(spec), bytes):
        raise ChipgymError(f"surrogate: expected a name or a path, got {shorten(spec)}")
    path = Path(os.path.expanduser(spec))
    if isinstance(spec, str):
        if not spec.strip():
            raise ChipgymError("surrogate: expected a name or a path, got an empty text")
        if spec.strip() in surrogate_names():
            path = _SHIPPED / f"{spec.strip()}.npz"
        elif "\0" not in spec and "/" not in spec and os.sep not in spec and not path.suffix and not is_file(path):
            raise ChipgymError(f"{unknown('surrogate', spec, surrogate_names())}, or the path of a .npz file")
    label = named(path)
    with reading(f"{label}: is no model, or damaged"), open_file(path) as file, in_file(label):
        entries = _entries(file)
    with reading(f"{label}: is damaged"), in_file(label):
        return _surrogate(entries)


# --- reading -------------------------------------------------------------------------------------------------------


def _entries(file: BinaryIO) -> dict[str, Column]:
    """Read the arrays of an archive, none of which holds objects."""
    most = min(MAX_BYTES, most_unpacked(os.fstat(file.fileno()).st_size))
    with zipfile.ZipFile(file) as archive:
        infos = archive.infolist()
        if sum(info.file_size for info in infos) > most:
            raise ChipgymError(f"unpacks to more than {most / 2**20:.0f} MiB")
        if len({info.filename for info in infos}) != len(infos):
            raise ChipgymError("has an entry twice")
        if any(info.flag_bits & _ENCRYPTED for info in infos):
            raise ChipgymError("has an entry under a password, which no model has")
        if any(info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for info in infos):
            raise ChipgymError("has an entry that is packed as no model is; expected deflated ones")
        out = {}
        for info in infos:
            with archive.open(info) as member:
                # numpy would make room for whatever shape the entry claims before it finds that there is no more.
                out[info.filename.removesuffix(".npy")] = _array(member.read(), info.filename)
    return out


def _array(content: bytes, name: str) -> Column:
    file = io.BytesIO(content)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ChipgymError(f"{shorten(name)} is not an array of numpy's format 1.0")
    shape, _, kind = np.lib.format.read_array_header_1_0(file)
    if kind.hasobject or kind.itemsize * int(np.prod(shape, dtype=object)) != len(content) - file.tell():
        raise ChipgymError(f"{shorten(name)} is not an array of numbers, or cut off")
    file.seek(0)
    found: Column = np.lib.format.read_array(file, allow_pickle=False)
    return found


def _surrogate(entries: dict[str, Column]) -> Surrogate:
    header, told = (_text(entries.pop(name, None)) for name in ("header", "sha256"))
    if header is None or told is None:
        raise ChipgymError("is no surrogate that chipgym wrote")
    if _digest(header, entries) != told:
        raise ChipgymError("is damaged (its content has another checksum than it was written with)")
    data = parse_json(header, "header")
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        found = data.get("format") if isinstance(data, dict) else data
        raise ChipgymError(f"format: the model has {shorten(found)}, this version of chipgym reads {FORMAT}")
    if set(data) != _ENTRIES or not isinstance(data["settings"], dict):
        raise ChipgymError("header has other entries than that of a surrogate")
    family(data["model"], data["settings"])  # here, where a setting of any name is refused by it
    out = Surrogate(data["model"], seed=data["seed"], **data["settings"])
    out.tables = tuple(map(_trained_on, _listed(data["tables"])))
    if not out.tables:
        raise ChipgymError("header names no table")
    check_headers([table.header for table in out.tables])
    parts = data["parts"]
    if not isinstance(parts, dict):
        raise ChipgymError("header has no parts")
    for name, targets in parts.items():
        out.parts[name] = _part(out, _within(entries, name), _listed(targets))
    _check_targets(out)
    for i, table in enumerate(out.tables):
        out.seen[table.name] = out.family.seen_from(_within(entries, f"graph{i}"), table.header.features)
    return out


def _part(surrogate: Surrogate, arrays: Mapping[str, Column], targets: list[Any]) -> Part:
    told = tuple(map(_target, targets))
    return Part(told, surrogate.family.fitted_from(arrays, surrogate.encoder, len(told)))


def _within(entries: Mapping[str, Column], name: str) -> dict[str, Column]:
    """Select the arrays that stand behind a name and a dot."""
    return {k.removeprefix(f"{name}."): v for k, v in entries.items() if k.startswith(f"{name}.")}


def _check_targets(surrogate: Surrogate) -> None:
    """Check that every metric is predicted once, and feasibility with its violation or not at all."""
    names = [t.name for part in surrogate.parts.values() for t in part.targets]
    metrics = [m.name for m in surrogate.metrics]
    if sorted(names) not in (sorted(metrics), sorted([*metrics, FEASIBLE, VIOLATION])):
        raise ChipgymError("its targets are not the metrics that its header names")


def _target(entry: object) -> Target:
    expected = {f.name for f in fields(Target)}
    if not isinstance(entry, dict) or set(entry) != expected or entry["scale"] not in SCALES:
        raise ChipgymError(f"{shorten(entry)} is not a target")
    numbers = [entry[name] for name in expected - {"name", "scale"}]
    if not isinstance(entry["name"], str) or not all(isinstance(v, float) and np.isfinite(v) for v in numbers):
        raise ChipgymError(f"{shorten(entry)} is not a target")
    if entry["width"] <= 0 or entry["unit"] <= 0 or entry["high"] < entry["low"]:
        raise ChipgymError(f"{shorten(entry)} is not a target")
    return Target(**entry)


def _trained_on(entry: object) -> TrainedOn:
    if not isinstance(entry, dict) or set(entry) != {"header", "digest", "designs"}:
        raise ChipgymError(f"{shorten(entry)} is not a table that was learned from")
    if not (
        isinstance(entry["header"], str) and isinstance(entry["digest"], str) and isinstance(entry["designs"], int)
    ):
        raise ChipgymError(f"{shorten(entry)} is not a table that was learned from")
    return TrainedOn(TableHeader.from_json(entry["header"]), entry["digest"], entry["designs"])


def _listed(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise ChipgymError(f"header: {shorten(value)} is not a list")
    return value


# --- both ways ------------------------------------------------------------------------------------------------------


def model_digest(surrogate: Surrogate) -> str:
    """Return the checksum of a fitted surrogate, sha256 in hex."""
    return _digest(_header(surrogate), _arrays(surrogate))


def _header(surrogate: Surrogate) -> str:
    surrogate.header  # noqa: B018 - says what is wrong before fit
    data = {
        "format": FORMAT,
        "chipgym": version("chipgym"),
        "model": surrogate.model,
        "seed": surrogate.seed,
        "settings": surrogate.settings,
        "tables": [{"header": t.header.to_json(), "digest": t.digest, "designs": t.designs} for t in surrogate.tables],
        "parts": {name: [asdict(t) for t in part.targets] for name, part in surrogate.parts.items()},
    }
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def _arrays(surrogate: Surrogate) -> dict[str, Column]:
    """Return all arrays under the names that they have in a file, in their order and the file's byte order."""
    groups = {name: part.fitted.arrays() for name, part in sorted(surrogate.parts.items())}
    for i, table in enumerate(surrogate.tables):
        groups[f"graph{i}"] = surrogate.family.seen_arrays(surrogate.seen[table.name])
    return {
        f"{name}.{array}": np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
        for name, arrays in groups.items()
        for array, values in arrays.items()
    }


def _digest(header: str, arrays: Mapping[str, Column]) -> str:
    digest = hashlib.sha256(header.encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"\0{name}\0{array.dtype.str}\0{array.shape}\0".encode() + array.tobytes())
    return digest.hexdigest()


def _bytes(text: str) -> Column:
    return np.frombuffer(text.encode(), dtype=np.uint8)


def _text(array: Column | None) -> str | None:
    if array is None or array.dtype != np.uint8 or array.ndim != 1:
        return None
    return array.tobytes().decode(errors="replace")
