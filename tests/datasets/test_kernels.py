"""Loop-nest kernels: those that ship, a user's own, and what is wrong with them."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipgym.datasets import (
    KERNEL_FEATURE_NAMES,
    Access,
    Array,
    Carried,
    Kernel,
    Loop,
    build_kernel,
    kernel_names,
    load_kernel,
    load_workload,
)
from chipgym.datasets.kernel.access import parse_affine
from chipgym.errors import ChipgymError

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "fpga" / "kernels.json"
needs_reference = pytest.mark.skipif(not REFERENCE.is_file(), reason=f"kernel facts are not at {REFERENCE}")

DOT = {
    "name": "dot",
    "arrays": [
        {"name": "a", "type": "double", "shape": [64]},
        {"name": "b", "type": "double", "shape": [64]},
        {"name": "s", "type": "double", "shape": [1], "role": "out"},
    ],
    "stores": ["s[0]"],
    "loops": [
        {
            "label": "L0",
            "trip": 64,
            "knobs": ["pipe", "para"],
            "operations": {"dmul": 1, "dadd": 1},
            "loads": ["a[L0]", "b[L0]"],
            "carried": [{"through": "sum", "chain": ["dadd"], "reduction": True}],
            "reduction": "sum",
        }
    ],
}


def written(tmp_path: Path, data: object) -> Path:
    path = tmp_path / "kernel.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def test_every_kernel_ships():
    assert len(kernel_names()) == 42
    for name in kernel_names():
        kernel = load_workload(name)
        assert isinstance(kernel, Kernel)
        assert kernel.name == name
        assert kernel.origin
        features = kernel.features()
        assert tuple(features) == KERNEL_FEATURE_NAMES
        assert all(math.isfinite(v) for v in features.values())
    assert len({build_kernel(name).digest for name in kernel_names()}) == 42


def test_a_name_is_no_file_of_ones_own():
    with pytest.raises(ChipgymError, match=r"ships is build_kernel\('atax'\)"):
        load_kernel("atax")


@needs_reference
def test_kernels_are_the_published_facts():
    """Labels, trips, pragmas, operations, arrays and accesses of every loop."""
    facts = json.loads(REFERENCE.read_text(encoding="utf-8"))
    for name in kernel_names():
        kernel, fact = build_kernel(name), facts[name]
        theirs = {loop["label"]: loop for loop in fact["loops"]}
        assert [loop.label for loop in kernel.walk()] == sorted(
            theirs, key=[loop.label for loop in kernel.walk()].index
        )
        for loop in kernel.walk():
            their = theirs[loop.label]
            trip = their["trip_count"]
            assert loop.trip == (trip if isinstance(trip, int) else their["trip_avg"])
            assert loop.fixed == isinstance(trip, int)
            assert list(loop.knobs) == their["has_pragmas"]
            body = fact.get("body_cse", {}).get(loop.label, fact["body"][loop.label])
            counted = {k: v for k, v in body.items() if k not in ("load", "store", "logic_detail") and v}
            assert {k.replace("logic/shift/compare", "logic"): v for k, v in counted.items()} == dict(loop.operations)
            used = {a["array"] for a in fact["accesses"] if a["loop"] == loop.label}
            assert {a.array for a in loop.accesses} == used
        shapes = {a["name"]: (a["dtype"], a["shape"], a["role"]) for a in fact["arrays"]}
        assert {a.name: (a.type, list(a.shape), a.role) for a in kernel.arrays} == shapes


def test_a_file_and_python_describe_the_same_kernel(tmp_path):
    made = Kernel(
        "dot",
        (Array("a", "double", (64,)), Array("b", "double", (64,)), Array("s", "double", (1,), "out")),
        (
            Loop(
                "L0",
                64,
                knobs=("pipe", "para"),
                operations={"dmul": 1, "dadd": 1},
                loads=(Access.parse("a[L0]"), Access.parse("b[L0]")),
                carried=(Carried("sum", ("dadd",), reduction=True),),
                reduction="sum",
            ),
        ),
        Loop("top", 1, stores=(Access.parse("s[0]"),)),
    )
    loaded = load_workload(written(tmp_path, DOT))
    assert loaded == made
    assert hash(loaded) == hash(made)
    assert load_kernel(written(tmp_path, {**DOT, "name": "other"})).digest == made.digest
    assert load_kernel(written(tmp_path, {**DOT, "loops": [{**DOT["loops"][0], "trip": 32}]})).digest != made.digest


def loop_with(**changes):
    return {**DOT, "loops": [{**DOT["loops"][0], **changes}]}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "kernel: [] is not a JSON object"),
        ({"name": "x", "arrays": []}, "kernel: 'loops' is missing"),
        ({**DOT, "loop": []}, "unknown field of a kernel: 'loop'; did you mean 'loops'?"),
        ({**DOT, "loops": []}, "kernel dot: no loops, expected at least one"),
        ({**DOT, "loops": {}}, "loops: {} is not a list"),
        ({**DOT, "arrays": [{"name": "a", "type": "real", "shape": [4]}]}, "unknown type of array a: 'real'"),
        (
            {**DOT, "arrays": [{"name": "a", "type": "double", "shape": [0]}]},
            "shape of array a: (0,) is not of positive",
        ),
        (loop_with(trip=0), "trip of loop L0: 0 is not a positive whole number"),
        (loop_with(trip=2.5), "trip of loop L0: 2.5 is not a positive whole number"),
        (loop_with(label="L 0"), "loop label: 'L 0' is not of letters"),
        (loop_with(knobs=["unroll"]), "unknown knob of loop L0: 'unroll'"),
        (loop_with(operations={"dmull": 1}), "unknown operation of loop L0: 'dmull'; did you mean 'dmul'?"),
        (loop_with(operations={"dmul": -1}), "dmul of loop L0: -1 is not a whole number from 0"),
        (loop_with(loads=["c[L0]"]), "unknown array in c[L0] of loop L0: 'c'"),
        (loop_with(loads=["a[L1]"]), "unknown loop around a[L1] of loop L0: 'L1'; did you mean 'L0'?"),
        (loop_with(loads=["a[L0][L0]"]), "a[L0][L0] has 2 indices, expected 1 for a"),
        (loop_with(loads=["a[L0*L0]"]), "index 'L0*L0': expected a sum of loop counters"),
        (loop_with(loads=["a"]), "access 'a': expected the form A[L0][L1+1]"),
        (loop_with(loads=[3]), "access 3: expected the form A[L0][L1+1]"),
        (loop_with(loads=["a[b[L0]]"]), "access 'a[b[L0]]': expected the form A[L0][L1+1], or A[?] where data is the"),
        (loop_with(loads="a[L0]"), "loads of loop L0: 'a[L0]' is not a list"),
        (loop_with(knobs=[3]), "knobs of loop L0: 3 is not of type str"),
        (loop_with(trip=2**31), "trip of loop L0: 2147483648 is not a positive whole number below 2**31"),
        (loop_with(operations=["dmul"]), "operations of loop L0: ['dmul'] is not a count by name"),
        (loop_with(hoisted={"dmul": 2}), "hoisted of loop L0: 2 dmul are more than the 1 of its operations"),
        (loop_with(fixed="no"), "fixed of loop L0: 'no' is not true or false"),
        (loop_with(reduction=True), "reduction of loop L0: True is not the name of a variable; whether a dependence"),
        (loop_with(guard=True), "guard of loop L0: True is not a condition as text"),
        (loop_with(carried=[{"through": "s", "reduction": "yes"}]), "reduction of carried 's': 'yes' is not true"),
        (loop_with(carried=[{"through": "s", "distance": 0}]), "distance of carried 's': 0 is not a positive"),
        (loop_with(carried=[{"through": 3}]), "through of carried 3: 3 is not a text"),
        ({**DOT, "arrays": [{"name": "a", "type": "double", "shape": 64}]}, "shape of array 'a': 64 is not a list"),
        (loop_with(loops=[DOT["loops"][0]]), "two loops are called 'L0'"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, data, message):
    with pytest.raises(ChipgymError, match=re.escape(message)) as error:
        load_workload(written(tmp_path, data))
    assert str(error.value).startswith("file ")
    assert len(str(error.value).splitlines()) == 1


def test_lists_are_taken_where_tuples_are_kept():
    arrays = [Array("a", "double", [64]), Array("s", "double", [1], "out")]
    loops = [Loop("L0", 64, loads=[Access.parse("a[L0]")], carried=[Carried("sum", ["dadd"], reduction=True)])]
    kernel = Kernel("dot", arrays, loops)
    assert kernel == Kernel("dot", tuple(arrays), tuple(loops))
    assert kernel.array("a").shape == (64,)
    assert kernel.loops[0].accesses == (Access("a", ("L0",)),)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Array("a", "double", 64), "shape of array a: 64 is not a list"),
        (lambda: Loop("L0", 64, loads=("a[L0]",)), "loads of loop L0: 'a[L0]' is not of type Access; Access.parse"),
        (lambda: Loop("L0", 64, loops=Loop("L1", 4)), "loops of loop L0: Loop(label='L1'"),
        (lambda: Kernel("k", (), Loop("L0", 64)), "loops of kernel k: Loop(label='L0'"),
        (lambda: Loop("L0", 2.5), "trip of loop L0: 2.5 is not a positive whole number below 2**31; the mean of trips"),
    ],
)
def test_what_is_wrong_in_python_is_said(make, message):
    with pytest.raises(ChipgymError, match=re.escape(message)):
        make()


def test_files_that_are_no_kernel(tmp_path):
    bad = tmp_path / "bad.json"
    bad.write_text("{", encoding="utf-8")
    for path in (bad, tmp_path / "missing.json"):
        with pytest.raises(ChipgymError, match=path.name):
            load_workload(path)
    with pytest.raises(ChipgymError, match="has no batch"):
        load_workload("gemm-ncubed", batch=2)
    with pytest.raises(ChipgymError, match="did you mean 'gemm-ncubed'"):
        load_workload("gemm-ncube")


@given(st.dictionaries(st.sampled_from(["L0", "L1", "L2"]), st.integers(-9, 9), max_size=3), st.integers(-99, 99))
def test_indices_are_the_sums_that_they_spell(factors, constant):
    text = "+".join([*(f"{factor}*{label}" for label, factor in factors.items()), f"({constant})"])
    found = parse_affine(text)
    counters = {"L0": 3, "L1": 5, "L2": 7}
    assert found.constant + sum(f * counters[i] for i, f in found.counters.items()) == eval(text, {}, counters)


def test_strides_are_of_the_flattened_array():
    access = Access.parse("A[L0+1][2*L1][?]")
    assert access.indirect
    assert access.strides((4, 5, 6)) == {"L0": 30, "L1": 12}
