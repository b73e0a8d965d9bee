"""How large an ONNX model becomes when its functions are resolved: functions that call functions grow without bound."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ...errors import ChipgymError, shorten
from .onnx_graph import MAX_NODES

if TYPE_CHECKING:
    import onnx

#: Most functions that call one another in a row; PyTorch's exporter nests as deep as modules do.
MAX_DEPTH = 64
#: Most bytes of all nodes, constants in them included, that functions become.
MAX_BYTES = 2**28

_Name = tuple[str, str, str]


def check_functions(model: onnx.ModelProto, source: str) -> None:
    """Raise ChipgymError where functions call themselves, nest too deep, or become too many nodes or bytes."""
    bodies = {(f.domain, f.name, getattr(f, "overload", "")): f.node for f in model.functions}
    sizes: dict[_Name, tuple[int, int]] = {}

    def size(nodes: Iterable[onnx.NodeProto], callers: tuple[_Name, ...]) -> tuple[int, int]:
        """Count the nodes and bytes that `nodes` become."""
        count = total = 0
        for node in nodes:
            count, total = count + 1, total + node.ByteSize()
            inner = [g for a in node.attribute for g in (a.g, *a.graphs) if g.node]
            parts = [size(graph.node, callers) for graph in inner]
            name = (node.domain, node.op_type, getattr(node, "overload", ""))
            if name in bodies:
                parts.append(called(name, callers))
            count, total = count + sum(n for n, _ in parts), total + sum(b for _, b in parts)
        return count, total

    def called(name: _Name, callers: tuple[_Name, ...]) -> tuple[int, int]:
        if name in callers:
            raise ChipgymError(f"{source}: function {shorten(name[1])} calls itself")
        if len(callers) >= MAX_DEPTH:
            raise ChipgymError(f"{source}: function {shorten(callers[0][1])} nests more than {MAX_DEPTH} functions")
        if name not in sizes:
            sizes[name] = size(bodies[name], (*callers, name))
        return sizes[name]

    count, total = size(model.graph.node, ())
    if count > MAX_NODES:
        raise ChipgymError(f"{source}: its functions become {count:.3g} operators, expected at most {MAX_NODES}")
    if total > MAX_BYTES:
        raise ChipgymError(
            f"{source}: its functions become {total / 2**20:.3g} MiB, expected at most {MAX_BYTES // 2**20}"
        )
