"""LSTM and GRU layers of imported graphs, step by step.

What a layer does with its input is one product over all steps. What it does with its state is a product of one row
per sequence and step that waits for the step before, so that each step is a node of its own; they share one weight.
The cells are those of Hochreiter and Schmidhuber (1997) with a forget gate, with peepholes as Gers and Schmidhuber
(2000) have them and projections as Sak et al. (arXiv:1402.1128), and of Cho et al. (arXiv:1406.1078).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ....errors import ChipgymError, shorten
from ...network.operators import Elementwise, Linear
from .movement import concat, reshape, take, transpose
from .writer import GraphWriter, Tensor

#: Gates of each cell, whose weights lie in one matrix.
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
#: Most steps that are written out one by one.
MAX_STEPS = 4096


@dataclass(frozen=True)
class Weights:
    """The constants of one direction of a layer; which gate lies where in them changes no cost.

    Attributes:
        inputs: what the input meets, gates x hidden by in.
        state: what the state meets, gates x hidden by the state's width.
        input_bias, state_bias: one number for each row of these.
        projection: what makes the state of an LSTM's output, the state's width by hidden.
        peepholes: what the memory adds to three gates of an LSTM, 3 x hidden.
    """

    inputs: Tensor
    state: Tensor
    input_bias: Tensor | None = None
    state_bias: Tensor | None = None
    projection: Tensor | None = None
    peepholes: Tensor | None = None


@dataclass(frozen=True)
class Layer:
    """A recurrent layer: "LSTM", "GRU" or "RNN", its width, and one set of weights for each direction."""

    cell: str
    hidden: int
    weights: tuple[Weights, ...]
    reverse: bool = False

    @property
    def width(self) -> int:
        """Width of the state, which a projection makes smaller."""
        projection = self.weights[0].projection
        return self.hidden if projection is None else projection.shape[0]


def recurrent(
    w: GraphWriter, layer: Layer, x: Tensor, initial: Sequence[Tensor | None], name: str
) -> tuple[Tensor, Tensor, Tensor]:
    """Write one layer over (steps, sequences, in), step by step.

    Args:
        w: writes the network.
        layer: cell, width and weights of each direction.
        x: (steps, sequences, in).
        initial: state, and memory of an LSTM, each (directions, sequences, width); an input of the network where None
            or constant.
        name: what the names of the layer's nodes begin with.

    Returns:
        Outputs (steps, directions, sequences, width), last state and last memory (directions, sequences, width).

    Raises:
        ChipgymError: more than `MAX_STEPS` steps.
    """
    steps, batch, width = x.shape
    cell, hidden, directions = layer.cell, layer.hidden, len(layer.weights)
    if steps > MAX_STEPS:
        raise ChipgymError(f"{w.source}: node {shorten(name)}: a {cell} of {steps} steps, at most {MAX_STEPS}")
    rows = reshape(w, x, (steps * batch, width), f"{name}.rows")
    outputs, states, memories = [], [], []
    for direction, own in enumerate(layer.weights):
        label = f"{name}.{('forward', 'backward')[direction]}" if directions > 1 else name
        gates = Linear(GATES[cell] * hidden, own.input_bias is not None)
        source = w.shaped(rows, (steps * batch, width))
        node = w.emit(gates, source, name=f"{label}.input", weights=[own.inputs, own.input_bias])
        inputs = w.made(node, (steps * batch, gates.out_features))
        backward = layer.reverse if directions == 1 else direction == 1
        start = [
            _initial(w, given, direction, (batch, size), f"{label}.{what}")
            for what, given, size in zip("hc", initial, (layer.width, hidden), strict=False)
        ]
        made, memory = _steps(w, layer, own, inputs, start, backward, label)
        states.append(reshape(w, made[0 if backward else -1], (1, batch, layer.width), f"{label}.state"))
        memories.append(reshape(w, memory, (1, *memory.shape), f"{label}.memory"))
        joined = concat(w, made, 0, f"{label}.outputs")
        outputs.append(reshape(w, joined, (steps, 1, batch, layer.width), f"{label}.steps"))
    both, last = concat(w, outputs, 1, f"{name}.directions"), concat(w, states, 0, f"{name}.states")
    return both, last, concat(w, memories, 0, f"{name}.memories")


def _initial(w: GraphWriter, given: Tensor | None, direction: int, shape: tuple[int, int], label: str) -> Tensor:
    if given is None or given.constant:
        return w.input(label, shape)
    return reshape(w, take(w, given, 0, direction, direction + 1, f"{label}.slice"), shape, label)


def _steps(
    w: GraphWriter, layer: Layer, own: Weights, inputs: Tensor, start: list[Tensor], backward: bool, label: str
) -> tuple[list[Tensor], Tensor]:
    """Return the state after each step, each (sequences, width), in the order of the input, and the last memory."""
    state, memory = start[0], start[-1]
    batch, gates = state.shape[0], inputs.shape[1]
    steps, first = inputs.shape[0] // batch, True
    made: dict[int, Tensor] = {}
    for step in reversed(range(steps)) if backward else range(steps):
        at = f"{label}.{step}"
        row = take(w, inputs, 0, step * batch, (step + 1) * batch, f"{at}.input")
        # The bias is added at every step; it counts at the first, and costs no time of its own.
        op = Linear(gates, own.state_bias is not None and first)
        node = w.emit(op, w.sample(state), name=f"{at}.state", weights=[own.state, own.state_bias if first else None])
        product, first = w.made(node, (batch, gates)), False
        if layer.cell == "LSTM":
            state, memory = _lstm(w, own, row, product, memory, at)
        elif layer.cell == "GRU":
            state = _gru(w, row, product, state, layer.hidden, at)
        else:
            state = w.unary("tanh", w.binary("add", row, product, f"{at}.add"), f"{at}.tanh")
        made[step] = state
    return [made[step] for step in range(steps)], memory


def _lstm(w: GraphWriter, own: Weights, row: Tensor, product: Tensor, memory: Tensor, at: str) -> tuple[Tensor, Tensor]:
    """Return the next state and memory; which gate lies where changes no cost."""
    n = memory.shape[1]
    gates = w.binary("add", row, product, f"{at}.add")
    candidate = w.unary("tanh", take(w, gates, 1, 3 * n, 4 * n, f"{at}.cell"), f"{at}.tanh")
    if own.peepholes is None:
        opened = w.unary("sigmoid", take(w, gates, 1, 0, 3 * n, f"{at}.gates"), f"{at}.sigmoid")
        let_in, forget, let_out = (take(w, opened, 1, i * n, (i + 1) * n, f"{at}.gate{i}") for i in range(3))
        memory = _remember(w, let_in, forget, candidate, memory, at)
    else:  # two gates see the memory before, the third the memory after
        let_in, forget = (_peeping(w, own.peepholes, gates, memory, i, at) for i in range(2))
        memory = _remember(w, let_in, forget, candidate, memory, at)
        let_out = _peeping(w, own.peepholes, gates, memory, 2, at)
    out = w.binary("mul", let_out, w.unary("tanh", memory, f"{at}.squash"), f"{at}.out")
    if own.projection is None:
        return out, memory
    op = Linear(own.projection.shape[0], False)
    node = w.emit(op, w.sample(out), name=f"{at}.projection", weights=[own.projection])
    return w.made(node, (out.shape[0], op.out_features)), memory


def _remember(w: GraphWriter, let_in: Tensor, forget: Tensor, candidate: Tensor, memory: Tensor, at: str) -> Tensor:
    kept = w.binary("mul", forget, memory, f"{at}.keep")
    return w.binary("add", kept, w.binary("mul", let_in, candidate, f"{at}.write"), f"{at}.memory")


def _peeping(w: GraphWriter, peepholes: Tensor, gates: Tensor, memory: Tensor, gate: int, at: str) -> Tensor:
    """Write a gate that sees the memory, each of its elements through a weight of its own."""
    n, label = memory.shape[1], f"{at}.gate{gate}"
    weight = w.shaped(take(w, peepholes, 0, gate * n, (gate + 1) * n, label), (n,))
    seen = w.made(w.emit(Elementwise("mul"), w.sample(memory), weight, name=f"{label}.peep"), memory.shape)
    total = w.binary("add", take(w, gates, 1, gate * n, (gate + 1) * n, label), seen, f"{label}.add")
    return w.unary("sigmoid", total, f"{label}.sigmoid")


def _gru(w: GraphWriter, row: Tensor, product: Tensor, state: Tensor, n: int, at: str) -> Tensor:
    """Return the next state, the reset gate applied after the product."""
    gates = w.unary(
        "sigmoid",
        w.binary("add", take(w, row, 1, 0, 2 * n, f"{at}.x"), take(w, product, 1, 0, 2 * n, f"{at}.h"), f"{at}.add"),
        f"{at}.sigmoid",
    )
    update, reset = (take(w, gates, 1, i * n, (i + 1) * n, f"{at}.gate{i}") for i in range(2))
    gated = w.binary("mul", reset, take(w, product, 1, 2 * n, 3 * n, f"{at}.hn"), f"{at}.reset")
    candidate = w.unary(
        "tanh", w.binary("add", take(w, row, 1, 2 * n, 3 * n, f"{at}.xn"), gated, f"{at}.new"), f"{at}.tanh"
    )
    step = w.binary("mul", update, w.binary("sub", candidate, state, f"{at}.change"), f"{at}.step")
    return w.binary("add", state, step, f"{at}.out")


def time_first(w: GraphWriter, x: Tensor, name: str) -> Tensor:
    """Reorder (sequences, steps, in) as (steps, sequences, in)."""
    return transpose(w, x, (1, 0, 2), f"{name}.time")
