"""VGG (Simonyan and Zisserman, arXiv:1409.1556, Table 1, configuration D), without batch normalisation."""

from __future__ import annotations

from ..builder import NetworkBuilder
from ..graph import Network

#: (3x3 convolutions, filters) of each stage; max pooling ends a stage.
STAGES = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))


def vgg16(*, batch: int = 1) -> Network:
    """Build VGG-16 for 3 x 224 x 224 images and 1000 classes."""
    b = NetworkBuilder("vgg16")
    x = b.input((3, 224, 224))
    for stage, (count, filters) in enumerate(STAGES, start=1):
        for layer in range(1, count + 1):
            x = b.conv(x, filters, 3, padding=1, name=f"conv{stage}_{layer}")
            x = b.relu(x, name=f"relu{stage}_{layer}")
        x = b.max_pool(x, 2, name=f"pool{stage}")
    x = b.flatten(x)
    x = b.relu(b.linear(x, 4096, name="fc6"), name="relu6")
    x = b.relu(b.linear(x, 4096, name="fc7"), name="relu7")
    b.linear(x, 1000, name="fc8")
    return b.build(batch)
