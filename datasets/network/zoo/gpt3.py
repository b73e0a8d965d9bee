"""A layer of the trillion-parameter GPT that DFModel studies as GPT3-1T.

Its sizes are from Narayanan et al., "Efficient Large-Scale Language Model Training on GPU Clusters Using Megatron-LM",
SC 2021, Table 1, last row.
"""

from __future__ import annotations

from ..builder import NetworkBuilder
from ..graph import Network
from ..operator import integer
from .transformer import pre_norm_block

WIDTH, LAYERS, HEADS = 25_600, 128, 160


def gpt3_1t_layer(*, seq: int = 2048, batch: int = 1) -> Network:
    """Build one of the 128 layers, reading `seq` tokens at once; its input is the output of the layer before."""
    b = NetworkBuilder("gpt3_1t_layer")
    x = b.input((integer("gpt3_1t_layer seq", seq), WIDTH), name="hidden")
    pre_norm_block(b, x, heads=HEADS, hidden=4 * WIDTH, causal=True, function="gelu_tanh")
    return b.build(batch)
