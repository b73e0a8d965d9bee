"""U-Net (Ronneberger, Fischer and Brox, arXiv:1505.04597, Figure 1): unpadded convolutions, cropped skips."""

from __future__ import annotations

from ..builder import NetworkBuilder
from ..graph import Network
from ..operators import ConvTranspose2d

WIDTHS = (64, 128, 256, 512, 1024)


def unet(*, batch: int = 1) -> Network:
    """Build U-Net for 1 x 572 x 572 images: 2 classes of each of the inner 388 x 388 pixels."""
    b = NetworkBuilder("unet")
    x = b.input((1, 572, 572))
    skips: list[str] = []
    for level, width in enumerate(WIDTHS, start=1):
        if skips:
            x = b.max_pool(x, 2, name=f"pool{level - 1}")
        x = double_conv(b, x, width, f"down{level}")
        skips.append(x)
    for level in range(len(WIDTHS) - 1, 0, -1):
        width = WIDTHS[level - 1]
        x = b.add(ConvTranspose2d(width, (2, 2), (2, 2)), x, name=f"up{level}.conv")
        skip = crop(b, skips[level - 1], b.shape(x)[1], f"up{level}.crop")
        x = double_conv(b, b.concat(skip, x, axis=0, name=f"up{level}.concat"), width, f"up{level}")
    b.conv(x, 2, 1, name="classes")
    return b.build(batch)


def double_conv(b: NetworkBuilder, x: str, width: int, name: str) -> str:
    """Add two unpadded 3x3 convolutions, each with relu."""
    for index in (1, 2):
        x = b.relu(b.conv(x, width, 3, name=f"{name}.conv{index}"), name=f"{name}.relu{index}")
    return x


def crop(b: NetworkBuilder, x: str, size: int, name: str) -> str:
    """Cut out the middle `size` x `size` of a square map."""
    start = (b.shape(x)[1] - size) // 2
    rows = b.slice(x, axis=1, start=start, stop=start + size, name=f"{name}.rows")
    return b.slice(rows, axis=2, start=start, stop=start + size, name=name)
