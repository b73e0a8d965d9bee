"""The named networks: one function each, with the published model's shapes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from ....errors import ChipgymError, shorten, unknown
from ..graph import Network
from .alexnet import alexnet
from .bert import bert_base
from .efficientnet import efficientnet_b0
from .gpt2 import gpt2
from .gpt3 import gpt3_1t_layer
from .jet_tagger import jet_tagger
from .llama import llama_2_7b, llama_3_8b, llama_3_70b, mistral_7b, mixtral_8x7b
from .mobilenet import mobilenet_v1, mobilenet_v2
from .mobilenet_v3 import mobilenet_v3_large, mobilenet_v3_small
from .resnet import resnet18, resnet50
from .svhn_cnn import svhn_cnn
from .unet import unet
from .vgg import vgg16
from .vit import vit_b16

_BUILDERS: dict[str, Callable[..., Network]] = {
    "alexnet": alexnet,
    "bert_base": bert_base,
    "efficientnet_b0": efficientnet_b0,
    "gpt2": gpt2,
    "jet_tagger": jet_tagger,
    "gpt3_1t_layer": gpt3_1t_layer,
    "llama-2-7b": llama_2_7b,
    "llama-3-8b": llama_3_8b,
    "llama-3-70b": llama_3_70b,
    "mistral-7b": mistral_7b,
    "mixtral-8x7b": mixtral_8x7b,
    "mobilenet_v1": mobilenet_v1,
    "mobilenet_v2": mobilenet_v2,
    "mobilenet_v3_large": mobilenet_v3_large,
    "mobilenet_v3_small": mobilenet_v3_small,
    "resnet18": resnet18,
    "resnet50": resnet50,
    "svhn_cnn": svhn_cnn,
    "unet": unet,
    "vgg16": vgg16,
    "vit_b16": vit_b16,
}

__all__ = [
    "alexnet",
    "bert_base",
    "build_network",
    "efficientnet_b0",
    "gpt2",
    "gpt3_1t_layer",
    "jet_tagger",
    "llama_2_7b",
    "llama_3_8b",
    "llama_3_70b",
    "mistral_7b",
    "mixtral_8x7b",
    "mobilenet_v1",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "network_names",
    "resnet18",
    "resnet50",
    "svhn_cnn",
    "unet",
    "vgg16",
    "vit_b16",
]


def network_names() -> tuple[str, ...]:
    """List the names that `build_network` and `load_workload` know, sorted."""
    return tuple(sorted(_BUILDERS))


def build_network(name: str, settings: Mapping[str, Any] | None = None) -> Network:
    """Build the named network with batch 1.

    Args:
        name: one of `network_names()`.
        settings: lengths that its function takes by keyword, such as `{"seq": 128}`; its defaults otherwise.

    Raises:
        ChipgymError: no network has that name, or it has no such setting; the message has the nearest.
    """
    if name not in _BUILDERS:
        raise unknown("network", name, _BUILDERS)
    known = [parameter for parameter in inspect.signature(_BUILDERS[name]).parameters if parameter != "batch"]
    for setting in settings or ():
        if not known:
            raise ChipgymError(f"workload {name!r} has no settings, got {shorten(setting)}")
        if setting not in known:
            raise unknown(f"setting of {name!r}", setting, known)
    return _BUILDERS[name](**(settings or {}))
