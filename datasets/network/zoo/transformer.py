"""What the transformers share: multi-head self-attention and the feed-forward block, operator by operator."""

from __future__ import annotations

from ..builder import NetworkBuilder


def self_attention(b: NetworkBuilder, x: str, heads: int, *, causal: bool = False) -> str:
    """Add multi-head self-attention on (tokens, width), with its output projection; no residual sum.

    Queries, keys and values are three linear layers; implementations that fuse them into one of three times the width
    do the same work. A causal mask blanks scores after they are computed: all tokens x tokens products count.
    """
    tokens, width = b.shape(x)
    split = (tokens, heads, width // heads)
    q, k, v = (b.linear(x, width, name=name) for name in ("q", "k", "v"))
    # (tokens, width) to (heads, tokens, width / heads)
    q, k, v = (
        b.transpose(b.reshape(y, split, name=f"{name}.split"), (1, 0, 2), name=f"{name}.heads")
        for y, name in ((q, "q"), (k, "k"), (v, "v"))
    )
    scores = b.scale(b.matmul(q, k, transpose_b=True, name="scores"), name="scores.scale")
    if causal:
        scores = b.elementwise("mask", scores, name="scores.mask")
    context = b.matmul(b.softmax(scores, name="softmax"), v, name="context")
    context = b.reshape(b.transpose(context, (1, 0, 2), name="context.merge"), (tokens, width), name="context.flat")
    return b.linear(context, width, name="out")


def feed_forward(b: NetworkBuilder, x: str, hidden: int, *, function: str = "gelu") -> str:
    """Add linear to `hidden`, the activation function, linear back; no residual sum."""
    width = b.shape(x)[-1]
    x = b.elementwise(function, b.linear(x, hidden, name="fc1"), name=function)
    return b.linear(x, width, name="fc2")


def pre_norm_block(b: NetworkBuilder, x: str, *, heads: int, hidden: int, causal: bool, function: str) -> str:
    """Add a block that normalises before attention and before the feed-forward part (ViT, GPT-2)."""
    y = b.layer_norm(x, name="ln1")
    with b.scope("attention"):
        y = self_attention(b, y, heads, causal=causal)
    x = b.tensor_add(x, y, name="add1")
    y = b.layer_norm(x, name="ln2")
    with b.scope("mlp"):
        y = feed_forward(b, y, hidden, function=function)
    return b.tensor_add(x, y, name="add2")
