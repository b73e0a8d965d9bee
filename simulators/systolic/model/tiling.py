"""Layers and their tiles: how often each operand of a layer that was cut into tiles crosses the DRAM interface.

A layer is G independent products of M × K by K × N (one for a plain convolution or matrix product). Its tile loops
run over m (output pixels), n (filters) and k (input channels). Half of each operand's double-buffered SRAM holds the
tile in use while the other half is filled.

Rules of reuse, all checked against a tile-by-tile event model in the tests:

- an operand is loaded again whenever the loops bring another of its tiles in; the loop it does not depend on multiplies
  its traffic unless that loop is inside all its others that have more than one trip;
- an operand that fits its half whole is loaded (or written) once, whatever the loops do;
- a partial sum that leaves before its last k is written and read back;
- rows shared by neighbouring bands of a convolution's input stay on chip from one band to the next, unless other input
  channels were loaded in between.

Compiled with Numba; word counts are float64 (exact up to 2**53), trip counts int64.
"""

from __future__ import annotations

import numpy as np

from ...core.compiled import inlined

# Dataflow codes: what stays in the PEs.
OUTPUT_STATIONARY, WEIGHT_STATIONARY, INPUT_STATIONARY = range(3)
# Code of a loop order that is not fixed.
BEST_ORDER = -1
# Loop orders, outermost first; 0 = m, 1 = n, 2 = k. The index is the code used in the kernel.
ORDERS: tuple[str, ...] = ("mnk", "nmk", "mkn", "kmn", "nkm", "knm")
LOOPS = np.array([[0, 1, 2], [1, 0, 2], [0, 2, 1], [2, 0, 1], [1, 2, 0], [2, 1, 0]], dtype=np.int64)


@inlined
def ceil_div(a: int, b: int) -> int:
    """Divide `a` by `b` ≥ 1 and round up."""
    return (a + b - 1) // b


@inlined
def repeats(order: int, a: int, b: int, c: int, ri: bool, rf: bool, ro: bool) -> tuple[int, int, int, bool]:
    """Tell how often each operand crosses the DRAM interface with `a`, `b`, `c` tiles over m, n, k.

    Returns:
        passes over the input, passes over the filters, times each output is written, and whether k is inside m (so
        that rows shared by bands are gone).
    """
    inside = c > 1
    if order == 0:  # mnk
        fi = b if c > 1 else 1
        ff = a if b > 1 or c > 1 else 1
        fo = 1
    elif order == 1:  # nmk
        fi = b if a > 1 or c > 1 else 1
        ff = a if c > 1 else 1
        fo = 1
    elif order == 2:  # mkn
        fi = 1
        ff = a if b > 1 or c > 1 else 1
        fo = c if b > 1 else 1
    elif order == 3:  # kmn
        fi = 1
        ff = a if b > 1 else 1
        fo = c if a > 1 or b > 1 else 1
        inside = False
    elif order == 4:  # nkm
        fi = b if a > 1 or c > 1 else 1
        ff = 1
        fo = c if a > 1 else 1
        inside = False
    else:  # knm
        fi = b if a > 1 else 1
        ff = 1
        fo = c if a > 1 or b > 1 else 1
        inside = False
    if ri:
        fi, inside = 1, False
    if rf:
        ff = 1
    if ro:
        fo = 1
    return fi, ff, fo, inside
