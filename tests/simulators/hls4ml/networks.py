"""Small networks of every kind of layer, and drawn ones."""

from __future__ import annotations

from hypothesis import strategies as st

from chipgym.datasets import Network, NetworkBuilder

ACTIVATIONS = ("relu", "leaky_relu", "sigmoid", "tanh", "elu", "softplus", "scale", "shift")


def convolutional(batch: int = 1) -> Network:
    """Convolutions in one and two dimensions, both pools, a sum, normalisation that folds and that does not."""
    b = NetworkBuilder("convolutional")
    x = b.input((2, 12, 9))
    x = y = b.relu(b.batch_norm(b.conv(x, 6, 3, padding=1, name="conv1")), name="relu1")
    x = b.tensor_add(b.conv(x, 6, (1, 3), padding=(0, 1), name="conv2"), y, name="sum")
    x = b.max_pool(b.batch_norm(x, name="norm"), 2, name="pool1")
    x = b.avg_pool(b.elementwise("sigmoid", x, name="sigmoid"), (2, 1), name="pool2")
    x = b.flatten(x)
    x = b.elementwise("tanh", b.linear(x, 10, name="fc1"), name="tanh")
    b.softmax(b.linear(x, 4, name="fc2"), name="softmax")
    return b.build(batch)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """A perceptron, or rows or images and what is made of them."""
    b = NetworkBuilder("drawn")
    form = draw(st.sampled_from(["vector", "rows", "image"]))
    size = st.integers(1, 9)
    if form == "vector":
        x = b.input((draw(st.integers(1, 40)),))
    elif form == "rows":
        x = b.input((draw(size), draw(size)))
    else:
        x = b.input((draw(st.integers(1, 4)), draw(size), draw(size)))
        for _ in range(draw(st.integers(1, 3))):
            _, height, width = b.shape(x)
            kernel = (draw(st.integers(1, height)), draw(st.integers(1, width)))
            kind = draw(st.sampled_from(["conv", "max", "avg"]))
            if kind == "conv":
                x = b.conv(x, draw(st.integers(1, 8)), kernel, padding=draw(st.integers(0, 1)))
            else:
                x = (b.max_pool if kind == "max" else b.avg_pool)(x, kernel)
            if draw(st.booleans()):
                x = b.elementwise(draw(st.sampled_from(ACTIVATIONS)), x)
        x = b.flatten(x)
    for _ in range(draw(st.integers(1, 3))):
        x = b.linear(x, draw(st.integers(1, 30)))
        if draw(st.booleans()):
            x = b.elementwise(draw(st.sampled_from(ACTIVATIONS)), x)
    if draw(st.booleans()):
        b.softmax(x)
    return b.build(draw(st.integers(1, 3)))
