"""PyTorch modules as networks, through `torch.export`."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import ChipgymError, shorten
from ..network import Network
from ..network.operator import integer
from .importing import GraphWriter, Tensor
from .importing.writer import check_shape

if TYPE_CHECKING:
    import torch

_MISSING = object()


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


def from_torch(
    module: torch.nn.Module, example_inputs: Sequence[torch.Tensor], *, name: str | None = None, batch: int = 1
) -> Network:
    """The network of a PyTorch module, as `torch.export` traces it in evaluation mode; the module stays as it is.

    Args:
        example_inputs: one sample: tensors that the module takes, with a first axis of 1 where it has a batch. Their
            numbers do not matter unless the module's control flow depends on them.
        name: of the network; the module's class by default.
        batch: samples run together.

    Raises:
        ChipgymError: torch is missing, the module cannot be exported, or an operation cannot be told by those of a
            `Network`.
    """
    try:
        import torch
    except ImportError:
        raise ChipgymError("from_torch needs torch: pip install 'chipgym[rl]'") from None
    if not isinstance(module, torch.nn.Module):
        raise ChipgymError(f"from_torch module: expected a torch.nn.Module, got {shorten(module)}")
    if isinstance(example_inputs, torch.Tensor):
        example_inputs = (example_inputs,)
    if not isinstance(example_inputs, Sequence) or not all(isinstance(x, torch.Tensor) for x in example_inputs):
        raise ChipgymError(f"from_torch example_inputs: expected a tuple of tensors, got {shorten(example_inputs)}")
    label = type(module).__name__ if name is None else name
    size = integer("batch", batch)
    source = f"module {shorten(label)}"
    modes = [(part, part.training) for part in module.modules()]
    try:
        module.eval()
        with warnings.catch_warnings():  # of how modules of PyTorch's own keep their weights
            warnings.simplefilter("ignore", UserWarning)
            exported = torch.export.export(module, tuple(example_inputs))
    except Exception as error:  # whatever a module's own code raises, and torch.export's many types
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ChipgymError(f"{source}: torch.export cannot trace it ({shorten(reason, 160)})") from None
    finally:
        for part, training in modes:
            part.training = training
    return _network(exported, GraphWriter(label, source), size)


def _network(exported: torch.export.ExportedProgram, writer: GraphWriter, batch: int) -> Network:
    from .torch_operators import handle

    weights = {
        spec.arg.name: spec.target
        for spec in exported.graph_signature.input_specs
        if spec.target is not None and spec.kind.name in ("PARAMETER", "BUFFER", "CONSTANT_TENSOR")
    }
    # A weight used under two names is one: what is tied has the same place in the module.
    places: dict[int, str] = {}
    known: dict[str, Any] = {}
    outputs: list[Tensor] = []
    for node in exported.graph.nodes:
        if node.op == "placeholder":
            value = node.meta.get("val")
            if not hasattr(value, "shape"):
                known[node.name] = value
                continue
            shape = _shape(writer, node.name, value)
            if node.name in weights:
                target = str(weights[node.name])
                stored = exported.state_dict.get(target)
                sign = target if stored is None else places.setdefault(id(stored), target)
                known[node.name] = Tensor(target, shape, sign=sign)
            else:
                known[node.name] = writer.input(node.name, shape)
        elif node.op == "call_function":
            known[node.name] = _call(writer, node, known, handle)
        elif node.op == "output":
            outputs = _tensors([_given(value, known) for value in node.args])
    return writer.build(outputs, batch)


def _tensors(value: Any) -> list[Tensor]:
    """All tensors of nested lists."""
    if isinstance(value, list | tuple):
        return [x for part in value for x in _tensors(part)]
    return [value] if isinstance(value, Tensor) else []


def _call(writer: GraphWriter, node: torch.fx.Node, known: dict[str, Any], handle: Callable[[Call], Any]) -> Any:
    if node.target is operator.getitem:
        source, index = node.args
        return known[source.name][index]  # type: ignore[union-attr,index]
    op = str(node.target)
    if not op.startswith("aten."):
        if all(not isinstance(_given(a, known), Tensor) for a in node.args):
            return node.meta.get("val")
        raise ChipgymError(
            f"{writer.source}: node {shorten(node.name)}: {shorten(op)} is not an operation of PyTorch's own"
        )
    schema = node.target._schema  # type: ignore[union-attr]
    arguments = {
        argument.name: _given(value, known) for argument, value in zip(schema.arguments, node.args, strict=False)
    }
    arguments |= {key: _given(value, known) for key, value in node.kwargs.items()}
    values = node.meta.get("val")
    many = isinstance(values, list | tuple)
    results: list[Any] = list(values) if isinstance(values, list | tuple) else [values]
    shapes = tuple(_shape(writer, node.name, v) for v in results if hasattr(v, "shape"))
    if not shapes:
        return values
    call = Call(writer, op.split(".")[1].removesuffix("_"), node.name, arguments, shapes)
    tensors = call.tensors()
    if all(x.constant for x in tensors):
        sign = tensors[0].sign if len(tensors) == 1 and tensors[0].size == Tensor("", shapes[0]).size else None
        constants = [Tensor(node.name, shape, sign=sign) for shape in shapes]
        return constants if many else constants[0]
    made = handle(call)
    if many:
        return made if isinstance(made, list) else [made]
    return made[0] if isinstance(made, list) else made


def _given(value: Any, known: dict[str, Any]) -> Any:
    if isinstance(value, list | tuple):
        return [_given(v, known) for v in value]
    return known[value.name] if hasattr(value, "name") and hasattr(value, "op") else value


def _shape(writer: GraphWriter, name: str, value: Any) -> tuple[int, ...]:
    """The shape of a traced tensor, all of it known."""
    try:
        shape = tuple(int(extent) for extent in value.shape)
    except Exception:  # a symbol that depends on data; torch has a type for each reason
        raise ChipgymError(
            f"{writer.source}: node {shorten(name)}: its shape depends on the numbers that the module is given"
        ) from None
    check_shape(f"{writer.source}: node {shorten(name)}", shape)
    return shape
