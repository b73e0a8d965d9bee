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
