"""A feed-forward block of routed experts (Mixtral 8x7B, arXiv:2401.04088, section 2.1)."""

from __future__ import annotations

from ..builder import NetworkBuilder
from ..operators import Generic


def routed_experts(b: NetworkBuilder, x: str, hidden: int, experts: int, active: int) -> str:
    """Add SwiGLU in `active` of `experts` blocks for each token of (tokens, width), weighted and added up.

    The router's largest logits choose the blocks, and their softmax weighs what comes back. Row i · tokens + t of the
    routed rows is token t on its way to its i-th expert.
    """
    tokens, width = b.shape(x)
    logits = b.linear(x, experts, bias=False, name="router")
    # One comparison with each expert's logit for every one that is kept.
    chosen = b.add(Generic("TopK", (tokens, active), experts), logits, name="top_k")
    weights = b.transpose(b.softmax(chosen, name="softmax"), (1, 0), name="weights.rows")
    weights = b.reshape(weights, (active * tokens, 1), name="weights.column")
    y = b.concat(*(x,) * active, axis=0, name="routed") if active > 1 else x
    gate = b.elementwise("silu", _experts(b, y, hidden, experts, active, "gate_proj"), name="silu")
    up = _experts(b, y, hidden, experts, active, "up_proj")
    y = _experts(b, b.elementwise("mul", gate, up, name="mul"), width, experts, active, "down_proj")
    y = b.elementwise("mul", y, weights, name="weigh")
    total = b.slice(y, axis=0, start=0, stop=tokens, name="expert0")
    for i in range(1, active):
        part = b.slice(y, axis=0, start=i * tokens, stop=(i + 1) * tokens, name=f"expert{i}")
        total = b.tensor_add(total, part, name=f"combine{i}")
    return total


def _experts(b: NetworkBuilder, x: str, width: int, experts: int, active: int, name: str) -> str:
    return b.expert_linear(x, width, experts=experts, active=active, name=name)
