"""What MobileNetV3 and EfficientNet share: inverted residuals with squeeze-and-excitation (arXiv:1709.01507)."""

from __future__ import annotations

from ..builder import NetworkBuilder


def conv_bn(
    b: NetworkBuilder,
    x: str,
    filters: int,
    kernel: int,
    name: str,
    *,
    function: str | None,
    stride: int = 1,
    groups: int = 1,
) -> str:
    """Add a convolution, batch normalisation, and the activation function if there is one."""
    x = b.conv(x, filters, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False, name=name)
    x = b.batch_norm(x, name=f"{name}.bn")
    return b.elementwise(function, x, name=f"{name}.{function}") if function else x


def squeeze_excite(b: NetworkBuilder, x: str, squeezed: int, *, function: str, gate: str) -> str:
    """Scale each channel by what two 1x1 convolutions make of all channels' averages."""
    channels = b.shape(x)[0]
    with b.scope("se"):
        y = b.global_avg_pool(x, name="avgpool")
        y = b.elementwise(function, b.conv(y, squeezed, 1, name="fc1"), name=function)
        y = b.elementwise(gate, b.conv(y, channels, 1, name="fc2"), name=gate)
        return b.elementwise("mul", y, x, name="mul")


def inverted_residual(
    b: NetworkBuilder,
    x: str,
    hidden: int,
    filters: int,
    kernel: int,
    *,
    stride: int,
    function: str,
    squeezed: int = 0,
    squeeze_function: str = "relu",
    gate: str = "hardsigmoid",
) -> str:
    """Add 1x1 expansion to `hidden`, depthwise, squeeze-and-excitation (0: none), and 1x1 projection.

    The input is added where it fits.
    """
    channels = b.shape(x)[0]
    y = x if hidden == channels else conv_bn(b, x, hidden, 1, "expand", function=function)
    y = conv_bn(b, y, hidden, kernel, "depthwise", function=function, stride=stride, groups=hidden)
    if squeezed:
        y = squeeze_excite(b, y, squeezed, function=squeeze_function, gate=gate)
    y = conv_bn(b, y, filters, 1, "project", function=None)
    return b.tensor_add(y, x, name="add") if stride == 1 and channels == filters else y
