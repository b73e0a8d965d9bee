"""What a run of a workload is made of: passes over graphs, each so and so often, so and so many times over.

A decoder that writes text reads its prompt once (prefill) and then takes a step per further token, each over a longer
KV cache. Time is smooth in the length of the cache, so that three lengths and Simpson's rule stand for all steps. A
pass of a decoder is its block, repeated, and a head; of any other network the whole graph, once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ....datasets import Elementwise, Network
from ....datasets.network.zoo.llama import LlamaConfig, llama
from ..model.columns import PRODUCT
from ..model.policies import ALL_GATHER, ALL_REDUCE, NO_COLLECTIVE
from .graph import KernelGraph, Lowering
from .kernels import Kernel
from .repeats import find_repeats


@dataclass(frozen=True)
class Part:
    """A graph that is run `repeats` times in a row, with weights of its own each time.

    Attributes:
        name: "block" or "head", or its number among the parts of a network and how often it is there.
        searched: whether the design space has cuts and shares of this graph.
        sample_rows: rows of a sample that are cut into tiles.
        fetched: whether what it reads is in memory, from which each kernel fetches it for itself as across any cut,
            rather than brought in once by its source.
    """

    name: str
    graph: KernelGraph
    repeats: int
    searched: bool
    sample_rows: int
    fetched: bool = False


@dataclass(frozen=True)
class Pass:
    """One forward pass over a batch.

    Attributes:
        name: "prefill", "decode@CONTEXT" or "forward".
        parts: run one after another. Decoding has the sections and PCUs of its first pass in all of them.
        times: how many passes of the run this one stands for; not always whole.
        decode: whether it is a step of decoding, one row per sequence.
    """

    name: str
    parts: tuple[Part, ...]
    times: float
    decode: bool = False

    @property
    def staged(self) -> Part | None:
        """The part whose repeats pipeline stages share out; None where no part repeats, or several do."""
        repeated = [part for part in self.parts if part.repeats > 1]
        return repeated[0] if len(repeated) == 1 else None


def decoder_passes(config: LlamaConfig, input_tokens: int, output_tokens: int, word: float) -> tuple[Pass, ...]:
    """Return the passes: prefill, and where more than one token is written steps of decoding.

    The first token comes from the prefill; step i of the others reads `input_tokens` + i kept tokens. The machine is
    configured once for all steps, for those in the middle.
    """
    head = decoder_head(config, word)
    prefill = Pass("prefill", (decoder_block(config, input_tokens, 0, word), head), 1.0)
    steps = output_tokens - 1
    first, last = input_tokens, input_tokens + steps - 1
    weights = {(first + last) // 2: 1.0}
    if last - first >= 2:
        weights = {(first + last) // 2: 4 / 6, first: 1 / 6, last: 1 / 6}
    decode = tuple(
        Pass(f"decode@{past}", (decoder_block(config, 1, past, word), head), steps * weight, True)
        for past, weight in weights.items()
    )
    return (prefill, *decode) if steps else (prefill,)


def decoder_block(config: LlamaConfig, seq: int, past: int, word: float) -> Part:
    """Make a decoder's block, repeated, reading `seq` tokens after `past`."""
    prefix = "layers.0."
    network = llama(replace(config, layers=1), seq=seq, past=past)
    block = [node for node in network.nodes if node.name.startswith(prefix)]
    graph = Lowering(network, word, True, tensor_parallel(config, word), prefix).lower(block, ("embed_tokens",))
    return Part("block", graph, config.layers, True, graph.sample_rows)


def decoder_head(config: LlamaConfig, word: float) -> Part:
    """Make a decoder's head, for one token of every sequence: the norm and the logits.

    The table of embeddings counts as its own: rows of it are looked up.
    """
    network = llama(replace(config, layers=1), seq=1)
    nodes = [network.node("norm"), network.node("lm_head")]
    graph = Lowering(network, word, True, tensor_parallel(config, word)).lower(nodes, ("layers.0.add2",))
    table = network.node_parameters("embed_tokens") * word
    return Part("head", replace(graph, table_bytes=table), 1, False, graph.sample_rows)


def tensor_parallel(config: LlamaConfig, word: float) -> Callable[[Kernel], Kernel]:
    """Return how Megatron's tensor parallelism (Shoeybi et al., arXiv:1909.08053) cuts kernels of a decoder's block.

    Heads and the feed-forward block's width are divided; the two products that lead back to the token's vector are
    divided along what they sum over, and all-reduce their partial sums. More sockets than key-value heads share one.
    New keys and values are written to the cache.
    """
    groups = config.heads // config.kv_heads

    def refine(kernel: Kernel) -> Kernel:
        name = kernel.name.rpartition("_attn_")[2] if "_attn_" in kernel.name else kernel.name.rpartition("mlp_")[2]
        if name in ("scores", "context"):
            return replace(kernel, split_count=config.kv_heads, split_rows=groups)
        if name == "softmax":
            return replace(kernel, split_rows=config.heads)
        if name == "q_proj":
            return replace(kernel, split_cols=config.heads)
        if name in ("k_proj", "v_proj"):
            return replace(kernel, split_cols=config.kv_heads, write=kernel.out)
        if name in ("gate_proj", "up_proj"):
            return replace(kernel, split_cols=config.hidden)
        if name == "mul":
            return replace(kernel, split_rows=config.hidden)
        if name == "o_proj":
            return replace(kernel, split_inner=config.heads, collect=ALL_REDUCE)
        if name == "down_proj":
            # Partial sums of experts are first weighted and added up, which is linear, and all-reduced as one.
            return replace(kernel, split_inner=config.hidden, collect=NO_COLLECTIVE if config.experts else ALL_REDUCE)
        if name == f"combine{config.active - 1}":
            return replace(kernel, collect=ALL_REDUCE)
        if name == "lm_head":
            return replace(kernel, split_cols=config.vocabulary, collect=ALL_GATHER)
        return kernel

    return refine


def network_passes(network: Network, word: float, folded: bool) -> tuple[Pass, ...]:
    """Return one forward pass of any network; `folded`, equal blocks in a row are a part that repeats.

    Tensor parallelism divides the columns of every product with weights (a convolution's filters) and the heads of
    attention, and gathers what they put out, so that everything else is done everywhere.
    """

    def cut(kernel: Kernel) -> Kernel:
        if kernel.kind != PRODUCT:
            return kernel
        if kernel.shared and kernel.count == 1:
            return replace(kernel, split_cols=int(kernel.cols), collect=ALL_GATHER)
        return replace(kernel, split_count=int(kernel.count), collect=ALL_GATHER)

    causal = any(isinstance(node.op, Elementwise) and node.op.function == "mask" for node in network.nodes)
    graph = Lowering(network, word, causal, cut).lower(network.nodes)
    rows = graph.sample_rows  # of all parts the same, so that tiles are what they are where nothing repeats
    stretches = find_repeats(graph, word) if folded else ()
    if all(s.repeats == 1 for s in stretches):
        return (Pass("forward", (Part("block", graph, 1, True, rows),), 1.0),)
    parts = (
        Part(
            f"part{i}" + (f" x{s.repeats}" if s.repeats > 1 else ""),
            s.graph,
            s.repeats,
            True,
            rows,
            fetched=s.repeats > 1 or not s.first,
        )
        for i, s in enumerate(stretches)
    )
    return (Pass("forward", tuple(parts), 1.0),)
