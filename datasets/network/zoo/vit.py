"""Vision transformer (Dosovitskiy et al., arXiv:2010.11929, Table 1: ViT-Base with 16 x 16 patches)."""

from __future__ import annotations

from ..builder import NetworkBuilder
from ..graph import Network
from .transformer import pre_norm_block

WIDTH, LAYERS, HEADS, HIDDEN, PATCH, IMAGE = 768, 12, 12, 3072, 16, 224


def vit_b16(*, batch: int = 1) -> Network:
    """Build ViT-B/16 for 3 x 224 x 224 images and 1000 classes: 196 patches and the class token."""
    b = NetworkBuilder("vit_b16")
    x = b.input((3, IMAGE, IMAGE))
    x = b.conv(x, WIDTH, PATCH, stride=PATCH, name="patch_embedding")
    patches = (IMAGE // PATCH) ** 2
    x = b.transpose(b.reshape(x, (WIDTH, patches), name="patches.flat"), (1, 0), name="patches")
    x = b.concat(b.learned((1, WIDTH), name="class_token"), x, axis=0, name="tokens")
    x = b.tensor_add(x, b.learned((patches + 1, WIDTH), name="position_embedding"), name="positions")
    for layer in range(LAYERS):
        with b.scope(f"layer{layer}"):
            x = pre_norm_block(b, x, heads=HEADS, hidden=HIDDEN, causal=False, function="gelu")
    x = b.layer_norm(x, name="ln")
    x = b.flatten(b.slice(x, axis=0, start=0, stop=1, name="class_token.out"), name="flatten")
    b.linear(x, 1000, name="head")
    return b.build(batch)
