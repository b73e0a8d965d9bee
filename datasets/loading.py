"""One way in: whatever names a workload becomes the workload."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ..errors import ChipgymError, nearest, shorten, unknown
from ..files import is_file
from .kernel import build_kernel, kernel_names, load_kernel
from .loaders import load_onnx, load_scalesim, load_trace, parse_shorthand
from .network.graph import Network
from .network.operator import integer
from .network.zoo import build_network, network_names
from .settings import Settings, settings_text, split_settings
from .trace import build_trace, trace_names
from .workload import Workload

#: What a file of networks holds and what loads it, by its extension.
FILE_FORMATS: dict[str, tuple[str, Callable[..., Network]]] = {
    ".csv": ("SCALE-Sim topology", load_scalesim),
    ".onnx": ("ONNX model", load_onnx),
}
#: Of these, the formats whose open dimensions can be set behind the file's name.
OPEN_FORMATS = (".onnx",)
# Formats that are not read, and how what they hold comes in, by extension.
_KERAS = "; a Keras model comes in through ONNX (tf2onnx)"
_TORCH = "; a torch module comes in through chipgym.datasets.from_torch(module, inputs), or as ONNX"
_C = "; there is no reader for C: a kernel is a .json file or a chipgym.datasets.Kernel"
_WAYS_IN = {
    ".keras": _KERAS, ".h5": _KERAS, ".pt": _TORCH, ".pth": _TORCH, ".c": _C, ".cc": _C, ".cpp": _C,
}  # fmt: skip
#: What a file of a loop nest holds, by its extension.
KERNEL_FORMATS = {".json": "loop-nest kernel"}
#: What a file of memory requests holds, by its extension; each may be gzipped (".stl.gz").
TRACE_FORMATS = {
    ".stl": "DRAMSys trace",
    ".rstl": "DRAMSys trace of relative times",
    ".trace": "Ramulator or DRAMsim3 trace",
    ".trc": "Ramulator or DRAMsim3 trace",
}


def load_workload(spec: str | os.PathLike[str] | Workload, *, batch: int | None = None) -> Workload:
    """Load the workload that `spec` names.

    Args:
        spec: a workload, returned as it is; a name of `network_names()`, `trace_names()` or `kernel_names()`; the
            shorthand "mlp:16-64-5"; or the path of a file (`.onnx`: ONNX model; `.csv`: SCALE-Sim topology; `.json`:
            loop-nest kernel; `.stl`, `.rstl`, `.trace`, `.trc`, also gzipped: memory trace). A registered name comes
            before a file of that name. Behind a colon a name may set its lengths ("llama-3-8b:seq=1,past=2048") and an
            ONNX file its open dimensions or the shapes of its inputs ("model.onnx:height=640",
            "model.onnx:x=1x3x640x640").
        batch: samples that a network runs together; its own (1 unless the file says otherwise) by default.

    Raises:
        ChipgymError: nothing has that name, the file is missing or malformed, or `batch` is not a positive integer.
    """
    size = None if batch is None else integer("batch", batch)
    if isinstance(spec, str):
        return _resolve(os.path.expanduser(spec), size)
    if isinstance(spec, os.PathLike):
        return _load_file(os.path.expanduser(os.fspath(spec)), size)
    if isinstance(spec, type) or not isinstance(spec, Workload):
        hint = "; chipgym.datasets.from_torch(module, inputs) makes one of a torch module" if _is_module(spec) else ""
        raise ChipgymError(f"workload: expected a name, a path or a workload, got {shorten(spec)}{hint}")
    if size is None:
        return spec
    return _with_batch(spec, size)


def _is_module(spec: object) -> bool:
    """Tell whether something is a torch module, without importing torch: who has one has imported it."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(spec, torch.nn.Module)


def _resolve(spec: str, batch: int | None) -> Workload:
    name = spec.strip()
    if not name:
        raise ChipgymError("workload: expected a name or a path, got an empty text")
    if name.lower().startswith("mlp:"):
        return _with_batch(parse_shorthand(name), batch)
    settings: Settings = {}
    if not is_file(spec):
        name, settings = split_settings(name)
    if name in network_names():
        return _with_batch(_renamed(build_network(name, settings), settings), batch)
    if name in trace_names():
        _refuse(name, settings)
        return _with_batch(build_trace(name), batch)
    if name in kernel_names():
        _refuse(name, settings)
        return _with_batch(build_kernel(name), batch)
    if _looks_like_path(name) or is_file(name):
        return _load_file(name if settings else spec, batch, settings)
    if ":" in name:
        return _with_batch(parse_shorthand(name), batch)
    others = (*network_names(), *trace_names())
    meant = nearest(name, (*others, *kernel_names()))
    error = unknown("workload", name, kernel_names() if meant in kernel_names() else others)
    formats = " or ".join(FILE_FORMATS | KERNEL_FORMATS | TRACE_FORMATS)
    error.args = (f"{error}, or mlp:16-64-5, or the path of a {formats} file",)
    raise error


def _refuse(name: str, settings: Settings) -> None:
    for setting in settings:
        raise ChipgymError(f"workload {shorten(name, 200)} has no settings, got {shorten(setting)}")


def _renamed(network: Network, settings: Settings) -> Network:
    """Return the network with its settings in its name, so that two of one model can be told apart."""
    return replace(network, name=network.name + settings_text(settings)) if settings else network


def _with_batch(workload: Workload, batch: int | None) -> Workload:
    if batch is None:
        return workload
    if not isinstance(workload, Network):
        raise ChipgymError(f"batch: {batch} was given, but workload {workload.name!r} is no network and has no batch")
    return workload.with_batch(batch)


def _looks_like_path(text: str) -> bool:
    return "/" in text or os.sep in text or re.fullmatch(r"\.[A-Za-z]\w{0,9}", Path(text).suffix) is not None


def _load_file(path: str | bytes, batch: int | None, settings: Settings | None = None) -> Workload:
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    suffix = Path(path).suffix.lower()
    if settings and suffix in OPEN_FORMATS:
        load = FILE_FORMATS[suffix][1]
        return _renamed(load(path, batch=batch, dimensions=settings), settings)
    _refuse(path, settings or {})
    if Path(path.lower().removesuffix(".gz")).suffix in TRACE_FORMATS:
        return _with_batch(load_trace(path), batch)
    if suffix in KERNEL_FORMATS:
        return _with_batch(load_kernel(path), batch)
    if suffix not in FILE_FORMATS and is_file(path):
        known = {extension: what for extension, (what, _) in FILE_FORMATS.items()} | KERNEL_FORMATS | TRACE_FORMATS
        formats = ", ".join(f"{extension} ({what})" for extension, what in known.items())
        raise ChipgymError(
            f"file {shorten(path, 200)}: unknown format {suffix or 'without extension'!r}, known: {formats}"
            f"{_WAYS_IN.get(suffix, '')}"
        )
    # A path of another extension that is no file fails in any loader, with the words for what is wrong with it.
    _, load = FILE_FORMATS.get(suffix, FILE_FORMATS[".csv"])
    return load(path, batch=batch)
