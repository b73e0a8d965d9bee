"""Terms and the compiled loop that works them out, against NumPy and plain Python."""

from __future__ import annotations

import math
import operator

import numpy as np
import pytest

from chipgym.simulators.fpga import bram18_count
from chipgym.simulators.fpga.formulas import terms as t
from chipgym.simulators.fpga.formulas.block_ram import block_rams
from chipgym.simulators.fpga.formulas.program import ABREAST, make_program

RNG = np.random.default_rng(0)
A, B = RNG.integers(1, 40, 300).astype(float), RNG.choice([0.5, 1.0, 2.0, 3.0, 4.0, 7.0, 16.0], 300)

#: What each operation is, of terms and of columns.
OPERATIONS = {
    "add": (operator.add, np.add),
    "subtract": (operator.sub, np.subtract),
    "multiply": (operator.mul, np.multiply),
    "divide": (operator.truediv, np.divide),
    "minimum": (t.minimum, np.minimum),
    "maximum": (t.maximum, np.maximum),
    "less": (operator.lt, np.less),
    "less or equal": (operator.le, np.less_equal),
    "greater": (operator.gt, np.greater),
    "greater or equal": (operator.ge, np.greater_equal),
    "equal": (t.equal, np.equal),
    "remainder": (t.remainder, np.mod),
    "both": (lambda a, b: (a > 9) & (b > 2), lambda a, b: (a > 9) & (b > 2)),
    "either": (lambda a, b: (a > 9) | (b > 2), lambda a, b: (a > 9) | (b > 2)),
    "not": (lambda a, b: t.no(a > b), lambda a, b: ~(a > b)),
    "select": (lambda a, b: t.select(a > b, a, b + 1), lambda a, b: np.where(a > b, a, b + 1)),
    "ceil": (lambda a, b: t.ceil(a * 0.3), lambda a, b: np.ceil(a * 0.3)),
    "floor": (lambda a, b: t.floor(a * 0.3), lambda a, b: np.floor(a * 0.3)),
    "round": (lambda a, b: t.rounded(a * 0.5), lambda a, b: np.rint(a * 0.5)),
    "exponential": (lambda a, b: t.expm1(b * -0.1), lambda a, b: np.expm1(b * -0.1)),
    "logarithm": (lambda a, b: t.log2(a), lambda a, b: np.log2(a)),
    "power of two": (lambda a, b: t.power_of_two(a), lambda a, b: [1 << (int(x) - 1).bit_length() for x in a]),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_are_numpys(name):
    """Of two formulas, of a formula and a number, and of numbers alone, which are worked out at once."""
    of_terms, of_columns = OPERATIONS[name]
    program = make_program(("a", "b"), lambda x: {
        "both": of_terms(x["a"], x["b"]), "left": of_terms(x["a"], 3.0), "right": of_terms(5.0, x["b"]),
        "none": of_terms(6.0, 4.0),
    })  # fmt: skip
    out = program.run({"a": A, "b": B}, len(A))
    np.testing.assert_allclose(out["both"], of_columns(A, B), rtol=1e-15)
    np.testing.assert_allclose(out["left"], of_columns(A, np.full(300, 3.0)), rtol=1e-15)
    np.testing.assert_allclose(out["right"], of_columns(np.full(300, 5.0), B), rtol=1e-15)
    np.testing.assert_allclose(out["none"], of_columns(np.full(300, 6.0), np.full(300, 4.0)), rtol=1e-15)


def test_powers_of_two_are_exact():
    """Also where a logarithm would miss them by its last bit."""
    values = np.array([2.0**i for i in range(60)])
    program = make_program(("x",), lambda x: {"same": t.power_of_two(x["x"]), "next": t.power_of_two(x["x"] + 1.0)})
    out = program.run({"x": values}, len(values))
    np.testing.assert_array_equal(out["same"], values)
    small = values < 2.0**52
    np.testing.assert_array_equal(out["next"][small], 2 * values[small])


@pytest.mark.parametrize("seed", range(20))
def test_any_formula_for_any_number_of_designs(seed):
    """Drawn formulas of many terms, so that registers are used again, for numbers around those that go abreast."""
    names = [
        name for name in OPERATIONS if name not in ("divide", "remainder", "logarithm", "power of two", "exponential")
    ]
    drawn = np.random.default_rng(seed)
    steps = [(str(drawn.choice(names)), *drawn.integers(0, 2 + i, 2)) for i in range(80)]

    def worked(values, side):
        values = list(values)
        for name, i, j in steps:
            found = OPERATIONS[name][side](values[i], values[j])
            values.append(t.minimum(found + 0.0, 1e6) if side == 0 else np.minimum(np.asarray(found) + 0.0, 1e6))
        return {str(i): value for i, value in enumerate(values[-5:])}

    program = make_program(("a", "b"), lambda x: worked((x["a"], x["b"]), 0))
    with np.errstate(all="ignore"):
        for n in (0, 1, 2, ABREAST - 1, ABREAST, ABREAST + 1, 300):
            out, expected = program.run({"a": A[:n], "b": B[:n]}, n), worked((A[:n], B[:n]), 1)
            for name, column in expected.items():
                np.testing.assert_array_equal(out[name], np.broadcast_to(column, n).astype(float))


def test_equal_terms_are_one_and_known_ones_none():
    def make(x):
        a, b = x["a"] * 2.0 + 1.0, x["a"] * 2.0 + 1.0
        return {"sum": a + b, "nothing": a * 0.0, "same": a * 1.0 + 0.0, "chosen": t.select(True, a, b)}

    program = make_program(("a",), make)
    assert len(program.code) == 3  # a product, a sum, and their sum
    out = program.run({"a": A}, len(A))
    np.testing.assert_array_equal(out["sum"], 2 * (2 * A + 1))
    np.testing.assert_array_equal(out["nothing"], np.zeros(300))
    np.testing.assert_array_equal(out["same"], out["chosen"])


def test_a_term_has_no_truth_of_its_own():
    with pytest.raises(TypeError, match="use `select`"):
        make_program(("a",), lambda x: {"a": 1.0 if x["a"] > 2 else 0.0})


@pytest.mark.parametrize("bits", [1, 8, 16, 32, 64])
def test_block_rams_are_those_of_a_column(bits):
    depth = np.ceil(10 ** RNG.uniform(0, 6, 200))
    out = make_program(("depth",), lambda x: {"blocks": block_rams(bits, x["depth"])}).run({"depth": depth}, 200)
    np.testing.assert_array_equal(out["blocks"], bram18_count(bits, depth))
    assert block_rams(bits, 512.0) == math.ceil(bits / 36)
