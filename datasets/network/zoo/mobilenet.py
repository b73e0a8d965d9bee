"""MobileNets: v1 (Howard et al., arXiv:1704.04861, Table 1) and v2 (Sandler et al., arXiv:1801.04381, Table 2)."""

from __future__ import annotations

from ..builder import NetworkBuilder
from ..graph import Network

#: (stride of the depthwise 3x3, filters of the pointwise 1x1)
V1_BLOCKS = ((1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512), *((1, 512),) * 5, (2, 1024), (1, 1024))

#: (expansion, output channels, blocks, stride of the first block)
V2_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def mobilenet_v1(*, batch: int = 1) -> Network:
    """Build MobileNet 1.0 for 3 x 224 x 224 images and 1000 classes."""
    b = NetworkBuilder("mobilenet_v1")
    x = b.input((3, 224, 224))
    x = conv_bn_relu(b, x, 32, 3, "conv1", stride=2)
    for index, (stride, filters) in enumerate(V1_BLOCKS, start=2):
        x = conv_bn_relu(b, x, b.shape(x)[0], 3, f"conv{index}_dw", stride=stride, groups=b.shape(x)[0])
        x = conv_bn_relu(b, x, filters, 1, f"conv{index}_pw")
    x = b.flatten(b.global_avg_pool(x, name="avgpool"), name="flatten")
    b.linear(x, 1000, name="fc")
    return b.build(batch)


def mobilenet_v2(*, batch: int = 1) -> Network:
    """Build MobileNetV2 1.0 for 3 x 224 x 224 images and 1000 classes."""
    b = NetworkBuilder("mobilenet_v2")
    x = b.input((3, 224, 224))
    x = conv_bn_relu(b, x, 32, 3, "conv1", stride=2)
    block = 0
    for expansion, filters, count, first_stride in V2_STAGES:
        for repeat in range(count):
            block += 1
            with b.scope(f"block{block}"):
                x = inverted_residual(b, x, expansion, filters, first_stride if repeat == 0 else 1)
    x = conv_bn_relu(b, x, 1280, 1, "conv_last")
    x = b.flatten(b.global_avg_pool(x, name="avgpool"), name="flatten")
    b.linear(x, 1000, name="fc")
    return b.build(batch)


def inverted_residual(b: NetworkBuilder, x: str, expansion: int, filters: int, stride: int) -> str:
    """Add 1x1 expansion, depthwise 3x3 and linear 1x1 projection; summed with the input where the shapes agree."""
    channels = b.shape(x)[0]
    hidden = channels * expansion
    y = x if expansion == 1 else conv_bn_relu(b, x, hidden, 1, "expand")
    y = conv_bn_relu(b, y, hidden, 3, "depthwise", stride=stride, groups=hidden)
    y = b.batch_norm(b.conv(y, filters, 1, bias=False, name="project"), name="project.bn")
    return b.tensor_add(x, y, name="add") if stride == 1 and channels == filters else y


def conv_bn_relu(
    b: NetworkBuilder, x: str, filters: int, kernel: int, name: str, *, stride: int = 1, groups: int = 1
) -> str:
    """Add a convolution with batch normalisation and relu6."""
    x = b.conv(x, filters, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False, name=name)
    return b.relu6(b.batch_norm(x, name=f"{name}.bn"), name=f"{name}.relu")
