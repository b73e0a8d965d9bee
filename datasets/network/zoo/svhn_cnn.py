"""The convolutional network of hls4ml (Aarrestad et al., arXiv:2101.05108) for street-view house numbers."""

from __future__ import annotations

from ..builder import NetworkBuilder
from ..graph import Network

#: Section 4: filters of 3 x 3 without padding, each with batch normalisation, relu and 2 x 2 max pooling.
FILTERS = (16, 16, 24)
#: Neurons of the hidden dense layers, each with batch normalisation and relu.
HIDDEN = (42, 64)
CLASSES = 10


def svhn_cnn(*, batch: int = 1) -> Network:
    """Build three convolutions and three dense layers for 3 x 32 x 32 images and ten digits."""
    b = NetworkBuilder("svhn_cnn")
    x = b.input((3, 32, 32))
    for layer, filters in enumerate(FILTERS, start=1):
        x = b.batch_norm(b.conv(x, filters, 3, bias=False, name=f"conv{layer}"), name=f"conv{layer}_norm")
        x = b.max_pool(b.relu(x, name=f"conv{layer}_relu"), 2, name=f"pool{layer}")
    x = b.flatten(x)
    for layer, width in enumerate(HIDDEN, start=1):
        x = b.batch_norm(b.linear(x, width, bias=False, name=f"fc{layer}"), name=f"fc{layer}_norm")
        x = b.relu(x, name=f"fc{layer}_relu")
    b.softmax(b.linear(x, CLASSES, name="output"), name="softmax")
    return b.build(batch)
