"""Knobs, resources, devices and options of the HLS simulator."""

from __future__ import annotations

import numpy as np
import pytest

import chipgym
from chipgym.datasets import Access, Array, Kernel, Loop, build_kernel, kernel_names
from chipgym.errors import ChipgymError
from chipgym.simulators.fpga.formulas.program import make_program
from chipgym.simulators.hls import HlsSimulator, tool_names
from chipgym.simulators.hls.lowering.nest import make_nest
from chipgym.simulators.hls.model.latency import schedule
from chipgym.simulators.hls.model.resources import operators
from chipgym.simulators.hls.space import para_values
from chipgym.simulators.hls.tables.tools import load_tool


def made(kernel: str, tool: str, **knobs: float) -> dict[str, float]:
    """Operators of one design."""
    nest, constants = make_nest(build_kernel(kernel)), load_tool(tool)
    program = make_program(
        tuple(knobs), lambda terms: operators(nest, schedule(nest, terms, constants), constants)
    )  # fmt: skip
    out = program.run({name: np.array([value]) for name, value in knobs.items()}, 1)
    return {name: float(column[0]) for name, column in out.items()}


def test_knobs_are_the_tables_own():
    space = HlsSimulator("gemm-ncubed").space
    assert space.names == ("para_L0", "para_L1", "para_L2", "pipe_L0", "pipe_L1", "tile_L0", "tile_L1")
    assert space.default == {n: "off" if n.startswith("pipe") else 1 for n in space.names}
    assert para_values(120) == (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 16, 20, 24, 30, 32, 120)
    assert para_values(59) == (1, 2, 4, 8, 16, 32, 59)


@pytest.mark.parametrize("kernel", kernel_names())
def test_every_kernel_has_a_feasible_default(kernel):
    for tool in tool_names():
        out = HlsSimulator(kernel, tool=tool).evaluate({})
        assert out["feasible"].all()
        assert out["cycles"][0] > 0


def test_fully_unrolled_products_take_the_slices_of_the_reports():
    """gemm with its inner sum unrolled: 64 products and additions, 896 slices in SDx, 704 in Vitis (as reported)."""
    for tool, slices in (("sdx-2018.3", 896), ("vitis-2020.2", 704)):
        sim = HlsSimulator("gemm-ncubed", tool=tool)
        assert sim.evaluate({"pipe_L1": "flatten"})["dsp"] == slices
        assert sim.evaluate({"pipe_L1": "flatten", "para_L1": 8})["dsp"] == 8 * slices
        assert sim.evaluate({"pipe_L1": "flatten", "para_L0": 8})["dsp"] == slices  # its copies share the banks


@pytest.mark.parametrize(("element", "slices"), [("int8", 1), ("int16", 1), ("int32", 4), ("int64", 10)])
def test_products_of_wider_integers_take_more_slices(element, slices):
    """Reports: 2,232 slices for 558 products of int32 (stencil in SDx), 640 for 64 of int64 (stencil-3d)."""
    loop = Loop("L0", 16, knobs=("para",), operations={"imul": 2}, loads=(Access.parse("a[L0]"),))
    kernel = Kernel("scale", (Array("a", element, (16,)),), (loop,))
    for tool in tool_names():
        assert HlsSimulator(kernel, tool=tool).evaluate({"para_L0": 16})["dsp"] == 32 * slices


def test_a_scalar_scales_the_vector_of_a_sum_once():
    for tool, one in (("sdx-2018.3", 11), ("vitis-2020.2", 8)):
        sim = HlsSimulator("gemver", tool=tool)
        slices = [sim.evaluate({"pipe_L3": "flatten", "para_L3": copies})["dsp"][0] for copies in (1, 2)]
        # w[i] += a·A[i][j]·x[j]: a product and an addition for every j and copy, and one multiplier for a·x[j]
        assert slices[0] - one == 120 * (one + 3)
        assert slices[1] - slices[0] == 120 * (one + 3)
        # tmp[i][j] += a·A[i][k]·B[k][j] has no vector: both products are made in place
        flat = HlsSimulator("2mm", tool=tool).evaluate({"pipe_L2": "flatten"})["dsp"][0]
        assert flat == 70 * (2 * one + 3)


def test_operators_are_shared_by_the_interval():
    plain = made("seidel-2d", "vitis-2021.1")
    assert plain["ddiv"] == 1
    assert plain["dadd"] == 1  # eight additions, an iteration every fifty cycles
    assert made("gemm-ncubed", "vitis-2020.2", para_L2=64)["dmul"] == 64


def test_copies_under_a_time_loop_cost_hardware_but_bring_no_time():
    plain, copied = (made("fdtd-2d", "sdx-2018.3", para_L0_2=copies)["dadd"] for copies in (1, 4))
    assert plain == 4  # the last phase's; phases share them
    assert copied == 4 * 2
    sim = HlsSimulator("fdtd-2d", tool="sdx-2018.3")
    assert sim.evaluate({"para_L0_2": 4})["cycles"] == sim.evaluate({})["cycles"]


@pytest.mark.parametrize(
    ("kernel", "tool", "design", "resource", "published"),
    [
        # Reports of the tools: sums in registers, chains of products, ports that two rows share, banks of ports.
        ("gemm-p", "vitis-2020.2", {"para_L0": 5, "para_L3": 70}, "dsp", 3557),
        ("adi", "sdx-2018.3", {"pipe_L1": "flatten"}, "dsp", 1915),
        ("symm-opt", "vitis-2020.2", {"para_L1": 2, "pipe_L1": "flatten"}, "dsp", 1300),
        ("gemm-p-large", "vitis-2020.2", {"para_L0": 4, "para_L2": 4, "pipe_L2": "flatten"}, "dsp", 479),
        ("symm-opt-medium", "sdx-2018.3", {"para_L3": 64}, "bram18", 1512),
        ("symm-opt-medium", "sdx-2018.3", {"para_L2": 64, "para_L3": 64}, "bram18", 3542),
        ("gemver", "sdx-2018.3", {"para_L5": 4, "pipe_L3": "flatten"}, "bram18", 1210),
        ("atax", "vitis-2020.2", {"para_L0_0": 124}, "lut", 555653),
        ("atax", "vitis-2021.1", {"para_L0_1": 124}, "lut", 614765),
    ],
)  # fmt: skip
def test_resources_of_published_reports(kernel, tool, design, resource, published):
    found = HlsSimulator(kernel, tool=tool).evaluate(design)[resource][0]
    assert found == pytest.approx(published, rel=0.4)
    assert found == np.ceil(found)


def test_long_vectors_in_registers_are_too_large():
    """A loop that sets s turns to any of its 390 elements: 5.7 million look-up tables; with 390 copies, 0.2 million."""
    sim = HlsSimulator("bicg-medium", tool="vitis-2021.1")
    alone, together = sim.evaluate([{"para_L2": 390}, {"para_L2": 390, "para_L0": 390}])["lut"]
    assert alone > 1_182_240 > together


def test_a_smaller_device_holds_less():
    design = {"pipe_L1": "flatten", "para_L1": 2}
    large, small = (HlsSimulator("gemm-ncubed", device=d).evaluate(design) for d in ("xcvu9p", "xc7z020"))
    assert large["feasible"][0]
    assert not small["feasible"][0]
    assert large["cycles"] == small["cycles"]
    assert small["dsp_utilization"][0] == large["dsp"][0] / 220
    limits = HlsSimulator("gemm-ncubed", device="xc7z020").broken_limits(design)
    assert {limit.name for limit in limits} >= {"dsp_utilization", "lut_utilization"}
    worst = max(limit.value / limit.limit for limit in limits)
    assert small["violation"][0] == pytest.approx(worst - 1)


def test_the_budget_is_the_share_that_counts():
    design = {"pipe_L1": "flatten", "para_L1": 4}
    share = HlsSimulator("gemm-ncubed").evaluate(design)["dsp_utilization"][0]
    assert HlsSimulator("gemm-ncubed", budget=1.0).evaluate(design)["feasible"][0]
    assert not HlsSimulator("gemm-ncubed", budget=share / 2).evaluate(design)["feasible"][0]


def test_loops_are_told_apart():
    sim = HlsSimulator("gemm-ncubed")
    loops = sim.evaluate_loops({"pipe_L1": "flatten", "para_L1": 4})
    assert loops.names == ("L0", "L1", "L2")
    assert loops.kinds == ("loop", "pipelined", "unrolled")
    assert loops["copies"].tolist() == [1, 4, 64]
    assert loops["iterations"].tolist() == [64, 16, 1]
    assert loops["interval"][1] == 1
    total = sim.evaluate({"pipe_L1": "flatten", "para_L1": 4})["cycles"][0]
    assert 0 < loops["cycles"][0] < total  # the rest is transfers
    with pytest.raises(ChipgymError, match="takes one design, not 2"):
        sim.evaluate_loops([{}, {}])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tool": "vitis-2020"}, "did you mean 'vitis-2020.2'"),
        ({"device": "xcvu9"}, "did you mean 'xcvu9p'"),
        ({"budget": 0}, "budget: 0 is not a share above 0 and up to 1"),
        ({"budget": "half"}, "budget: 'half' is not a share"),
        ({"workload": "resnet18"}, "the hls simulator runs loop kernels"),
        ({"workload": "gemm"}, "unknown workload 'gemm'"),
    ],
)
def test_bad_options_say_so(options, message):
    with pytest.raises(ChipgymError, match=message) as error:
        chipgym.make_simulator("hls", **options)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("design", "message"),
    [
        ({"para_L0": 65}, "para_L0: 65 is not a whole number from 1 to 64; nearest is 64"),
        ({"pipe_L1": "on"}, "unknown value of pipe_L1: 'on'"),
        ({"para_L7": 2}, "para_L7"),
    ],
)
def test_bad_designs_say_so(design, message):
    with pytest.raises(ChipgymError, match=message):
        HlsSimulator("gemm-ncubed").evaluate(design)


def test_tools_and_kernels_are_part_of_the_identity():
    ids = {str(HlsSimulator(k, tool=t).identity()) for k in ("atax", "bicg") for t in tool_names()}
    assert len(ids) == 6
