"""Residual networks (He et al., arXiv:1512.03385, Table 1), node names as in torchvision.

The 50-layer network is the one called v1.5: a bottleneck's stride sits in its 3x3 convolution, not in its first 1x1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..builder import NetworkBuilder
from ..graph import Network

#: Adds one residual block's branch: (builder, input, width, stride) to its last node, before the sum.
Branch = Callable[[NetworkBuilder, str, int, int], str]


def resnet18(*, batch: int = 1) -> Network:
    """Build ResNet-18 for 3 x 224 x 224 images and 1000 classes.

    It has 20 convolutions (3 of them 1x1 shortcuts) and 1 linear layer.
    """
    return resnet("resnet18", basic, (2, 2, 2, 2), expansion=1, batch=batch)


def resnet50(*, batch: int = 1) -> Network:
    """Build ResNet-50 v1.5 for 3 x 224 x 224 images and 1000 classes."""
    return resnet("resnet50", bottleneck, (3, 4, 6, 3), expansion=4, batch=batch)


def resnet(name: str, branch: Branch, blocks: Sequence[int], *, expansion: int, batch: int) -> Network:
    """Build a residual network with `blocks[i]` blocks in stage i.

    Their outputs are `expansion` times the stage's width.
    """
    b = NetworkBuilder(name)
    x = b.input((3, 224, 224))
    x = conv_bn(b, x, 64, 7, "1", stride=2)
    x = b.relu(x, name="relu")
    x = b.max_pool(x, 3, stride=2, padding=1, name="maxpool")
    for stage, count in enumerate(blocks, start=1):
        width = 64 * 2 ** (stage - 1)
        for block in range(count):
            stride = 2 if stage > 1 and block == 0 else 1
            with b.scope(f"layer{stage}.{block}"):
                y = branch(b, x, width, stride)
                if stride > 1 or b.shape(x)[0] != width * expansion:
                    x = b.conv(x, width * expansion, 1, stride=stride, bias=False, name="downsample.conv")
                    x = b.batch_norm(x, name="downsample.bn")
                x = b.relu(b.tensor_add(y, x, name="add"), name="relu_out")
    x = b.flatten(b.global_avg_pool(x, name="avgpool"), name="flatten")
    b.linear(x, 1000, name="fc")
    return b.build(batch)


def basic(b: NetworkBuilder, x: str, width: int, stride: int) -> str:
    """Add two 3x3 convolutions."""
    x = b.relu(conv_bn(b, x, width, 3, "1", stride=stride), name="relu1")
    return conv_bn(b, x, width, 3, "2")


def bottleneck(b: NetworkBuilder, x: str, width: int, stride: int) -> str:
    """Add convolutions: 1x1 to the stage's width, 3x3 with the stride, 1x1 to four times the width."""
    x = b.relu(conv_bn(b, x, width, 1, "1"), name="relu1")
    x = b.relu(conv_bn(b, x, width, 3, "2", stride=stride), name="relu2")
    return conv_bn(b, x, 4 * width, 1, "3")


def conv_bn(b: NetworkBuilder, x: str, filters: int, kernel: int, label: str, *, stride: int = 1) -> str:
    """Add a convolution that keeps the size (but for its stride), and its batch normalisation."""
    x = b.conv(x, filters, kernel, stride=stride, padding=kernel // 2, bias=False, name=f"conv{label}")
    return b.batch_norm(x, name=f"bn{label}")
