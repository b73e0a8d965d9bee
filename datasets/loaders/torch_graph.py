"""Walks a graph of `torch.export` in order, with each operation's arguments by the names of PyTorch's schema."""

from __future__ import annotations

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
        """Of the first result."""
        return self.shapes[0]

    @property
    def x(self) -> Tensor:
        """The first tensor."""
        return self.tensors()[0]

    def get(self, name: str, default: Any = None) -> Any:
        found = self.arguments.get(name, _MISSING)
        return default if found is _MISSING or found is None else found

    def tensor(self, name: str) -> Tensor | None:
        """The argument of that name, if it is a tensor."""
        found = self.arguments.get(name)
        return found if isinstance(found, Tensor) else None

    def tensors(self) -> list[Tensor]:
        """All tensors among the arguments, those of lists included, in order."""
        found = []
        for value in self.arguments.values():
            found += [v for v in (value if isinstance(value, list | tuple) else [value]) if isinstance(v, Tensor)]
        return found

    def dim(self, name: str = "dim", default: int = -1, rank: int | None = None) -> int:
        """An axis, counted from the front."""
        rank = len(self.x.shape) if rank is None else rank
        return int(self.get(name, default)) % max(rank, 1)

    def error(self, text: str) -> ChipgymError:
        return ChipgymError(f"{self.writer.source}: {self.op} node {shorten(self.name)}: {text}")


#: Writes one operation; answers a tensor for each of its results, or for the first alone.
Handler = Callable[[Call], "Tensor | list[Tensor]"]


def walk(writer: GraphWriter, graph: torch.fx.Graph, known: dict[str, Any], handle: Handler) -> list[Any]:
    """Writes a graph's nodes; `known` has its placeholders. Answers what it puts out, lists within lists.

    Raises:
        ChipgymError: a shape depends on data, control flow, or `handle` refuses an operation.
    """
    for node in graph.nodes:
        if node.op == "get_attr":
            known[node.name] = _attribute(writer, graph, node)
        elif node.op == "call_function":
            known[node.name] = _call(writer, node, known, handle)
        elif node.op == "output":
            return [_given(value, known) for value in node.args]
    return []


def _attribute(writer: GraphWriter, graph: torch.fx.Graph, node: torch.fx.Node) -> Any:
    """A part of the module that the graph names: a graph within it, or a constant."""
    found = graph.owning_module
    for name in str(node.target).split("."):
        found = getattr(found, name)
    if hasattr(found, "graph"):
        return found
    return Tensor(node.name, shape_of(writer, node.name, found)) if hasattr(found, "shape") else found


def _call(writer: GraphWriter, node: torch.fx.Node, known: dict[str, Any], handle: Handler) -> Any:
    given = [_given(value, known) for value in node.args]
    if node.target is operator.getitem:
        return given[0][given[1]]
    op = str(node.target)
    if op.startswith("wrap"):
        # A part that runs under another mode (autocast, no gradients): a graph, then what it is given.
        at = next(i for i, value in enumerate(given) if hasattr(value, "graph"))
        inner = given[at].graph
        names = [n.name for n in inner.nodes if n.op == "placeholder"]
        (made,) = walk(writer, inner, dict(zip(names, given[at + 1 :], strict=True)), handle)
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
    shapes = tuple(shape_of(writer, node.name, v) for v in results if hasattr(v, "shape"))
    if not shapes:
        return values
    call = Call(writer, op.split(".")[1].removesuffix("_"), node.name, arguments, shapes)
    constants = _constants(call)
    if constants is not None:
        return constants if many else constants[0]
    made = handle(call)
    if many:
        return made if isinstance(made, list) else [made]
    return made[0] if isinstance(made, list) else made


def _constants(call: Call) -> list[Tensor] | None:
    """The results of an operation that no input of the network reaches; None where one does."""
    tensors = call.tensors()
    if not all(x.constant for x in tensors) and call.op not in CREATES:
        return None
    # A weight that is transposed or converted stays the same weight.
    same = len(tensors) == 1 and tensors[0].constant and tensors[0].size == elements(call.shape)
    return [Tensor(call.name, shape, sign=tensors[0].sign if same else None) for shape in call.shapes]


def _given(value: Any, known: dict[str, Any]) -> Any:
    if isinstance(value, list | tuple):
        return [_given(v, known) for v in value]
    return known[value.name] if hasattr(value, "name") and hasattr(value, "op") else value


def shape_of(writer: GraphWriter, name: str, value: Any) -> tuple[int, ...]:
    """The shape of a traced tensor, all of it known."""
    try:
        shape = tuple(int(extent) for extent in value.shape)
    except Exception:  # a symbol that depends on data; torch has a type for each reason
        raise ChipgymError(
            f"{writer.source}: node {shorten(name)}: its shape depends on the numbers that the module is given"
        ) from None
    check_shape(f"{writer.source}: node {shorten(name)}", shape)
    return shape
