"""Devices by name, and block RAMs by shape."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipgym.errors import ChipgymError
from chipgym.simulators.fpga import BRAM18_SHAPES, RESOURCES, bram18_count, fpga_device_names, load_fpga_device


@pytest.mark.parametrize("name", fpga_device_names())
def test_every_device(name):
    device = load_fpga_device(name)
    assert device.name == name
    assert device.part.startswith(name)
    assert device.source
    assert set(device.resources) == set(RESOURCES)
    assert device.resources["ff"] == 2 * device.resources["lut"]  # two flip-flops beside every look-up table
    assert device.resources["bram18"] % 2 == 0
    assert load_fpga_device(device.part) is device
    assert pickle.loads(pickle.dumps(device)) is device


def test_dies_that_are_the_same():
    for board, die in (("xcu200", "xcvu9p"), ("xcu250", "xcvu13p")):
        assert load_fpga_device(board).resources == load_fpga_device(die).resources


@pytest.mark.parametrize(("name", "says"), [("xcu25", "did you mean"), ("", "known"), (5, "known"), (None, "known")])
def test_no_such_device(name, says):
    with pytest.raises(ChipgymError, match=says) as error:
        load_fpga_device(name)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("depth", "width", "blocks"),
    # Yosys 0.5x, synth_xilinx -family xcup, in RAMB18 (a RAMB36 is two)
    [(512, 36, 1), (512, 72, 2), (1024, 18, 1), (1024, 32, 2), (2048, 16, 2), (4096, 8, 2), (256, 128, 4),
     (1000, 20, 2), (64, 64, 2)],
)  # fmt: skip
def test_block_rams_as_yosys_maps_them(depth, width, blocks):
    assert bram18_count(width, depth) == blocks


@given(width=st.integers(1, 5000), depth=st.integers(1, 100_000))
def test_block_rams_hold_what_they_must(width, depth):
    count = float(bram18_count(width, depth))
    assert count == min(-(-width // w) * -(-depth // d) for w, d in BRAM18_SHAPES)
    assert count * 18 * 1024 >= width * depth
    assert count <= bram18_count(width + 1, depth)
    assert count <= bram18_count(width, depth + 1)


def test_block_rams_of_columns():
    widths, depths = np.array([[8], [36]]), np.array([512, 2048])
    assert bram18_count(widths, depths).tolist() == [[1, 1], [1, 4]]
