"""GPT-2 small (Radford et al., "Language Models are Unsupervised Multitask Learners", 2019, Table 2, first row)."""

from __future__ import annotations

from ....errors import ChipgymError
from ..builder import NetworkBuilder
from ..graph import Network
from ..operator import integer
from .transformer import pre_norm_block

WIDTH, LAYERS, HEADS, HIDDEN = 768, 12, 12, 3072
VOCABULARY, POSITIONS = 50_257, 1024


def gpt2(*, seq: int = 1024, batch: int = 1) -> Network:
    """Build GPT-2 small reading `seq` tokens at once (prefill, at most 1024), with the logits of every token."""
    if integer("gpt2 seq", seq) > POSITIONS:
        raise ChipgymError(f"gpt2 seq: {seq} tokens, at most {POSITIONS}")
    b = NetworkBuilder("gpt2")
    tokens = b.embedding(b.input((seq,), name="input_ids"), VOCABULARY, WIDTH, name="wte")
    positions = b.slice(b.learned((POSITIONS, WIDTH), name="wpe"), axis=0, start=0, stop=seq, name="wpe.slice")
    x = b.tensor_add(tokens, positions, name="embeddings")
    for layer in range(LAYERS):
        with b.scope(f"h{layer}"):
            x = pre_norm_block(b, x, heads=HEADS, hidden=HIDDEN, causal=True, function="gelu_tanh")
    b.linear(b.layer_norm(x, name="ln_f"), VOCABULARY, bias=False, tied_to="wte", name="lm_head")
    return b.build(batch)
