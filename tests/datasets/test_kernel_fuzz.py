"""Kernels of JSON with anything anywhere: each is one line of error, or a kernel that every tool's model answers."""

from __future__ import annotations

import copy
import json
import math
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from chipgym.datasets import Kernel
from chipgym.datasets.kernel.files import _SHIPPED, kernel_from_json
from chipgym.errors import ChipgymError
from chipgym.simulators.hls import HlsSimulator, tool_names

#: What few fields may be: wrong types, numbers without end or meaning, texts that other fields have, nested lists.
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 3.5, math.nan, math.inf, -math.inf, 2**31 - 1, 2**31, 2**64, 10**400, 1e300, 1e-300,
    "", "x", "L0", "?", "A[?]", "A[L0]", f"A[{10**40}*L0]", "top", "dadd", "pipe", "int32", "\0", "\ud800", "a\nb",
    "x" * 300, [], {}, [[]], [[[[]]]], {"a": 1}, [1], ["x"], [None], [{}], [[1, 2]], [2**30] * 40, {"dadd": 10**30},
    {"label": "Z", "trip": 2}, [{"label": "Z", "trip": 2**31 - 1}],
)  # fmt: skip
NAMES = ("gemm-blocked", "symm", "stencil", "spmv-crs", "nw", "bicg")


def shipped(name: str) -> Any:
    return json.loads((_SHIPPED / f"{name}.json").read_text(encoding="utf-8"))


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every value inside JSON data."""
    for key in range(len(data)) if isinstance(data, list) else data if isinstance(data, dict) else ():
        yield (*path, key)
        yield from places(data[key], (*path, key))


def at(data: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


def loaded(data: Any) -> Kernel | None:
    """The kernel, or None where the data is refused in one line."""
    try:
        return kernel_from_json(data)
    except ChipgymError as error:
        message = str(error)
        assert message.isprintable()
        assert len(message) < 1500
        return None


def check(kernel: Kernel, seed: int) -> None:
    """A kernel that loads has finite features and is answered."""
    assert all(math.isfinite(value) for value in kernel.features().values())
    assert len(kernel.digest) == 64
    sim = HlsSimulator(kernel, tool=tool_names()[seed % 3])
    out = sim.evaluate(sim.space.sample(4, np.random.default_rng(seed)))
    for name in ("cycles", "lut", "ff", "dsp", "bram18"):
        assert np.isfinite(out[name]).all()
        assert (out[name] >= 0).all()
    sim.evaluate_loops({})


@pytest.mark.parametrize("name", NAMES[:3])
def test_any_value_in_any_place(name):
    """Every place takes every value in turn; of those that load, every tenth is answered too."""
    data, good = shipped(name), 0
    for path in [*places(data)]:
        for value in VALUES:
            changed = copy.deepcopy(data)
            at(changed, path[:-1])[path[-1]] = value
            kernel = loaded(changed)
            if kernel is not None:
                good += 1
                if good % 10 == 0:
                    check(kernel, good)
    assert good > 50


def test_any_mutations():
    """Values replaced, removed, doubled, wrapped and moved, several at once."""
    rng, good = random.Random(0), 0
    for seed in range(400):
        data = shipped(rng.choice(NAMES))
        for _ in range(rng.choice((1, 1, 2, 3))):
            path = rng.choice([*places(data)])
            inside, value = at(data, path[:-1]), at(data, path)
            match rng.randrange(5):
                case 0:
                    inside[path[-1]] = copy.deepcopy(rng.choice(VALUES))
                case 1:
                    del inside[path[-1]]
                case 2 if isinstance(inside, list):
                    inside.append(copy.deepcopy(value))
                case 3:
                    inside[path[-1]] = rng.choice(([value], {"k": value}))
                case _:
                    inside[path[-1]] = copy.deepcopy(at(data, rng.choice([*places(data)])))
        kernel = loaded(data)
        if kernel is not None:
            good += 1
            check(kernel, seed)
    assert good > 20


@pytest.mark.parametrize("deep", [60, 70, 400, 900])
def test_loops_inside_loops(deep):
    loop: dict[str, Any] = {"label": f"L{deep}", "trip": 1}
    for i in reversed(range(deep)):
        loop = {"label": f"L{i}", "trip": 1, "loops": [loop]}
    kernel = loaded({"name": "deep", "arrays": [], "loops": [loop]})
    assert (kernel is not None) == (deep < 64)
    if kernel is not None:
        check(kernel, 0)


def test_lists_inside_lists():
    """As deep as Python's own reader of JSON goes."""
    nested = json.loads("[" * 900 + "]" * 900)
    for path in places(shipped("stencil")):
        data = shipped("stencil")
        at(data, path[:-1])[path[-1]] = nested
        loaded(data)
    assert loaded(nested) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loops": [{"label": f"L{i}", "trip": 1} for i in range(501)]}, "501 loops, expected at most 500"),
        ({"arrays": [{"name": f"a{i}", "type": "int8", "shape": [1]} for i in range(501)]}, "501 arrays"),
        ({"arrays": [{"name": "a", "type": "int8", "shape": [2**30] * 3}]}, "has 2\\*\\*62 elements or more"),
        ({"loops": [{"label": "L0", "trip": 1, "loads": ["a[0]"] * 2001}]}, "2001 loads and stores"),
        ({"arrays": [{"name": "a", "type": ["int8"], "shape": [1]}]}, "unknown type of array a: \\['int8'\\]"),
        ({"arrays": [{"name": "a", "type": "int8", "shape": [1], "role": {}}]}, "unknown role of array a: {}"),
        ({"arrays": [{"name": "a\nb", "type": "int8", "shape": [1]}]}, "array name: 'a\\\\nb' is not of at most 200"),
        ({"loops": [{"label": "L0", "trip": True, "fixed": False}]}, "trip of loop L0: True is not"),
        ({"loops": [{"label": "L0", "trip": 2, "loads": ["a[99999999999*L0]"]}]}, "expected numbers below 2\\*\\*31"),
        ({"loops": [{"label": "L0", "trip": 2**30, "loops": [{"label": "L1", "trip": 2**30, "loops": [
            {"label": "L2", "trip": 2**30}]}]}]}, "iterations, expected fewer than 2\\*\\*62"),
        ({"loops": [{"label": "L0", "trip": 2, "operations": {"iadd": 2**31}}]}, "iadd of loop L0: 2147483648 is not"),
    ],
)  # fmt: skip
def test_kernels_stay_within_bounds(change, message):
    data = {"name": "k", "arrays": [{"name": "a", "type": "int8", "shape": [1]}], "loops": [{"label": "L0", "trip": 1}]}
    with pytest.raises(ChipgymError, match=message):
        kernel_from_json(data | change)


def test_loops_of_two_thousand_million_iterations():
    """A grid of factors is worked out without going through all of them."""
    loop = {"label": "L0", "trip": 2**31 - 1, "knobs": ["para", "tile", "pipe"]}
    kernel = kernel_from_json({"name": "long", "arrays": [], "loops": [loop]})
    assert HlsSimulator(kernel).space["para_L0"].values == (1, 2, 4, 8, 16, 32, 2**31 - 1)
