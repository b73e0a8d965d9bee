"""The jet tagger of hls4ml (Duarte et al., "Fast inference of deep neural networks in FPGAs", arXiv:1804.06913)."""

from __future__ import annotations

from ..builder import NetworkBuilder
from ..graph import Network

#: Section 2.2: 16 jet substructure variables, three hidden layers, five classes of jets.
INPUTS, HIDDEN, CLASSES = 16, (64, 32, 32), 5


def jet_tagger(*, batch: int = 1) -> Network:
    """Build a multilayer perceptron of 16-64-32-32-5 with relu and softmax."""
    b = NetworkBuilder("jet_tagger")
    x = b.input((INPUTS,))
    for layer, width in enumerate(HIDDEN, start=1):
        x = b.relu(b.linear(x, width, name=f"fc{layer}"), name=f"relu{layer}")
    b.softmax(b.linear(x, CLASSES, name="output"), name="softmax")
    return b.build(batch)
