"""The operators of a network: matrix products, element-wise and window operators, and data movement."""

from .data import Concat, Embedding, Generic, Input, LearnedTensor, Reshape, Slice, Transpose
from .matrix import Conv2d, ConvTranspose2d, ExpertLinear, Linear, MatMul
from .operator import MAX_DIMENSION, MAX_ELEMENTS, Operator, Shape, elements
from .vector import BINARY, UNARY, Elementwise, Normalization, Pool2d, Softmax

__all__ = [
    "BINARY",
    "MAX_DIMENSION",
    "MAX_ELEMENTS",
    "UNARY",
    "Concat",
    "Conv2d",
    "ConvTranspose2d",
    "Elementwise",
    "Embedding",
    "ExpertLinear",
    "Generic",
    "Input",
    "LearnedTensor",
    "Linear",
    "MatMul",
    "Normalization",
    "Operator",
    "Pool2d",
    "Reshape",
    "Shape",
    "Slice",
    "Softmax",
    "Transpose",
    "elements",
]
