"""Walks a graph of `torch.export` in order, with each operation's arguments by the names of PyTorch's schema."""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import ChipgymError, shorten
from ..network.operator import elements
from .importing import GraphWriter, Tensor
from .importing.writer import check_shape

if TYPE_CHECKING:
    import torch

_MISSING = object()
#: Operations that take of a tensor its shape alone.
CREATES = (
    "new_zeros", "new_ones", "new_full", "new_empty", "zeros_like", "ones_like", "full_like", "empty_like", "rand_like",
    "randn_like",
)  # fmt: skip


@dataclass(frozen=True)
class Call:
    """One operation of an exported graph: its arguments by the names that PyTorch's schema gives them."""

    writer: GraphWriter
    op: str
    name: str
    arguments: Mapping[str, Any]
    shapes: tuple[tuple[int, ...], ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the first result."""
        return self.shapes[0]

    @property
    def x(self) -> Tensor:
        """The first tensor."""
        return self.tensors()[0]

    def get(self, name: str, default: Any = None) -> Any:
        """Return the argument of that name; `default` where it is left out or None."""
        found = self.arguments.get(name, _MISSING)
        return default if found is _MISSING or found is None else found

    def tensor(self, name: str) -> Tensor | None:
        """Return the argument of that name, if it is a tensor."""
        found = self.arguments.get(name)
        return found if isinstance(found, Tensor) else None

    def tensors(self) -> list[Tensor]:
        """List all tensors among the arguments, those of lists included, in order."""
        found = []
        for value in self.arguments.values():
            found += [v for v in (value if isinstance(value, list | tuple) else [value]) if isinstance(v, Tensor)]
        return found

    def dim(self, name: str = "dim", default: int = -1, rank: int | None = None) -> int:
        """Return an axis, counted from the front."""
        rank = len(self.x.shape) if rank is None else rank
        return int(self.get(name, default)) % max(rank, 1)

    def error(self, text: str) -> ChipgymError:
        """Make a ChipgymError that names the module, the operation and the node."""
        return ChipgymError(f"{self.writer.source}: {self.op} node {shorten(self.name)}: {text}")


#: Writes one operation; answers a tensor for each of its results, or for the first alone; None for one not known.
Handler = Callable[[Call], "Tensor | list[Tensor] | None"]


def writes_in_place(module: torch.fx.GraphModule) -> bool:
    """Tell whether operations change tensors that others read too, so that what follows from what is not in the graph.

    An operation in place whose tensor nothing else reads, as most activation functions are, is like any other.
    """
    graphs: list[Any] = [part.graph for part in module.modules() if hasattr(part, "graph")]
    return any(_changes(node) for graph in graphs for node in graph.nodes)


def _changes(node: torch.fx.Node) -> bool:
    schema = getattr(node.target, "_schema", None)
    if schema is None or not schema.is_mutable:
        return False
    changed: list[Any] = [
        given for argument, given in zip(schema.arguments, node.args, strict=False) if argument.is_write
    ]
    return any(len(given.users) > 1 or _is_view(given) for given in changed if hasattr(given, "users"))


def _is_view(node: torch.fx.Node) -> bool:
    """Tell whether a node is another's numbers: what the network is given counts too, as its owner sees it."""
    schema = getattr(node.target, "_schema", None)
    return schema is None or any(made.alias_info is not None and not made.is_write for made in schema.returns)


def walk(
    writer: GraphWriter, graph: torch.fx.Graph, known: dict[str, Any], handle: Handler, within: Call | None = None
) -> list[Any]:
    """Write a graph's nodes and return what it puts out, lists within lists.

    `known` has its placeholders.

    `within` is the operation of the module's own graph that this one stands for.

    Raises:
        ChipgymError: a shape depends on data, control flow, or `handle` refuses an operation.
    """
    for node in graph.nodes:
        if node.op == "get_attr":
            known[node.name] = _attribute(writer, graph, node)
        elif node.op == "call_function":
            known[node.name] = _call(writer, node, known, handle, within)
        elif node.op == "output":
            return [_given(value, known) for value in node.args]
    return []


def _attribute(writer: GraphWriter, graph: torch.fx.Graph, node: torch.fx.Node) -> Any:
    """Return a part of the module that the graph names: a graph within it, or a constant."""
    found = graph.owning_module
    for name in str(node.target).split("."):
        found = getattr(found, name)
    if hasattr(found, "graph"):
        return found
    shape = shape_of(writer, node.name, found) if hasattr(found, "shape") else None
    return found if shape is None else Tensor(node.name, shape, trained=False)


def _call(writer: GraphWriter, node: torch.fx.Node, known: dict[str, Any], handle: Handler, within: Call | None) -> Any:
    given = [_given(value, known) for value in node.args]
    if node.target is operator.getitem:
        made, place = given
        if place < len(made):
            return made[place]
        if node.users:
            raise ChipgymError(f"{writer.source}: node {shorten(node.name)}: result {place} of it is not supported")
        return None
    op = str(node.target)
    if op.startswith("wrap"):
        # A part that runs under another mode (autocast, no gradients): a graph, then what it is given.
        at = next(i for i, value in enumerate(given) if hasattr(value, "graph"))
        inner = given[at].graph
        names = [n.name for n in inner.nodes if n.op == "placeholder"]
        (made,) = walk(writer, inner, dict(zip(names, given[at + 1 :], strict=True)), handle, within)
        return made
    if not op.startswith("aten."):
        if not any(isinstance(value, Tensor) for value in given):
            return node.meta.get("val")
        raise ChipgymError(
            f"{writer.source}: node {shorten(node.name)}: {shorten(op)} is not an operation of PyTorch's own"
        )
    schema = node.target._schema  # type: ignore[union-attr]
    arguments = {argument.name: value for argument, value in zip(schema.arguments, given, strict=False)}
    arguments |= {key: _given(value, known) for key, value in node.kwargs.items()}
    values = node.meta.get("val")
    many = isinstance(values, list | tuple)
    results: list[Any] = list(values) if isinstance(values, list | tuple) else [values]
    # What nobody reads of several results may be empty.
    read = {user.args[1] for user in node.users if user.target is operator.getitem and user.users} if many else {0}
    shapes = tuple(
        shape_of(writer, node.name, v) if i in read or 0 not in v.shape else (1,)
        for i, v in enumerate(results)
        if hasattr(v, "shape")
    )
    if not shapes:
        return values
    name = node.name if within is None else f"{within.name}.{node.name}"
    call = Call(writer, op.split(".")[1].removesuffix("_"), name, arguments, shapes)
    constants = _constants(call)
    if constants is not None:
        return constants if many else constants[0]
    made = handle(call)
    if made is None and call.op not in writer.allowed and node.target._can_decompose():  # type: ignore[union-attr]
        made = _expanded(node, known, handle, call, within or call)
    if made is None:
        # What the user calls an operation is the one in the module's own code.
        kind = call.op if within is None or call.op in writer.allowed else within.op
        made = [
            writer.as_traffic(kind, call.tensors(), shape, name if i == 0 else f"{name}.{i}", call.error)
            for i, shape in enumerate(shapes)
        ]
    if many:
        return made if isinstance(made, list) else [made]
    return made[0] if isinstance(made, list) else made


def _expanded(node: torch.fx.Node, known: dict[str, Any], handle: Handler, call: Call, within: Call) -> Any:
    """Write an operation that PyTorch itself writes with others (CompositeImplicitAutograd) with these.

    None where one of these writes into a part of a tensor.
    """
    import torch
    from torch.fx.experimental.proxy_tensor import make_fx
    from torch.utils import _pytree as pytree

    leaves, form = pytree.tree_flatten((node.args, node.kwargs))
    at = [i for i, leaf in enumerate(leaves) if isinstance(leaf, torch.fx.Node)]
    values = [leaves[i].meta["val"] for i in at]

    def function(*tensors: Any) -> Any:
        filled = list(leaves)
        for i, tensor in zip(at, tensors, strict=True):
            filled[i] = tensor
        args, kwargs = pytree.tree_unflatten(filled, form)
        return node.target.decompose(*args, **kwargs)  # type: ignore[union-attr]

    modes = [value.fake_mode for value in values if hasattr(value, "fake_mode")]
    try:
        with modes[0], torch.no_grad():
            resolved = make_fx(function)(*values)
    except Exception as error:  # of as many kinds as there are operations
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise call.error(f"the operation cannot be resolved into others ({shorten(reason, 160)})") from None
    if writes_in_place(resolved):
        return None
    names = [inner.name for inner in resolved.graph.nodes if inner.op == "placeholder"]
    given = dict(zip(names, (known[leaves[i].name] for i in at), strict=True))
    (made,) = walk(call.writer, resolved.graph, given, handle, within)
    return list(made) if isinstance(made, tuple) else made


def _constants(call: Call) -> list[Tensor] | None:
    """Return the results of an operation that no input of the network reaches; None where one does."""
    tensors = call.tensors()
    if not all(x.constant for x in tensors) and call.op not in CREATES:
        return None
    # What has as many numbers as the one weight that it is made of counts as that weight: transposed, converted.
    same = len(tensors) == 1 and tensors[0].constant and tensors[0].size == elements(call.shape)
    trained = all(x.constant for x in tensors) and any(x.trained for x in tensors)
    sign = tensors[0].sign if same else _sign(call, tensors)
    return [
        Tensor(call.name, shape, sign=sign if same or sign is None else f"{sign}.{i}", trained=trained)
        for i, shape in enumerate(call.shapes)
    ]


def _sign(call: Call, tensors: list[Tensor]) -> str | None:
    """Return what is the same for all that one operation with the same arguments makes of the same weights."""
    if not tensors or any(not x.constant or x.sign is None for x in tensors):
        return None
    plain = {key: value for key, value in call.arguments.items() if not isinstance(value, Tensor | list | tuple)}
    numbers = [v for v in call.arguments.values() if isinstance(v, list | tuple) and not _has_tensors(v)]
    text = repr((call.op, [x.sign for x in tensors], [x.shape for x in tensors], sorted(plain.items()), numbers))
    return hashlib.sha256(text.encode()).hexdigest()


def _has_tensors(values: Any) -> bool:
    return any(isinstance(value, Tensor) for value in values)


def _given(value: Any, known: dict[str, Any]) -> Any:
    if isinstance(value, list | tuple):
        return [_given(v, known) for v in value]
    return known[value.name] if hasattr(value, "name") and hasattr(value, "op") else value


def shape_of(writer: GraphWriter, name: str, value: Any) -> tuple[int, ...]:
    """Return the shape of a traced tensor, all of it known.

    Raises:
        ChipgymError: it depends on the numbers that the module is given, or does not fit.
    """
    try:
        shape = tuple(int(extent) for extent in value.shape)
    except Exception:  # a symbol that depends on data; torch has a type for each reason
        raise ChipgymError(
            f"{writer.source}: node {shorten(name)}: its shape depends on the numbers that the module is given"
        ) from None
    check_shape(f"{writer.source}: node {shorten(name)}", shape)
    return shape
