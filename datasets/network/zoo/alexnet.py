"""AlexNet in the one-column form of Krizhevsky, "One weird trick" (arXiv:1404.5997), as torchvision has it."""

from __future__ import annotations

from ..builder import NetworkBuilder
from ..graph import Network

#: (filters, kernel, stride, padding, whether max pooling follows)
CONVOLUTIONS = (
    (64, 11, 4, 2, True),
    (192, 5, 1, 2, True),
    (384, 3, 1, 1, False),
    (256, 3, 1, 1, False),
    (256, 3, 1, 1, True),
)


def alexnet(*, batch: int = 1) -> Network:
    """Build AlexNet for 3 x 224 x 224 images and 1000 classes.

    It has no local response normalisation, as in torchvision.
    """
    b = NetworkBuilder("alexnet")
    x = b.input((3, 224, 224))
    for index, (filters, kernel, stride, padding, pool) in enumerate(CONVOLUTIONS, start=1):
        x = b.relu(b.conv(x, filters, kernel, stride=stride, padding=padding, name=f"conv{index}"), name=f"relu{index}")
        if pool:
            x = b.max_pool(x, 3, stride=2, name=f"pool{index}")
    # torchvision averages to 6 x 6 here, which the map already is at this image size.
    x = b.flatten(x)
    x = b.relu(b.linear(x, 4096, name="fc6"), name="relu6")
    x = b.relu(b.linear(x, 4096, name="fc7"), name="relu7")
    b.linear(x, 1000, name="fc8")
    return b.build(batch)
