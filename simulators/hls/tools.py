"""Synthesis tools: latencies of their operators, and the constants of how they schedule."""

from __future__ import annotations

from dataclasses import dataclass, fields

@dataclass(frozen=True)
class Tool:
    add: float = 8.0
    mul: float = 8.0
    div: float = 40.0
    imul: float = 3.0
    iadd: float = 1.0
    memory: float = 4.0       # load to store overhead of a body
    ii_sum: float = 8.0       # II of a scalar sum, not unrolled
    ii_tree: float = 8.0     # unrolled
    ii_array: float = 8.0      # II of array element reduction
    ii_array_tree: float = 8.0
    ii_outer: float = 8.0      # sum over a pipelined outer loop
    ii_serial: float = 14.0    # II per addend of a sequential
    ii_memory: float = 14.0   # through memory
    ports: float = 2.0
    thrash: float = 1.5
    tree: float = 8.0          # per level
    trees_unnamed: float = 0.0 # 1: unnamed reductions get trees
    loop: float = 2.0        # per iteration of an outer loop
    pipe: float = 8.0        # per pipelined loop start
    start: float = 1000.0
    width: float = 512.0
    transfer: float = 1.0
    parallel: float = 0.5
    row_latency: float = 130.0
    off_chip: float = 4.0
    burst_words: float = 4.0
    off_chip_copy: float = 0.5
    wide_words: float = 8.0
    wide_cg: float = 0.0
    tile_top: float = 400.0
    tile_in: float = 400.0
    tile_factor: float = 1.0
    tile_column: float = 1.0
    tile_flat: float = 0.2
    ragged: float = 1.0
    flat_sum: float = 1.0 # flattens nests with declared reduction in child
    flat_plain: float = 1.0
    cache_bytes: float = 1.2e6
    linear: float = 0.0
    indirect: float = 1.0
    mismatch: float = 5.0
    ragged_free: float = 1.0
    ragged_coarse: float = 0.3
    chain_store: float = 2.0
    ii_serial_coarse: float = 5.0
    small: float = 1.0
    port_bound: float = 0.0
    mismatch_u: float = 0.0
    ragged_guarded: float = 4.0
    ragged_copies: float = 1.0
    para_sum: float = 0.0
    tile_unrolled: float = 0.0
    flat_inner: float = 0.0
    tile_linear: float = 1.0

SDX = Tool(port_bound=1,indirect=.4,ii_serial_coarse=12,add=12,mul=10,div=60,ii_sum=13,ii_tree=13,ii_array=13,ii_array_tree=13,ii_outer=13,ii_serial=14,ii_memory=28,ports=2,tree=12,pipe=6,memory=12,start=800,flat_plain=0.0,parallel=0.0,off_chip=1,burst_words=4,off_chip_copy=.5,wide_cg=0,ragged=1.0,mismatch=0,mismatch_u=14,flat_inner=1,tile_column=0.5,ragged_free=.05,ragged_guarded=10)
V20 = Tool(ragged_free=.4,ragged_guarded=4,ragged_copies=0,mismatch=10,mismatch_u=.3,para_sum=1,tile_unrolled=1,tile_column=1.05,tile_in=256,ii_serial_coarse=1,memory=10,pipe=4,add=5,mul=5,div=22,ii_sum=4,ii_tree=1,ii_array=5,ii_array_tree=2,ii_outer=2,ii_serial=5.9,ii_memory=12,ports=8,tree=5,start=600,flat_sum=0.0,parallel=0.0,off_chip=2.5,burst_words=1,off_chip_copy=2,wide_cg=1,ragged=1.0)
V21 = Tool(mismatch=13,para_sum=1,tile_column=.1,tile_unrolled=1,memory=10,pipe=4,add=5,mul=5,div=22,ii_sum=4.5,ii_tree=4.5,ii_array=5,ii_array_tree=5,ii_outer=5,ii_serial=5,ii_memory=14,ports=8,tree=4,start=300,parallel=1.0,trees_unnamed=1.0,flat_plain=0.0,flat_sum=0.0,ragged_free=.4,ragged_guarded=4,ragged_copies=0,off_chip=2.5,burst_words=1,off_chip_copy=2,wide_cg=1,width=512,tile_top=500,tile_in=100)
TOOLS = {"sdx-2018.3": SDX, "vitis-2020.2": V20, "vitis-2021.1": V21}
