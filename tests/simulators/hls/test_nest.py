"""What is worked out of a kernel alone, against loop nests counted by hand."""

from __future__ import annotations

import pytest

from chipgym.datasets import Access, Array, Carried, Kernel, Loop, build_kernel
from chipgym.simulators.hls.lowering.loops import port_bits
from chipgym.simulators.hls.lowering.nest import Nest, make_nest


def nest(name: str) -> Nest:
    return make_nest(build_kernel(name))


def at(found: Nest, label: str) -> int:
    return found.place[label]


def test_a_halo_is_what_the_next_iteration_reads_again():
    """stencil-3d reads a[1156·i + 34·j + k + c] with c from 35 to 2347 and k up to 31."""
    stencil = nest("stencil-3d")
    assert stencil.halo[at(stencil, "L1")] == (2347 + 31) - 35 + 1 - 34
    assert stencil.halo[at(stencil, "L2")] == 0  # neighbours one apart are no rows
    gemm = nest("gemm-ncubed")
    assert gemm.halo[at(gemm, "L0")] == 0  # rows of 64 elements do not overlap


def test_common_products_are_those_without_the_counter_around():
    """2mm's tmp[i][j] += alpha·A[i][k]·B[k][j]: alpha·A[i][k] is common to all j; gemm-p's alpha is out already."""
    two = nest("2mm")
    assert two.common[at(two, "L4")] == 1
    assert two.common[at(two, "L5")] == 0  # D[i][j] += tmp[i][k]·C[k][j]
    gemm = nest("gemm-p")
    assert gemm.common[at(gemm, "L3")] == 0


def test_rows_of_one_array_are_contended_for():
    """symm-opt's C[k][j] is updated in the loop below the one that updates C[i][j]: two loads and two stores."""
    symm = nest("symm-opt")
    assert symm.contended[at(symm, "L1")] == ((at(symm, "L2"), 4),)
    assert not any(nest("gemm-p").contended)
    assert not any(nest("adi").contended)  # elements of one row, each of which is a bank


def test_copies_need_what_their_counter_does_not_index():
    """A copy of gemm-p-large's rows needs all of B, 240 × 220 doubles; one of a loop over its columns none of it."""
    gemm = nest("gemm-p-large")
    assert gemm.copied_bytes[at(gemm, "L0")] == 240 * 220 * 8
    assert gemm.copied_bytes[at(gemm, "L2")] == 0


def test_loops_beside_read_the_same_rows():
    atax = nest("atax")
    first, second = at(atax, "L0_0"), at(atax, "L0_1")
    assert atax.beside[first] == (second,)
    assert atax.beside[second] == (first,)
    assert not any(nest("gemver").beside)  # its loops over A are in different loops


@pytest.mark.parametrize(
    ("kernel", "loop", "streams"),
    [
        ("atax", "L0_0", True),  # A[i][j] by j, once a row, 124 doubles in a port of four
        ("gesummv", "L1", True),
        ("symm-opt", "L3", False),  # A[i][k] by k, again for every j
        ("gemm-p", "L2", False),  # A[i][k] by k, but not innermost along a row that comes once
    ],
)
def test_rows_that_stream_through_a_port(kernel, loop, streams):
    found = nest(kernel)
    assert found.streams_row(found.nodes[at(found, loop)]) == streams


def test_neighbours_share_rows():
    fdtd = nest("fdtd-2d-large")
    assert fdtd.reads_neighbours(fdtd.nodes[at(fdtd, "L4")])  # ey[i + 1][j] and ey[i][j]
    assert not fdtd.reads_neighbours(fdtd.nodes[at(fdtd, "L3")])  # ex[i][j + 1] and hz[i][j]


def test_ports_are_as_wide_as_rows_are_aligned():
    """A row of 90 doubles is 720 bytes, 16 at a time; of 120, 960, the widest port's 64."""
    rows = Loop("L0", 4, loops=(Loop("L1", 90, loads=(Access.parse("A[L0][L1]"),)),))
    for columns, bits in ((90, 128), (120, 512), (91, 64)):
        kernel = Kernel("rows", (Array("A", "double", (4, columns)),), (rows,))
        assert port_bits(kernel.array("A"), make_nest(kernel)) == bits


def test_a_chain_counts_each_variable_once():
    """adi solves for p and q, a product, an addition and a division each."""
    adi = nest("adi")
    assert adi.nodes[at(adi, "L3")].chained == {"dmul": 2.0, "dadd": 2.0, "ddiv": 2.0}
    assert not Carried("s", ("dadd",), reduction=True).assumed
