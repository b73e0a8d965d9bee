"""Cycles: a second implementation, the published rules, and what must hold of any design."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scalar import Scalar

import chipgym
from chipgym.datasets import Access, Array, Carried, Kernel, Loop, build_kernel, kernel_names
from chipgym.simulators.hls import HlsSimulator, tool_names
from chipgym.simulators.hls.lowering.nest import make_nest
from chipgym.simulators.hls.tables.tools import load_tool

TOOLS = tool_names()


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("kernel", kernel_names())
def test_the_batch_is_the_scalar_walk(kernel, tool):
    sim = HlsSimulator(kernel, tool=tool)
    rows = sim.space.sample(24, np.random.default_rng(3))
    nest = make_nest(build_kernel(kernel))
    slow = [Scalar(nest, sim.space.design(row), load_tool(tool)).cycles() for row in rows]
    np.testing.assert_allclose(sim.evaluate(rows)["cycles"], slow, rtol=1e-9)


def cycles(kernel: str, tool: str, **design: object) -> float:
    return float(HlsSimulator(kernel, tool=tool).evaluate(design)["cycles"][0])


@pytest.mark.parametrize("tool", TOOLS)
def test_unrolling_all_inside_is_flattening(tool):
    """Innermost loops are always pipelined, and a loop whose inside is unrolled is the pipelined one."""
    by_factor = cycles("gemm-ncubed", tool, para_L1=2, para_L2=64)
    by_flatten = cycles("gemm-ncubed", tool, para_L1=2, pipe_L1="flatten")
    chain = (
        63 * load_tool(tool).operators.cycles["dadd"]
    )  # what flattening unrolls is added up in turn rather than in a tree
    assert abs(by_factor - by_flatten) <= chain
    assert by_factor < cycles("gemm-ncubed", tool) / 20


@pytest.mark.parametrize("tool", TOOLS)
def test_tiles_of_one_and_of_everything_are_none(tool):
    plain = cycles("gemm-ncubed", tool)
    assert cycles("gemm-ncubed", tool, tile_L1=64) == cycles("gemm-ncubed", tool, tile_L0=1) == plain
    assert cycles("stencil-3d", tool, tile_L1=4) > cycles("stencil-3d", tool, tile_L1=16) > cycles("stencil-3d", tool)


@pytest.mark.parametrize("tool", TOOLS)
def test_coarse_copies_of_a_loop_with_a_dependence_do_nothing(tool):
    assert cycles("seidel-2d", tool, para_L0=4, para_L1=16) == cycles("seidel-2d", tool)
    assert cycles("symm", tool, para_L1=10) == cycles("symm", tool)


@pytest.mark.parametrize("tool", ["sdx-2018.3", "vitis-2020.2"])
def test_a_reduction_without_a_name_gains_nothing_from_unrolling(tool):
    assert cycles("bicg-medium", tool, para_L2=15) == pytest.approx(cycles("bicg-medium", tool), rel=0.05)


def test_a_reduction_without_a_name_becomes_a_tree_in_2021():
    assert cycles("bicg-medium", "vitis-2021.1", para_L2=15) < 0.6 * cycles("bicg-medium", "vitis-2021.1")


@pytest.mark.parametrize(
    ("kernel", "tool", "design", "published"),
    [
        # docs/hls.md has the rules that these are read with; figures are of the tools' reports.
        ("gemm-ncubed", "sdx-2018.3", {"para_L1": 2, "pipe_L1": "flatten"}, 4460),
        ("bicg-medium", "sdx-2018.3", {}, 2236071),
        ("trmm", "vitis-2020.2", {}, 4096717),
        ("trmm", "vitis-2021.1", {"para_L2": 4}, 4100847),
        ("seidel-2d", "vitis-2021.1", {}, 30620000),
        ("gemm-ncubed", "vitis-2020.2", {"para_L1": 8}, 21120000),
        ("nw", "vitis-2021.1", {"para_L3": 128, "pipe_L2": "flatten"}, 33906),
        ("gesummv", "vitis-2021.1", {"pipe_L0": "flatten"}, 4580),
        ("stencil-3d", "vitis-2020.2", {"tile_L1": 2}, 1542657),
        ("gemm-p-large", "vitis-2020.2", {"para_L3": 16}, 3159693),
        ("atax", "vitis-2021.1", {"para_L0_0": 31}, 52813),
        ("atax", "sdx-2018.3", {"para_L0_0": 124, "para_L0_1": 8}, 76409),
        ("fdtd-2d-large", "vitis-2020.2",
         {"para_L4": 2, "para_L7": 4, "pipe_L2": "flatten", "pipe_L3": "flatten"}, 20308775),
    ],
)  # fmt: skip
def test_published_reports(kernel, tool, design, published):
    assert cycles(kernel, tool, **design) == pytest.approx(published, rel=0.2)


def test_transfers_use_the_port_that_rows_are_aligned_to():
    """gesummv moves rows of 720 bytes: 128 bits a cycle, 4050 cycles for each of two matrices (2020.2 in turn)."""
    floor = {tool: cycles("gesummv", tool, pipe_L0="flatten") for tool in ("vitis-2020.2", "vitis-2021.1")}
    assert floor["vitis-2020.2"] > 2 * 4050
    assert 4050 < floor["vitis-2021.1"] < 2 * 4050


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(kernel_names()), st.sampled_from(TOOLS), st.integers(0, 2**32 - 1))
def test_any_design_is_answered(kernel, tool, seed):
    sim = HlsSimulator(kernel, tool=tool)
    out = sim.evaluate(sim.space.sample(8, np.random.default_rng(seed)))
    least = sum(a.size * a.bits for a in sim.workload.arrays if a.role in ("in", "inout")) / 512 / 20
    assert (out["cycles"] > least).all()
    for name in ("lut", "ff", "dsp", "bram18"):
        assert np.isfinite(out[name]).all()
        assert (out[name] >= 0).all()
    over = np.max([out[f"{name}_utilization"] for name in ("lut", "ff", "dsp", "bram18")], axis=0) > 0.8
    np.testing.assert_array_equal(out["feasible"], ~over)
    np.testing.assert_array_equal(np.isnan(out["latency_s"]), over)
    np.testing.assert_allclose(out["latency_s"][~over], out["cycles"][~over] * 4e-9)


def test_a_kernel_of_ones_own_runs():
    kernel = build_kernel("gesummv")
    own = Kernel("mine", kernel.arrays, kernel.loops)
    same = chipgym.make_simulator("hls", workload=own).evaluate({"para_L1": 9})
    assert same["cycles"] == chipgym.make_simulator("hls", workload="gesummv").evaluate({"para_L1": 9})["cycles"]


def summing(
    element: str, operations: dict[str, int], chain: tuple[str, ...], *, declared: str = "sum", into: str = "sum"
) -> Kernel:
    """1,024 elements of two arrays, one sum, minimum or product of them."""
    loop = Loop(
        "L0", 1024, knobs=("pipe", "para"), operations=operations, reduction=declared,
        loads=(Access.parse("a[L0]"), Access.parse("b[L0]")), carried=(Carried(into, chain, reduction=True),),
    )  # fmt: skip
    arrays = (Array("a", element, (1024,)), Array("b", element, (1024,)), Array("out", element, (1,), "out"))
    return Kernel("summing", arrays, (loop,))


def start_interval(kernel: Kernel, tool: str) -> float:
    return float(HlsSimulator(kernel, tool=tool).evaluate_loops({})["interval"][0])


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("element", ["int8", "uint8", "int16", "int32", "int64"])
@pytest.mark.parametrize("declared", ["sum", "*", ""])
@pytest.mark.parametrize("into", ["sum", "out"])
def test_whole_numbers_are_added_up_one_a_cycle(tool, element, declared, into):
    """Whatever names the sum, and whether it is a scalar or an element that every iteration adds to."""
    for chain in (("iadd",), ("logic",), ()):
        kernel = summing(element, {"imul": 1, "iadd": 1, "logic": 1}, chain, declared=declared, into=into)
        assert start_interval(kernel, tool) == 1
        transfers = 2 * 1024 * kernel.arrays[0].bits / 512
        assert 1024 < HlsSimulator(kernel, tool=tool).evaluate({})["cycles"][0] - transfers < 1400


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("flattened", [False, True])
def test_whole_numbers_become_trees_without_being_declared(tool, flattened):
    """AMD UG1399: expressions of integers are balanced, those of floating point are not."""
    kernel = summing("int32", {"imul": 1, "iadd": 1}, ("iadd",), declared="")
    plain, eight = HlsSimulator(kernel, tool=tool).evaluate([{}, {"para_L0": 8}])["cycles"]
    assert plain - eight > 0.8 * (1024 - 128)
    whole = HlsSimulator(kernel, tool=tool).evaluate({"para_L0": 1024} | ({"pipe_L0": "flatten"} if flattened else {}))
    assert whole["cycles"][0] < eight


@pytest.mark.parametrize("tool", TOOLS)
def test_a_sum_waits_for_the_adder_of_its_type(tool):
    """Double before single before whole numbers, whose adders the tools make of 12 or 5, 8 or 4, and one stage."""
    took = load_tool(tool).operators.cycles
    sums = {
        p: start_interval(summing(element, {f"{p}mul": 1, f"{p}add": 1}, (f"{p}add",)), tool)
        for p, element in (("d", "double"), ("f", "float"), ("i", "int32"))
    }
    assert sums["d"] == load_tool(tool).fitted.ii_sum
    assert sums["f"] == pytest.approx(sums["d"] * took["fadd"] / took["dadd"])
    assert sums["d"] > sums["f"] > sums["i"] == 1
    maximum = start_interval(summing("double", {"dcmp": 1}, ("dcmp",)), tool)
    assert 1 < maximum < sums["f"]  # a comparison is quicker than an addition
    product = start_interval(summing("int32", {"imul": 1}, ("imul",)), tool)
    assert 1 < product < sums["f"]
    mixed = Loop("L0", 64, operations={"iadd": 1, "dadd": 1}, carried=(
        Carried("count", ("iadd",), reduction=True), Carried("sum", ("dadd",), reduction=True),
    ), reduction="sum", loads=(Access.parse("a[L0]"),))  # fmt: skip
    assert start_interval(Kernel("mixed", (Array("a", "double", (64,)),), (mixed,)), tool) == sums["d"]


@pytest.mark.parametrize("tool", TOOLS)
def test_counting_where_data_says_goes_through_memory(tool):
    """histogram[x[i]] += 1: load, add and store, before the next may load: two to three cycles for integers."""
    kernels = [
        Kernel("histogram", (Array("x", "int32", (1024,)), Array("bins", element, (64,), "inout")), (
            Loop("L0", 1024, operations={step: 1}, loads=(Access.parse("x[L0]"), Access.parse("bins[?]")),
                 stores=(Access.parse("bins[?]"),), carried=(Carried("bins", (step,), reduction=True),)),
        ))
        for element, step in (("int32", "iadd"), ("float", "fadd"), ("double", "dadd"))
    ]  # fmt: skip
    whole, single, double = (start_interval(kernel, tool) for kernel in kernels)
    assert 2 <= whole <= 3
    assert whole < single < double == load_tool(tool).fitted.ii_memory


@pytest.mark.parametrize("tool", TOOLS)
def test_recurrences_wait_for_their_slowest_chain(tool):
    took = load_tool(tool).operators.cycles

    def chained(*chains: tuple[str, ...], element: str = "int32") -> float:
        loop = Loop("L0", 64, carried=tuple(Carried("s", chain) for chain in chains), loads=(Access.parse("a[L0]"),))
        return start_interval(Kernel("chained", (Array("a", element, (64,)),), (loop,)), tool)

    forward = load_tool(tool).fitted.forward
    assert chained(("fmul", "fadd")) == pytest.approx(took["fmul"] + took["fadd"] + forward)
    assert chained(("iadd", "iadd", "iadd"), ("ddiv",)) == pytest.approx(took["ddiv"] + forward)
    assert chained(("dsqrt",)) == chained(("ddiv",)) > chained(("fsqrt",)) == chained(("fdiv",))
    for element, bits in (("int8", 8), ("int16", 16), ("int32", 32), ("int64", 64)):
        assert chained(("idiv",), element=element) == pytest.approx(bits + 3 + forward)


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("step", ["dadd", "fadd", "iadd", "dcmp", "imul"])
@pytest.mark.parametrize("declared", ["sum", ""])
def test_the_batch_is_the_scalar_walk_for_sums_of_any_type(tool, step, declared):
    element = {"d": "double", "f": "float", "i": "int16"}[step[0]]
    kernel = summing(element, {step: 1}, (step,), declared=declared)
    sim = HlsSimulator(kernel, tool=tool)
    rows = sim.space.sample(24, np.random.default_rng(5))
    nest = make_nest(kernel)
    slow = [Scalar(nest, sim.space.design(row), load_tool(tool)).cycles() for row in rows]
    np.testing.assert_allclose(sim.evaluate(rows)["cycles"], slow, rtol=1e-9)
