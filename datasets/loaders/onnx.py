"""ONNX models as networks (https://onnx.ai). Weights are not read: their shapes are enough."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ChipgymError, nearest, shorten
from ...files import regular_file_size
from ..network import Network
from ..network.operator import integer, integers
from .importing import GraphWriter, Tensor

if TYPE_CHECKING:
    import onnx

    from .onnx_graph import Graph

#: A protobuf message has less than 2 GiB; larger models keep their weights in files beside them.
MAX_BYTES = 2**31 - 1

#: Letters for time and for the batch, where a first axis may be either.
TIME, BATCH = ("t", "s", "l"), ("b", "n", "bs")

#: Numbers for open dimensions by their name, or a whole shape for an input by its.
Dimensions = Mapping[str, int | Sequence[int]]


def load_onnx(
    path: str | os.PathLike[str],
    *,
    batch: int | None = None,
    dimensions: Dimensions | None = None,
    as_traffic: Sequence[str] = (),
) -> Network:
    """Load the network of an ONNX model, named after the file.

    The model is read for one sample: an open first axis of an input is its batch where it has no name, or one that
    says so or says nothing ("batch", "N", "unk__214"). Whatever else is open must be set.

    Args:
        path: of an `.onnx` file.
        batch: samples run together; by default 1, or what `dimensions` sets the batch axis to.
        dimensions: by name, the size of an open dimension (`{"height": 640}`); or by an input's name, its whole shape
            (`{"x": (1, 3, 640, 640)}`), or, where the input is a scalar of whole numbers, its value.
        as_traffic: operators, such as "RoiAlign", that are costed as the memory traffic that they cause where they are
            not known here. Without it they are refused.

    Raises:
        ChipgymError: the onnx package is missing; the file cannot be read or is no whole model; a dimension is open
            or unknown; an operator cannot be told by those of a `Network`.
    """
    file = Path(path)
    source = f"file {shorten(file.name)}"
    model = _read(file, source)
    try:
        settings = _Settings(source, file.name, model, dict(dimensions or {}))
        return _network(model, file, GraphWriter(file.stem or file.name, source, as_traffic), settings, batch)
    except ChipgymError:
        raise
    except (TypeError, ValueError, LookupError, AttributeError, RuntimeError) as error:
        # The protobuf is whole, but what is in it is not as ONNX defines it: a name that is no text, for one.
        reason = f"{type(error).__name__}: {shorten(str(error))}"
        raise ChipgymError(f"{source}: is no whole ONNX model ({reason})") from error


def _read(file: Path, source: str) -> onnx.ModelProto:
    size = regular_file_size(file)
    if size > MAX_BYTES:
        raise ChipgymError(
            f"{source}: is {size / 2**30:.1f} GiB, and an ONNX file at most 2: save it with its weights in another file"
        )
    if size == 0:
        raise ChipgymError(f"{source}: is empty")
    from .onnx_functions import check_functions

    try:
        import onnx
        import onnx.inliner
    except ImportError:
        raise ChipgymError(f"{source}: ONNX models need onnx: pip install 'chipgym[onnx]'") from None
    try:
        model = onnx.load_model(file, load_external_data=False)
    except OSError as error:
        raise ChipgymError(f"{source}: cannot be read ({error.strerror or error})") from None
    except Exception as error:  # of protobuf, whose type depends on which implementation is installed
        raise ChipgymError(f"{source}: is no whole ONNX model ({shorten(str(error), 100)})") from None
    if not model.graph.node or not model.opset_import:
        raise ChipgymError(
            f"{source}: is no whole ONNX model (it has no {'operators' if model.opset_import else 'opset'})"
        )
    if model.functions:
        check_functions(model, source)
        try:
            model = onnx.inliner.inline_local_functions(model)
        except Exception as error:
            raise ChipgymError(f"{source}: its functions cannot be resolved ({shorten(str(error), 100)})") from None
    return model


class _Settings:
    """What the user set of a model's open dimensions, and which of these are the batch."""

    def __init__(self, source: str, file: str, model: onnx.ModelProto, given: dict[str, int | Sequence[int]]) -> None:
        self.source, self.file = source, file
        self.given = {name: _plain(f"{source}: dimension {shorten(name)}", value) for name, value in given.items()}
        weights = {w.name for w in model.graph.initializer} | {w.values.name for w in model.graph.sparse_initializer}
        self.inputs = [i for i in model.graph.input if i.name not in weights]
        names = {i.name for i in self.inputs}
        open_names = {d.dim_param for i in self.inputs for d in i.type.tensor_type.shape.dim if d.dim_param}
        for name in given:
            if name not in names | open_names:
                known = sorted(open_names) + sorted(names)
                guess = nearest(name, known)
                hint = f"; did you mean {guess!r}?" if guess else ""
                raise ChipgymError(
                    f"{source}: dimension {shorten(name)} is not one of the model's{hint} (known: {', '.join(known)})"
                )
        # A dimension of the batch's name is the batch on any axis: states of recurrent layers have it second.
        self.batches = _batches([[d.dim_param for d in i.type.tensor_type.shape.dim] for i in self.inputs])
        self.batch: int | None = None
        self.missing: list[str] = []
        self.example: dict[str, str] = {}  # what would set all that is missing, by what it sets

    def shape(self, value: onnx.ValueInfoProto) -> tuple[int, ...]:
        """Return the shape of an input for one sample; what is not set is noted in `missing`."""
        dims = value.type.tensor_type.shape.dim
        whole = self.given.get(value.name)
        if isinstance(whole, int) and dims:
            raise ChipgymError(
                f"{self.source}: input {shorten(value.name)}: expected a shape of {len(dims)} numbers, got {whole}"
            )
        sizes = None if whole is None or isinstance(whole, int) else whole
        if sizes is not None and len(sizes) != len(dims):
            raise ChipgymError(
                f"{self.source}: input {shorten(value.name)} has {len(dims)} axes, got the shape {sizes}"
            )
        shape = []
        for axis, dim in enumerate(dims):
            fixed = dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None
            named = self.given.get(dim.dim_param) if dim.dim_param else None
            if isinstance(named, tuple):
                raise ChipgymError(
                    f"{self.source}: dimension {shorten(dim.dim_param)}: expected one number, got {named}"
                )
            size = sizes[axis] if sizes is not None else named
            if fixed is not None and size is not None and size != fixed:
                raise ChipgymError(
                    f"{self.source}: input {shorten(value.name)}: axis {axis} is fixed to {fixed}, not {size}"
                )
            if fixed is None and (dim.dim_param in self.batches if dim.dim_param else axis == 0):
                self._set_batch(size)
                size = 1
            shape.append(fixed if fixed is not None else self._set(value, axis, dim.dim_param, size))
        return tuple(shape)

    def _set(self, value: onnx.ValueInfoProto, axis: int, name: str, size: int | None) -> int:
        if size is not None:
            return integer(f"{self.source}: dimension {name or value.name}", size)
        self.missing.append(f"{name or '?'} (input {value.name}, axis {axis})")
        shape = "x".join(str(max(dim.dim_value, 0) or 1) for dim in value.type.tensor_type.shape.dim)
        # A name of other characters, or one that several axes share, can only be set as a shape.
        self.example |= {name: "128"} if re.fullmatch(r"[\w.]+", name) else {value.name: shape}
        return 1

    def _set_batch(self, size: int | None) -> None:
        if size is None:
            return
        if self.batch not in (None, size):
            raise ChipgymError(f"{self.source}: batch: {self.batch} and {size} were both given")
        self.batch = integer(f"{self.source}: batch", size)

    def value(self, value: onnx.ValueInfoProto) -> int | None:
        """Return what a scalar input is set to, or None where it is not set."""
        found = self.given.get(value.name)
        return found if isinstance(found, int) and not value.type.tensor_type.shape.dim else None


def _plain(what: str, value: int | Sequence[int]) -> int | tuple[int, ...]:
    """Return a size as an int, or a shape as a tuple of them; a value of a scalar may be 0."""
    return integers(what, tuple(value)) if isinstance(value, Sequence) else integer(what, value, 0)


def _batches(shapes: Sequence[Sequence[str]]) -> set[str]:
    """Find the names that are the batch, of the inputs' axes by name: first axes, and others whose name says so.

    Of recurrent layers' inputs the first axis may be time, by a letter for it, and the second the batch.
    """
    found: set[str] = set()
    for names in shapes:
        said = {name for name in names if "batch" in name.lower()}
        first = names[0] if names and names[0] and is_batch(names[0]) else ""
        if not said and len(names) > 1 and first.lower() in ("", *TIME) and names[1].lower() in BATCH:
            said = {names[1]}
        found |= said or ({first} if first else set())
    return found


def is_batch(name: str) -> bool:
    """Tell whether an open first axis of this name is the batch: the name says so, or it says nothing at all."""
    text = name.strip().lower()
    return not re.search(r"[a-z]", text) or "batch" in text or len(text) == 1 or text[-1].isdigit()


def _network(
    model: onnx.ModelProto, file: Path, writer: GraphWriter, settings: _Settings, batch: int | None
) -> Network:
    from .onnx_graph import Graph, add_initializers, walk
    from .onnx_operators import handle

    source = writer.source
    opsets = {("" if o.domain == "ai.onnx" else o.domain): o.version for o in model.opset_import}
    graph = Graph(writer, opsets, str(file.parent))
    add_initializers(graph, model.graph)
    _add_inputs(graph, settings)
    for value in (*model.graph.value_info, *model.graph.output):
        dims = value.type.tensor_type.shape.dim
        if value.type.tensor_type.HasField("shape") and all(d.dim_value > 0 for d in dims):
            graph.declared[value.name] = tuple(int(d.dim_value) for d in dims)
            graph.types.setdefault(value.name, value.type.tensor_type.elem_type)
    walk(graph, model.graph.node, handle)
    if settings.batch is not None and batch is not None and settings.batch != batch:
        raise ChipgymError(f"{source}: batch: {batch} was given, and {settings.batch} by the dimensions")
    outputs = []
    for value in model.graph.output:
        if value.name not in graph.tensors:
            raise ChipgymError(f"{source}: output {shorten(value.name)} is not made by any of its nodes")
        outputs.append(graph.tensors[value.name])
    return writer.build(outputs, batch or settings.batch or 1)


def _add_inputs(graph: Graph, settings: _Settings) -> None:
    shapes = []
    for value in settings.inputs:
        if not value.type.HasField("tensor_type"):
            kind = value.type.WhichOneof("value") or "nothing"
            raise ChipgymError(f"{settings.source}: input {shorten(value.name)}: is a {kind}, expected a tensor")
        if not value.type.tensor_type.HasField("shape"):
            raise ChipgymError(f"{settings.source}: input {shorten(value.name)}: has no shape in the file")
        shapes.append(settings.shape(value))
    if settings.missing:
        example = ",".join(f"{name}={size}" for name, size in settings.example.items())
        raise ChipgymError(
            f"{settings.source}: {', '.join(settings.missing[:8])} must be set, as in {settings.file}:{example}"
        )
    for value, shape in zip(settings.inputs, shapes, strict=True):
        graph.types[value.name] = value.type.tensor_type.elem_type
        number = settings.value(value)
        if number is not None:
            graph.tensors[value.name] = Tensor(value.name, (), values=np.array(number, np.int64))
            graph.types[value.name] = 7  # int64, as the numbers are given
        else:
            graph.tensors[value.name] = graph.writer.input(value.name, shape)
