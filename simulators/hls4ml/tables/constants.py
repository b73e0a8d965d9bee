"""The constants of the model: those fitted to Vivado HLS reports, from `constants.json`, and those that are rules."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, fields
from importlib import resources
from typing import Any

#: hls4ml's default accumulator, ap_fixed<16,6>: what products are cut to and summed in.
ACCUMULATOR_BITS = 16
#: Multiplications that Vivado HLS still unrolls: 4032 was built (arXiv:2101.05108, its layer of 96 inputs and 42
#: outputs, kept below the limit on purpose), 4096 never in the reports of wa-hls4ml.
MOST_UNROLLED = 4095
#: Weights of fewer bits are multiplied by in LUTs (wa-hls4ml: 4 bits always, 6 hardly; Yosys maps 4 so, 5 to a DSP).
DSP_BITS = 5
#: Bits of the two operands of a DSP48E2's signed multiplier (AMD UG579).
DSP_PORTS = (27, 18)
#: Bits of an index table from which on Vivado HLS puts it into a block RAM (in wa-hls4ml: 960 bits never, 1024 mostly).
BLOCK_RAM_BITS = 1024
#: Part of the clock period that Vivado HLS keeps back by default (AMD UG902: clock uncertainty).
CLOCK_UNCERTAINTY = 0.125


@dataclass(frozen=True, slots=True)
class Constants:
    """Fitted constants; `constants.json` has the unit and the meaning of each."""

    dsp_bits: float
    dsp_decay: float
    level_delay_ns: float
    unrolled_lut_input_bit: float
    unrolled_lut_product_bit: float
    unrolled_lut_dsp_latency: float
    unrolled_lut_dsp_resource: float
    unrolled_ff_product_bit_latency: float
    unrolled_ff_product_bit_resource: float
    unrolled_ff_dsp_latency: float
    unrolled_ff_dsp_resource: float
    unrolled_ff_held: float
    shared_lut_control: float
    shared_lut_input_bit: float
    shared_lut_accumulator_bit: float
    shared_lut_pair_bit: float
    shared_lut_choice_bit: float
    shared_lut_small_product: float
    shared_ff_control: float


@functools.cache
def load_constants() -> Constants:
    """Load the constants that ship."""
    text = resources.files(__package__).joinpath("constants.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)["constants"]
    return Constants(**{f.name: float(table[f.name]["value"]) for f in fields(Constants)})
