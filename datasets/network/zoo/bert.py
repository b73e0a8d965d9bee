"""BERT-Base (Devlin et al., arXiv:1810.04805), the encoder with its pooler and no task head, uncased vocabulary."""

from __future__ import annotations

from ....errors import ChipgymError
from ..builder import NetworkBuilder
from ..graph import Network
from ..operator import integer
from .transformer import feed_forward, self_attention

WIDTH, LAYERS, HEADS, HIDDEN = 768, 12, 12, 3072
VOCABULARY, POSITIONS, SEGMENTS = 30_522, 512, 2


def bert_base(*, seq: int = 128, batch: int = 1) -> Network:
    """Build BERT-Base on `seq` tokens (at most 512)."""
    if integer("bert_base seq", seq) > POSITIONS:
        raise ChipgymError(f"bert_base seq: {seq} tokens, at most {POSITIONS}")
    b = NetworkBuilder("bert_base")
    with b.scope("embeddings"):
        words = b.embedding(b.input((seq,), name="input_ids"), VOCABULARY, WIDTH, name="word")
        segments = b.embedding(b.input((seq,), name="token_type_ids"), SEGMENTS, WIDTH, name="token_type")
        positions = b.learned((POSITIONS, WIDTH), name="position")
        positions = b.slice(positions, axis=0, start=0, stop=seq, name="position.slice")
        x = b.tensor_add(b.tensor_add(words, segments, name="add1"), positions, name="add2")
        x = b.layer_norm(x, name="ln")
    for layer in range(LAYERS):
        # Normalises after each residual sum, unlike ViT and GPT-2.
        with b.scope(f"layer{layer}"):
            with b.scope("attention"):
                y = self_attention(b, x, HEADS)
            x = b.layer_norm(b.tensor_add(x, y, name="add1"), name="ln1")
            with b.scope("mlp"):
                y = feed_forward(b, x, HIDDEN)
            x = b.layer_norm(b.tensor_add(x, y, name="add2"), name="ln2")
    first = b.slice(x, axis=0, start=0, stop=1, name="pooler.first")
    b.tanh(b.linear(first, WIDTH, name="pooler.dense"), name="pooler.tanh")
    return b.build(batch)
