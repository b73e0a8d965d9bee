"""The Llama family of decoders by configuration.

These are Llama 2 (arXiv:2307.09288), Llama 3 (arXiv:2407.21783, Table 3), Mistral 7B (arXiv:2310.06825, Table 1) and
Mixtral 8x7B (arXiv:2401.04088, Table 1).

Each reads `seq` new tokens after `past` that it has read before, whose keys and values it keeps: a prefill has no past,
a step of decoding is one new token.
"""

from __future__ import annotations

from dataclasses import dataclass

from ....errors import ChipgymError
from ..builder import NetworkBuilder
from ..graph import Network
from ..operator import integer
from .experts import routed_experts


@dataclass(frozen=True)
class LlamaConfig:
    """The shapes of one model.

    Attributes:
        width: of a token's vector.
        heads, kv_heads: query heads, and key-value heads, each of which several query heads share.
        hidden: width of the gated feed-forward block.
        positions: most tokens that it was trained for.
        window: most tokens that one attends to (sliding-window attention); 0 for all.
        experts: feed-forward blocks of a layer, of which each token goes to `active` ones; 0 for a single one.
    """

    name: str
    layers: int
    width: int
    heads: int
    kv_heads: int
    hidden: int
    vocabulary: int
    positions: int
    window: int = 0
    experts: int = 0
    active: int = 0


LLAMA_2_7B = LlamaConfig("llama-2-7b", 32, 4096, 32, 32, 11_008, 32_000, 4096)
LLAMA_3_8B = LlamaConfig("llama-3-8b", 32, 4096, 32, 8, 14_336, 128_256, 8192)
LLAMA_3_70B = LlamaConfig("llama-3-70b", 80, 8192, 64, 8, 28_672, 128_256, 8192)
MISTRAL_7B = LlamaConfig("mistral-7b", 32, 4096, 32, 8, 14_336, 32_000, 32_768, window=4096)
MIXTRAL_8X7B = LlamaConfig("mixtral-8x7b", 32, 4096, 32, 8, 14_336, 32_000, 32_768, experts=8, active=2)
#: Configuration by the name that the network of it is registered under.
DECODERS = {config.name: config for config in (LLAMA_2_7B, LLAMA_3_8B, LLAMA_3_70B, MISTRAL_7B, MIXTRAL_8X7B)}


def llama_2_7b(*, seq: int = 128, past: int = 0, batch: int = 1) -> Network:
    """Build Llama 2 7B reading `seq` tokens after `past`."""
    return llama(LLAMA_2_7B, seq=seq, past=past, batch=batch)


def llama_3_8b(*, seq: int = 128, past: int = 0, batch: int = 1) -> Network:
    """Build Llama 3 8B reading `seq` tokens after `past`."""
    return llama(LLAMA_3_8B, seq=seq, past=past, batch=batch)


def llama_3_70b(*, seq: int = 128, past: int = 0, batch: int = 1) -> Network:
    """Build Llama 3 70B reading `seq` tokens after `past`."""
    return llama(LLAMA_3_70B, seq=seq, past=past, batch=batch)


def mistral_7b(*, seq: int = 128, past: int = 0, batch: int = 1) -> Network:
    """Build Mistral 7B v0.1 reading `seq` tokens after `past`, of which the last 4096 are kept."""
    return llama(MISTRAL_7B, seq=seq, past=past, batch=batch)


def mixtral_8x7b(*, seq: int = 128, past: int = 0, batch: int = 1) -> Network:
    """Build Mixtral 8x7B reading `seq` tokens after `past`, each through two of eight experts."""
    return llama(MIXTRAL_8X7B, seq=seq, past=past, batch=batch)


def llama(config: LlamaConfig, *, seq: int, past: int = 0, batch: int = 1) -> Network:
    """Build a decoder of the family, with the logits of every new token.

    Embedding and output layer have weights of their own. A causal mask or a window blanks scores after they are
    computed: all new tokens x kept tokens products count.

    Raises:
        ChipgymError: `seq + past` is more than the positions that the model was trained for.
    """
    seq, past = integer(f"{config.name} seq", seq), integer(f"{config.name} past", past, 0)
    if seq + past > config.positions:
        raise ChipgymError(f"{config.name}: {seq} new and {past} past tokens, at most {config.positions} together")
    kept = min(past, config.window) if config.window else past
    b = NetworkBuilder(config.name)
    x = b.embedding(b.input((seq,), name="input_ids"), config.vocabulary, config.width, name="embed_tokens")
    for layer in range(config.layers):
        with b.scope(f"layers.{layer}"):
            y = b.rms_norm(x, name="input_layernorm")
            with b.scope("self_attn"):
                y = grouped_attention(b, y, config, kept)
            x = b.tensor_add(x, y, name="add1")
            y = b.rms_norm(x, name="post_attention_layernorm")
            with b.scope("mlp"):
                if config.experts:
                    y = routed_experts(b, y, config.hidden, config.experts, config.active)
                else:
                    y = gated_feed_forward(b, y, config.hidden)
            x = b.tensor_add(x, y, name="add2")
    b.linear(b.rms_norm(x, name="norm"), config.vocabulary, bias=False, name="lm_head")
    return b.build(batch)


def grouped_attention(b: NetworkBuilder, x: str, config: LlamaConfig, past: int) -> str:
    """Add grouped-query attention (arXiv:2305.13245) with rotary positions over `past` kept tokens and those of `x`."""
    seq, width = b.shape(x)
    head, groups = width // config.heads, config.kv_heads
    heads = []
    for name, count in (("q", config.heads), ("k", groups), ("v", groups)):
        y = b.linear(x, count * head, bias=False, name=f"{name}_proj")
        y = y if name == "v" else b.elementwise("rotary", y, name=f"{name}_rotary")
        y = b.reshape(y, (seq, count, head), name=f"{name}.split")
        heads.append(b.transpose(y, (1, 0, 2), name=f"{name}.heads"))
    q, k, v = heads
    if past:
        kept = (b.input((groups, past, head), name=f"past_{name}") for name in ("keys", "values"))
        k, v = (
            b.concat(old, new, axis=1, name=f"{name}.all")
            for old, new, name in zip(kept, (k, v), ("k", "v"), strict=True)
        )
    # The query heads that share a key head stand above one another in one product.
    q = b.reshape(q, (groups, config.heads // groups * seq, head), name="q.groups")
    scores = b.scale(b.matmul(q, k, transpose_b=True, name="scores"), name="scores.scale")
    if seq > 1:
        scores = b.elementwise("mask", scores, name="scores.mask")
    context = b.matmul(b.softmax(scores, name="softmax"), v, name="context")
    context = b.reshape(context, (config.heads, seq, head), name="context.heads")
    context = b.reshape(b.transpose(context, (1, 0, 2), name="context.merge"), (seq, width), name="context.flat")
    return b.linear(context, width, bias=False, name="o_proj")


def gated_feed_forward(b: NetworkBuilder, x: str, hidden: int) -> str:
    """Add SwiGLU (arXiv:2002.05202): one linear layer gates another, a third leads back."""
    gate = b.elementwise("silu", b.linear(x, hidden, bias=False, name="gate_proj"), name="silu")
    up = b.linear(x, hidden, bias=False, name="up_proj")
    return b.linear(b.elementwise("mul", gate, up, name="mul"), b.shape(x)[-1], bias=False, name="down_proj")
