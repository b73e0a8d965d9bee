"""The model of one design, a layer at a time in plain Python: what the batch kernel must say, without arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass

from chipgym.simulators.fpga import BRAM18_SHAPES
from chipgym.simulators.hls4ml.lowering import layers as low
from chipgym.simulators.hls4ml.tables.constants import Constants

SIXTEEN = 16  # bits of an accumulator


@dataclass
class Cost:
    """Figures of one layer."""

    stages: float = 0
    interval: float = 1
    busy: float = 0
    fill: float = 0
    drain: float = 0
    lut: float = 0
    ff: float = 0
    dsp: float = 0
    bram18: float = 0


def blocks(width: float, depth: float) -> int:
    return min(math.ceil(width / w) * math.ceil(depth / d) for w, d in BRAM18_SHAPES)


def levels(products: float, bits: int, clock_ns: float, c: Constants) -> int:
    return math.floor((math.log2(products) + math.log2(bits)) * c.level_delay_ns / (clock_ns * 0.875))


def product(layer: low.Layer, knobs: dict, clock_ns: float, c: Constants) -> Cost:
    """A dense or convolutional layer."""
    reuse, bits, wires = knobs["reuse_factor"], knobs["weight_bits"], knobs["activation_bits"]
    resource, stream = knobs["strategy"] == "resource", knobs["io_type"] == "io_stream"
    n_in, n_out, conv = layer.n_in, layer.n_out, layer.is_convolution
    matrix = n_in * n_out
    multipliers = math.ceil(matrix / reuse)
    tiles = math.ceil(max(bits, wires) / 27) * math.ceil(min(bits, wires) / 18)
    in_dsp = max(0.0, 1 - math.exp(-c.dsp_decay * (bits - c.dsp_bits)))
    constants = round(matrix * in_dsp)
    out = Cost()
    if resource and reuse > 1:
        each = reuse / n_in
        out.dsp = multipliers * tiles if bits >= 5 else 0
        core = reuse + 2
        if each == 2 and bits < 5:
            core -= 1
        if each < 1:
            core += levels(n_in / reuse, 1, clock_ns, c)
        interval, rate = reuse, reuse + 2
        out.lut = c.shared_lut_control + c.shared_lut_input_bit * wires * n_in
        out.lut += SIXTEEN * (c.shared_lut_accumulator_bit * n_out + max(multipliers - n_out, 0))
        if each == 2:
            out.lut += SIXTEEN * c.shared_lut_pair_bit * multipliers
        elif each > 2:
            out.lut += SIXTEEN * c.shared_lut_choice_bit * 2 ** math.ceil(math.log2(n_out)) * multipliers
        elif each < 1:
            out.lut += c.shared_lut_choice_bit * n_in * wires
        if bits < 5:
            out.lut += c.shared_lut_small_product * multipliers
        register = SIXTEEN
        if each == 2:
            register = 0 if bits < 5 else bits
        elif bits < 5:
            register = bits
        out.ff = c.shared_ff_control + SIXTEEN * n_out + register * multipliers
        out.bram18 = blocks(bits * multipliers, reuse)
        if each > 2 and reuse * math.ceil(math.log2(each)) >= 1024:
            out.bram18 += 1
    else:
        core = levels(n_in, bits, clock_ns, c)
        deep, interval, rate = core > 0, 1, reuse
        lut_dsp = c.unrolled_lut_dsp_resource if resource else c.unrolled_lut_dsp_latency
        ff_dsp = c.unrolled_ff_dsp_resource if resource else c.unrolled_ff_dsp_latency
        ff_bit = c.unrolled_ff_product_bit_resource if resource else c.unrolled_ff_product_bit_latency
        out.lut = wires * c.unrolled_lut_input_bit * n_in
        out.lut += wires / SIXTEEN * matrix * ((1 - in_dsp) * c.unrolled_lut_product_bit * bits + in_dsp * lut_dsp)
        stage = (1 - in_dsp) * ff_bit * bits + in_dsp * ff_dsp
        out.dsp = constants * tiles
        if resource:
            interval = core + 1
            ends = SIXTEEN * n_out
        else:
            ends = wires * n_in
            if reuse > 1:
                out.dsp = min(constants, multipliers) * tiles
                if constants:
                    core += math.ceil(constants / min(multipliers, constants)) + 2
                else:
                    core += deep
                interval = min(reuse, core + 1)
                if in_dsp > 0:
                    stage = c.unrolled_ff_held * (1 - 1 / reuse) + stage / reuse
        out.ff = ends + (stage * matrix if core > 0 else 0)
    pixels = layer.packets * reuse + (2 * layer.places if rate > reuse else 0)
    out.drain = 1 if conv else core + 2
    if conv:
        out.stages, out.interval = layer.places * rate + core + 2, layer.places * rate
        out.busy = pixels + core + 3
        out.fill = min(((layer.rows - 1) * layer.width + layer.cols) * reuse + core + 3, out.busy)
        if stream:
            out.interval = out.busy + 1
            out.lut += (layer.rows - 1) * layer.channels * math.ceil(layer.width / 32) * wires
            out.ff += n_in * wires
        else:
            out.lut += c.shared_lut_choice_bit * 2 ** math.ceil(math.log2(layer.places)) * n_in * wires
            out.ff += layer.elements * wires
    else:
        out.stages, out.interval = core + 1, interval
        out.busy = out.fill = (layer.packets if layer.packets > 1 else 0) + core + 2
        if stream and layer.packets > 1:
            out.interval = out.busy + 1
    return out


#: By family: LUTs and flip-flops per bit in arrays, then in streams; stages; cycles for one pixel and beside several.
RATES = {
    low.SELECT: (1.6, 0.0, 3.0, 0.0, 0, 0, 2), low.LOOK_UP: (9.1, 1.0, 8.5, 1.0, 2, 2, 4),
    low.SOFTMAX: (19.4, 4.9, 19.4, 4.9, 6, 7, 7), low.ADD: (1.0, 0.0, 1.0, 0.0, 0, 0, 2),
    low.MULTIPLY: (1.0, 1.0, 3.0, 1.0, 1, 1, 3), low.MAX_POOL: (2.5, 1.4, 3.5, 2.0, 0, 3, 3),
    low.AVERAGE_POOL: (1.5, 1.4, 3.5, 2.0, 0, 3, 3),
}  # fmt: skip


def other(layer: low.Layer, knobs: dict) -> Cost:
    """A layer without weights."""
    wires, stream = knobs["activation_bits"], knobs["io_type"] == "io_stream"
    array_lut, array_ff, stream_lut, stream_ff, stages, one, more = RATES[layer.family]
    pool = layer.family in (low.MAX_POOL, low.AVERAGE_POOL)
    lanes = layer.channels if stream else layer.elements
    work = held = lanes
    if pool:
        work = layer.channels * (1 if stream else layer.places) * (layer.n_in - 1)
        held = lanes * layer.n_in if stream else lanes
    several = layer.packets > 1
    out = Cost(stages=stages, busy=layer.packets + more if several else one)
    out.fill = min((layer.rows - 1) * layer.width + layer.cols + more, out.busy)
    out.drain = 1 if several else out.busy
    out.interval = out.busy + 1 if stream and several else 1
    out.lut = wires * (stream_lut if stream else array_lut) * work
    out.ff = wires * (stream_ff if stream else array_ff) * held
    if layer.family in (low.MULTIPLY, low.SOFTMAX):
        out.dsp = lanes * math.ceil(wires / 27) * math.ceil(wires / 18)
    if layer.family == low.LOOK_UP:
        out.bram18 = math.ceil(lanes / 2)
    if layer.family == low.SOFTMAX:
        out.bram18 = math.ceil(lanes / (4 if stream else 2)) + 1
    return out


def evaluate(network: low.LoweredNetwork, knobs: dict, clock_ns: float, c: Constants) -> dict[str, float]:
    """Cycles, interval and resources of one design with one of each knob, whether it fits anywhere or not."""
    stream = knobs["io_type"] == "io_stream"
    read = {j for layer in network.layers for j in layer.sources}
    total = {"lut": 0.0, "ff": 0.0, "dsp": 0.0, "bram18": 0.0}
    interval, done, first = 0.0, [], []
    for i, layer in enumerate(network.layers):
        cost = product(layer, knobs, clock_ns, c) if layer.family == low.PRODUCT else other(layer, knobs)
        cost.lut, cost.ff = round(cost.lut), round(cost.ff)
        if stream and i in read:
            wires = knobs["activation_bits"]
            deep = layer.places * wires > 512
            cost.lut += 35 * layer.n_out
            cost.ff += layer.n_out * (wires + 3 * math.ceil(math.log2(max(layer.places, 2))) if deep else 7)
            cost.bram18 += layer.n_out * blocks(wires, layer.places) if deep else 0
        for name in total:
            total[name] += getattr(cost, name)
        interval = max(interval, cost.interval)
        ready = max((done[j] for j in layer.sources), default=0)
        if stream:
            begin = max((first[j] for j in layer.sources), default=0)
            done.append(max(ready + cost.drain, begin + cost.busy))
            first.append(done[-1] if layer.whole else min(begin + cost.fill, done[-1]))
        else:
            done.append(ready + cost.stages)
    cycles = max(done) - (0 if stream else 1)
    return {"cycles": cycles + (network.batch - 1) * interval, "initiation_interval": interval, **total}
