"""The named networks: one function each, with the published model's shapes."""

from __future__ import annotations

from collections.abc import Callable

from ....errors import unknown
from ..graph import Network
from .alexnet import alexnet
from .bert import bert_base
from .gpt2 import gpt2
from .mobilenet import mobilenet_v1, mobilenet_v2
from .resnet import resnet18, resnet50
from .vgg import vgg16
from .vit import vit_b16

_BUILDERS: dict[str, Callable[[], Network]] = {
    "alexnet": alexnet,
    "bert_base": bert_base,
    "gpt2": gpt2,
    "mobilenet_v1": mobilenet_v1,
    "mobilenet_v2": mobilenet_v2,
    "resnet18": resnet18,
    "resnet50": resnet50,
    "vgg16": vgg16,
    "vit_b16": vit_b16,
}

__all__ = [
    "alexnet",
    "bert_base",
    "build_network",
    "gpt2",
    "mobilenet_v1",
    "mobilenet_v2",
    "network_names",
    "resnet18",
    "resnet50",
    "vgg16",
    "vit_b16",
]


def network_names() -> tuple[str, ...]:
    """Names that `build_network` and `load_workload` know, sorted."""
    return tuple(sorted(_BUILDERS))


def build_network(name: str) -> Network:
    """The named network with batch 1 and its default sequence length.

    Raises:
        ChipgymError: no network has that name; the message has the nearest.
    """
    if name not in _BUILDERS:
        raise unknown("network", name, _BUILDERS)
    return _BUILDERS[name]()
