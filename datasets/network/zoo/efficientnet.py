"""EfficientNet (Tan and Le, arXiv:1905.11946, Table 1), squeezed to a quarter of each block's input."""

from __future__ import annotations

from ..builder import NetworkBuilder
from ..graph import Network
from .mobile_blocks import conv_bn, inverted_residual

#: (expansion, kernel, stride of the first block, output channels, blocks)
B0_STAGES = (
    (1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3), (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)  # fmt: skip


def efficientnet_b0(*, batch: int = 1) -> Network:
    """Build EfficientNet-B0 for 3 x 224 x 224 images and 1000 classes."""
    b = NetworkBuilder("efficientnet_b0")
    x = conv_bn(b, b.input((3, 224, 224)), 32, 3, "conv1", function="silu", stride=2)
    block = 0
    for expansion, kernel, first_stride, filters, count in B0_STAGES:
        for repeat in range(count):
            block += 1
            channels = b.shape(x)[0]
            with b.scope(f"block{block}"):
                x = inverted_residual(
                    b, x, channels * expansion, filters, kernel,
                    stride=first_stride if repeat == 0 else 1, function="silu",
                    squeezed=channels // 4, squeeze_function="silu", gate="sigmoid",
                )  # fmt: skip
    x = conv_bn(b, x, 1280, 1, "conv_last", function="silu")
    x = b.flatten(b.global_avg_pool(x, name="avgpool"), name="flatten")
    b.linear(x, 1000, name="fc")
    return b.build(batch)
