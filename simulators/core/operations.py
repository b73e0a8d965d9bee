"""Operations per element of what is no matrix product, as every simulator of networks counts them.

One is an add, multiply, compare or table look-up; exp and the like are taken to be one look-up, as in the activation
units of TPU v1 (Jouppi et al. 2017).
"""

from __future__ import annotations

SOFTMAX_OPERATIONS = 5  # maximum, subtract, exp, sum, divide
# batch: multiply, add. layer and group: sum, subtract, square, sum, multiply, scale, shift. rms: square, sum, multiply,
# scale.
# local response over five channels (Krizhevsky et al. 2012): square, five adds, power (log, multiply, exp), divide.
NORMALIZATION_OPERATIONS = {"batch": 2, "group": 7, "layer": 7, "rms": 4, "local_response": 10}

# 1 of what is not here. gelu: multiply, look-up (erf), add, multiply; gelu_tanh: x³ by two multiplies, scale, add,
# scale, look-up, add, multiply. silu: look-up, multiply. hardsigmoid: add, two compares; hardswish: and a multiply.
# relu6, clip: two compares. rotary: two multiplies and an add.
_ELEMENTWISE_OPERATIONS = {
    "gelu": 4, "gelu_tanh": 8, "silu": 2, "hardswish": 4, "hardsigmoid": 3, "relu6": 2, "clip": 2, "rotary": 3,
}  # fmt: skip


def elementwise_operations(function: str) -> int:
    """Return the operations per element of an `Elementwise` operator, by its function."""
    return _ELEMENTWISE_OPERATIONS.get(function, 1)
