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
    ii_sum: float = 8.0       # II named scalar
    ii_sum_cg: float = 8.0     # under cg parent
    ii_array: float = 8.0      # II of array element reduction
    ii_serial: float = 14.0    # II per addend of a sequential
    ii_guarded: float = 14.0
    tree: float = 8.0          # per level
    trees_unnamed: float = 0.0 # 1: unnamed reductions get trees
    loop: float = 2.0        # per iteration of an outer loop
    pipe: float = 8.0        # per pipelined loop start
    start: float = 1000.0
    width: float = 256.0
    transfer: float = 1.5
    parallel: float = 0.5
    row_latency: float = 130.0
    off_chip: float = 16.0
    off_chip_copy: float = 0.5
    tile_top: float = 400.0
    tile_in: float = 400.0
    tile_factor: float = 1.0
    tile_flat: float = 0.2
    ragged: float = 1.5
    flat_sum: float = 1.0 # flattens nests with declared reduction in child
    flat_plain: float = 1.0
    cache_bytes: float = 1.2e6
    linear: float = 0.0
    indirect: float = 1.0
    mismatch: float = 5.0

SDX = Tool(add=13,mul=15,div=60,ii_sum=13,ii_sum_cg=13,ii_array=13,ii_serial=14,tree=11,start=1200,flat_plain=0.0,parallel=.5,off_chip=16,off_chip_copy=.5,ragged=1.0)
V20 = Tool(add=5,mul=5,div=25,ii_sum=1,ii_sum_cg=4,ii_array=5,ii_serial=5,tree=5,start=1300,flat_sum=0.0,parallel=0.0,off_chip=64.5,off_chip_copy=2,ragged=1.5)
V21 = Tool(add=5,mul=7,div=22,ii_sum=4.5,ii_sum_cg=4.5,ii_array=5,ii_serial=5,tree=4,start=150,parallel=1.0,trees_unnamed=1.0,off_chip=0,off_chip_copy=0,width=128,tile_top=500,tile_in=30)
TOOLS = {"sdx-2018.3": SDX, "vitis-2020.2": V20, "vitis-2021.1": V21}
