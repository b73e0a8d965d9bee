"""LSTM and GRU layers of imported graphs, step by step.

What a layer does with its input is one product over all steps. What it does with its state is a product of one row
per step that waits for the step before, so that each step is a node of its own; they share one weight. The cells are
those of Hochreiter and Schmidhuber (1997) with a forget gate, and of Cho et al. (arXiv:1406.1078).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ....errors import ChipgymError, shorten
from ...network.operators import Linear
from .movement import concat, reshape, take, transpose
from .writer import GraphWriter, Tensor

#: Gates of each cell, whose weights lie in one matrix.
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
#: Most steps that are written out one by one.
MAX_STEPS = 4096


@dataclass(frozen=True)
class Layer:
    """A recurrent layer: "LSTM", "GRU" or "RNN", its width, and in which directions it reads."""

    cell: str
    hidden: int
    directions: int = 1
    bias: bool = True
    reverse: bool = False


def recurrent(
    w: GraphWriter, layer: Layer, x: Tensor, initial: Sequence[Tensor | None], name: str
) -> tuple[Tensor, Tensor, Tensor]:
    """One layer over (steps, 1, in).

    Args:
        initial: state, and memory of an LSTM, each (directions, 1, hidden); an input of the network where None or
            constant.

    Returns:
        Outputs (steps, directions, 1, hidden), last state and last memory (directions, 1, hidden).

    Raises:
        ChipgymError: more than `MAX_STEPS` steps, or a batch other than 1.
    """
    steps, batch, width = x.shape
    cell, hidden, directions = layer.cell, layer.hidden, layer.directions
    if batch != 1:
        raise ChipgymError(f"{w.source}: node {shorten(name)}: a {cell} over {batch} sequences per sample, expected 1")
    if steps > MAX_STEPS:
        raise ChipgymError(f"{w.source}: node {shorten(name)}: a {cell} of {steps} steps, at most {MAX_STEPS}")
    rows = reshape(w, x, (steps, width), f"{name}.rows")
    outputs, states, memories = [], [], []
    for direction in range(directions):
        label = f"{name}.{('forward', 'backward')[direction]}" if directions > 1 else name
        gates = Linear(GATES[cell] * hidden, layer.bias)
        inputs = w.made(
            w.emit(gates, w.shaped(rows, (steps, width)), name=f"{label}.input"), (steps, gates.out_features)
        )
        backward = layer.reverse if directions == 1 else direction == 1
        start = [
            _initial(w, given, direction, hidden, f"{label}.{what}") for what, given in zip("hc", initial, strict=False)
        ]
        made, memory = _steps(w, layer, inputs, start, backward, label)
        states.append(reshape(w, made[0 if backward else -1], (1, 1, hidden), f"{label}.state"))
        memories.append(reshape(w, memory, (1, 1, hidden), f"{label}.memory"))
        joined = concat(w, made, 0, f"{label}.outputs")
        outputs.append(reshape(w, joined, (steps, 1, 1, hidden), f"{label}.steps"))
    both, last = concat(w, outputs, 1, f"{name}.directions"), concat(w, states, 0, f"{name}.states")
    return both, last, concat(w, memories, 0, f"{name}.memories")


def _initial(w: GraphWriter, given: Tensor | None, direction: int, hidden: int, label: str) -> Tensor:
    if given is None or given.constant:
        return w.input(label, (1, hidden))
    return reshape(w, take(w, given, 0, direction, direction + 1, f"{label}.slice"), (1, hidden), label)


def _steps(
    w: GraphWriter, layer: Layer, inputs: Tensor, start: list[Tensor], backward: bool, label: str
) -> tuple[list[Tensor], Tensor]:
    """The state after each step, each (1, hidden), in the order of the input, and the last memory."""
    steps, hidden = inputs.shape[0], layer.hidden
    state, memory = start[0], start[-1]
    made: dict[int, Tensor] = {}
    first: str | None = None
    for step in reversed(range(steps)) if backward else range(steps):
        at = f"{label}.{step}"
        row = take(w, inputs, 0, step, step + 1, f"{at}.input")
        # The weight and the bias count at the first step; a bias costs no time of its own.
        op = Linear(inputs.shape[1], layer.bias and first is None, first)
        node = w.emit(op, w.sample(state), name=f"{at}.state")
        first = first or node
        product = w.made(node, (1, inputs.shape[1]))
        if layer.cell == "LSTM":
            state, memory = _lstm(w, row, product, memory, hidden, at)
        elif layer.cell == "GRU":
            state = _gru(w, row, product, state, hidden, at)
        else:
            state = w.unary("tanh", w.binary("add", row, product, f"{at}.add"), f"{at}.tanh")
        made[step] = state
    return [made[step] for step in range(steps)], memory


def _lstm(w: GraphWriter, row: Tensor, product: Tensor, memory: Tensor, n: int, at: str) -> tuple[Tensor, Tensor]:
    """The next state and memory; which gate lies where changes no cost."""
    gates = w.binary("add", row, product, f"{at}.add")
    open_gates = w.unary("sigmoid", take(w, gates, 1, 0, 3 * n, f"{at}.gates"), f"{at}.sigmoid")
    candidate = w.unary("tanh", take(w, gates, 1, 3 * n, 4 * n, f"{at}.cell"), f"{at}.tanh")
    let_in, forget, let_out = (take(w, open_gates, 1, i * n, (i + 1) * n, f"{at}.gate{i}") for i in range(3))
    kept = w.binary("mul", forget, memory, f"{at}.keep")
    memory = w.binary("add", kept, w.binary("mul", let_in, candidate, f"{at}.write"), f"{at}.memory")
    return w.binary("mul", let_out, w.unary("tanh", memory, f"{at}.squash"), f"{at}.out"), memory


def _gru(w: GraphWriter, row: Tensor, product: Tensor, state: Tensor, n: int, at: str) -> Tensor:
    """The next state, the reset gate applied after the product."""
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
    """(1, steps, in) as (steps, 1, in)."""
    return transpose(w, x, (1, 0, 2), f"{name}.time")
