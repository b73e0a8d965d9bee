"""MobileNetV3 (Howard et al., arXiv:1905.02244, Tables 1 and 2), squeezed widths as in torchvision."""

from __future__ import annotations

from collections.abc import Sequence

from ..builder import NetworkBuilder
from ..graph import Network
from .mobile_blocks import conv_bn, inverted_residual

#: (kernel, expanded channels, output channels, squeeze-and-excitation, activation function, stride)
Block = tuple[int, int, int, bool, str, int]

LARGE: tuple[Block, ...] = (
    (3, 16, 16, False, "relu", 1), (3, 64, 24, False, "relu", 2), (3, 72, 24, False, "relu", 1),
    (5, 72, 40, True, "relu", 2), (5, 120, 40, True, "relu", 1), (5, 120, 40, True, "relu", 1),
    (3, 240, 80, False, "hardswish", 2), (3, 200, 80, False, "hardswish", 1), (3, 184, 80, False, "hardswish", 1),
    (3, 184, 80, False, "hardswish", 1), (3, 480, 112, True, "hardswish", 1), (3, 672, 112, True, "hardswish", 1),
    (5, 672, 160, True, "hardswish", 2), (5, 960, 160, True, "hardswish", 1), (5, 960, 160, True, "hardswish", 1),
)  # fmt: skip
SMALL: tuple[Block, ...] = (
    (3, 16, 16, True, "relu", 2), (3, 72, 24, False, "relu", 2), (3, 88, 24, False, "relu", 1),
    (5, 96, 40, True, "hardswish", 2), (5, 240, 40, True, "hardswish", 1), (5, 240, 40, True, "hardswish", 1),
    (5, 120, 48, True, "hardswish", 1), (5, 144, 48, True, "hardswish", 1), (5, 288, 96, True, "hardswish", 2),
    (5, 576, 96, True, "hardswish", 1), (5, 576, 96, True, "hardswish", 1),
)  # fmt: skip


def mobilenet_v3_large(*, batch: int = 1) -> Network:
    """Build MobileNetV3-Large 1.0 for 3 x 224 x 224 images and 1000 classes."""
    return _mobilenet_v3("mobilenet_v3_large", LARGE, last=960, head=1280, batch=batch)


def mobilenet_v3_small(*, batch: int = 1) -> Network:
    """Build MobileNetV3-Small 1.0 for 3 x 224 x 224 images and 1000 classes."""
    return _mobilenet_v3("mobilenet_v3_small", SMALL, last=576, head=1024, batch=batch)


def _mobilenet_v3(name: str, blocks: Sequence[Block], *, last: int, head: int, batch: int) -> Network:
    b = NetworkBuilder(name)
    x = conv_bn(b, b.input((3, 224, 224)), 16, 3, "conv1", function="hardswish", stride=2)
    for index, (kernel, hidden, filters, squeeze, function, stride) in enumerate(blocks, start=1):
        squeezed = divisible(hidden // 4) if squeeze else 0
        with b.scope(f"block{index}"):
            x = inverted_residual(b, x, hidden, filters, kernel, stride=stride, function=function, squeezed=squeezed)
    x = conv_bn(b, x, last, 1, "conv_last", function="hardswish")
    x = b.flatten(b.global_avg_pool(x, name="avgpool"), name="flatten")
    x = b.elementwise("hardswish", b.linear(x, head, name="fc1"), name="fc1.hardswish")
    b.linear(x, 1000, name="fc2")
    return b.build(batch)


def divisible(channels: int) -> int:
    """Return the nearest multiple of 8, at least 8 and not less than nine tenths of `channels`."""
    rounded = max(8, (channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded
