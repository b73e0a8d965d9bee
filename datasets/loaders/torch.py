"""PyTorch modules as networks, through `torch.export`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...errors import ChipgymError, shorten
from ..network import Network
from ..network.operator import integer
from .importing import GraphWriter, Tensor
from .torch_graph import shape_of, walk, writes_in_place

if TYPE_CHECKING:
    import torch


def from_torch(
    module: torch.nn.Module,
    example_inputs: Sequence[Any],
    *,
    name: str | None = None,
    batch: int = 1,
    as_traffic: Sequence[str] = (),
) -> Network:
    """Import the network of a PyTorch module, as `torch.export` traces it in evaluation mode.

    The module stays as it is.

    Args:
        module: what computes the network.
        example_inputs: one sample: tensors that the module takes, or tuples of them as `(h0, c0)`, with a first axis of
            1 where it has a batch. What has several there is one sample all the same. Their numbers do not matter
            unless the module's control flow depends on them.
        name: of the network; the module's class by default.
        batch: samples run together.
        as_traffic: operations of PyTorch, such as "heaviside", that are costed as the memory traffic that they cause
            where they are not known here. Without it they are refused.

    Raises:
        ChipgymError: torch is missing, the module cannot be exported, or an operation cannot be told by those of a
            `Network`.
    """
    try:
        import torch
    except ImportError:
        raise ChipgymError("from_torch needs torch: pip install 'chipgym[gnn]'") from None
    if not isinstance(module, torch.nn.Module):
        raise ChipgymError(f"from_torch module: expected a torch.nn.Module, got {shorten(module)}")
    if isinstance(example_inputs, torch.Tensor):
        example_inputs = (example_inputs,)
    if not isinstance(example_inputs, Sequence) or not all(_is_input(x) for x in example_inputs):
        raise ChipgymError(f"from_torch example_inputs: expected a tuple of tensors, got {shorten(example_inputs)}")
    label = type(module).__name__ if name is None else name
    size = integer("batch", batch)
    source = f"module {shorten(label)}"
    modes = [(part, part.training) for part in module.modules()]
    try:
        module.eval()
        with torch.no_grad(), warnings.catch_warnings():
            # Of how modules of PyTorch's own keep their weights, and of what its exporter uses.
            for kind in (UserWarning, FutureWarning, DeprecationWarning):
                warnings.simplefilter("ignore", kind)
            exported = torch.export.export(module, tuple(example_inputs))
            if writes_in_place(exported.graph_module):
                exported = exported.run_decompositions({})  # into operations that make new tensors
    except Exception as error:  # whatever a module's own code raises, and torch.export's many types
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ChipgymError(f"{source}: torch.export cannot trace it ({shorten(reason, 160)})") from None
    finally:
        for part, training in modes:
            part.training = training
    return _network(exported, GraphWriter(label, source, as_traffic), size)


def _is_input(value: Any) -> bool:
    """Tell whether something is a tensor, or tuples, lists or values of a dict that end in tensors."""
    import torch

    if isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        return bool(value) and all(_is_input(part) for part in value)
    return isinstance(value, torch.Tensor)


def _network(exported: torch.export.ExportedProgram, writer: GraphWriter, batch: int) -> Network:
    from .torch_operators import handle

    weights = {
        spec.arg.name: spec
        for spec in exported.graph_signature.input_specs
        if spec.target is not None and spec.kind.name in ("PARAMETER", "BUFFER", "CONSTANT_TENSOR")
    }
    # A weight used under two names is one: what is tied has the same place in the module.
    places: dict[int, str] = {}
    known: dict[str, Any] = {}
    for node in exported.graph.nodes:
        if node.op != "placeholder":
            continue
        value = node.meta.get("val")
        if not hasattr(value, "shape"):
            known[node.name] = value
        elif node.name in weights:
            target = str(weights[node.name].target)
            stored = exported.state_dict.get(target)
            sign = target if stored is None else places.setdefault(id(stored), target)
            trained = weights[node.name].kind.name == "PARAMETER"
            known[node.name] = Tensor(target, shape_of(writer, node.name, value), sign=sign, trained=trained)
        else:
            known[node.name] = writer.input(node.name, shape_of(writer, node.name, value))
    return writer.build(_tensors(walk(writer, exported.graph, known, handle)), batch)


def _tensors(value: Any) -> list[Tensor]:
    """List all tensors of nested lists."""
    if isinstance(value, list | tuple):
        return [x for part in value for x in _tensors(part)]
    return [value] if isinstance(value, Tensor) else []
