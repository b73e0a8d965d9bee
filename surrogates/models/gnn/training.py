"""Fits the graph model: batches of designs of every network, their loss, and the optimiser."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch_geometric.data import Batch, Data

from ....simulators import Column
from ...target import Target
from .fitted import WEIGHTS, GnnEnsemble
from .frame import Frame
from .member import Member
from .rows import GraphRows

if TYPE_CHECKING:
    from .family import Gnn

# Error below which the loss is quadratic, in standard deviations of a target.
_SMOOTH = 0.05
# Share of the steps in which the rate grows.
_WARM_UP = 0.1


def train(
    settings: Gnn, rows: GraphRows, z: Column, targets: Sequence[Target], amounts: Collection[str], seed: int
) -> GnnEnsemble:
    """Fit an ensemble to standardised targets z (n, t); the same arguments give the same weights."""
    frame = Frame.of(rows, z, targets, amounts)
    seeds = np.random.default_rng(seed).spawn(settings.members)
    members = [_member(settings, frame, rows, z, rng).arrays() for rng in seeds]
    return GnnEnsemble({name: np.stack([member[name] for member in members]) for name in WEIGHTS}, frame)


def _member(settings: Gnn, frame: Frame, rows: GraphRows, z: Column, rng: np.random.Generator) -> Member:
    """Fit one member from weights of its own."""
    with _one_thread(), torch.random.fork_rng(devices=()):
        torch.manual_seed(int(rng.integers(2**63)))
        sizes = len(frame.node_shift), len(frame.design_shift), len(frame.pair_shift), rows.gates.shape[1]
        member = Member(*sizes, frame.answers, settings.width)
        batches = Batches(frame, rows, z, settings.batch, rng)
        optimiser = torch.optim.AdamW(member.parameters(), lr=settings.rate, weight_decay=settings.decay, fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, settings.rate, total_steps=settings.steps + 1, pct_start=_WARM_UP
        )
        for _ in range(settings.steps):
            loss = batches.loss(member)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(member.parameters(), 1.0)
            optimiser.step()
            schedule.step()
    return member


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep sums on one thread: those of several arrive in any order, and one seed would not give the same weights."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class Batches:
    """Draws designs of every network, as many of each, and compares what a member says of them."""

    def __init__(self, frame: Frame, rows: GraphRows, z: Column, size: int, rng: np.random.Generator) -> None:
        used = np.unique(rows.graph)
        self.frame, self.rows = frame, rows
        self.graphs = [rows.graphs[g] for g in used]
        self.share = max(1, size // len(used))
        self.draws = [_Shuffled(np.flatnonzero(rows.graph == g), rng) for g in used]
        self.together = Batch.from_data_list([
            Data(
                x=_tensor((graph.features - frame.node_shift) / frame.node_scale),
                edge_index=torch.from_numpy(graph.producers),
                consumer_index=torch.from_numpy(graph.consumers),
            )
            for graph in self.graphs
        ])  # fmt: skip
        # Targets are in the order of the answers here.
        order = frame.order
        self.z = _tensor(z[:, order])
        self.designs = _tensor((rows.design - frame.design_shift) / frame.design_scale)
        self.gates = _tensor(rows.gates)
        self.base = [_tensor(frame.base(graph)[:, order]) for graph in self.graphs]
        self.log_counts = [_tensor(np.log(graph.counts)[:, None]) for graph in self.graphs]
        self.width, self.centre = _tensor(frame.width[order]), _tensor(frame.centre[order])
        self.amounts = frame.amounts
        self.log1p = torch.from_numpy(frame.log1p[order])
        means = order[self.amounts :]
        self.rate, self.linear = torch.from_numpy(frame.rate[means]), torch.from_numpy(frame.linear[means])

    def loss(self, member: Member) -> torch.Tensor:
        """Return the error of the next batch, the mean over designs and targets."""
        drawn = [draw.take(self.share) for draw in self.draws]
        sizes = list(map(len, self.graphs))
        hidden, straight = member.operators(self.together)
        known = zip(torch.split(hidden, sizes), torch.split(straight, sizes, 1), strict=True)
        found_z = []
        for i, (part, chosen) in enumerate(zip(known, drawn, strict=True)):
            features = self.rows.pairing.features(self.graphs[i].sizes, self.rows.knobs[chosen])
            pairs = _tensor((features - self.frame.pair_shift) / self.frame.pair_scale)
            found_z.append(self.read(i, member(part, self.designs[chosen], self.gates[chosen], pairs)))
        expected = self.z[np.concatenate(drawn)]
        return nn.functional.smooth_l1_loss(torch.cat(found_z), expected, beta=_SMOOTH)

    def read(self, i: int, answers: torch.Tensor) -> torch.Tensor:
        """Compute standardised targets (n, t) from answers (n, c, o) of network i's operators, as `Frame.read`.

        They are in the order of the answers.
        """
        t, amounts, log_counts = len(self.centre), self.amounts, self.log_counts[i]
        f, a = answers[:, :, :t] * self.width + self.base[i], answers[:, :, t:] + log_counts
        sums = torch.logsumexp(f[:, :, :amounts] + log_counts, 1)
        means = f[:, :, amounts:]
        if amounts:
            time = f[:, :, :1].detach()  # how means are weighted is not to bend the time
            a, means = a + time, torch.where(self.rate, means - time, means)
        weight = torch.log_softmax(a, 1)
        means = torch.where(self.linear, (weight.exp() * means).sum(1), torch.logsumexp(means + weight, 1))
        out = torch.cat([sums, means], 1)
        out = torch.where(self.log1p, nn.functional.softplus(out), out)
        standard: torch.Tensor = (out - self.centre) / self.width
        return standard


class _Shuffled:
    """Numbers in a random order, in another one each time that they are used up."""

    def __init__(self, numbers: Column, rng: np.random.Generator) -> None:
        self.numbers, self.rng, self.left = numbers, rng, numbers[:0]

    def take(self, n: int) -> Column:
        """Draw the next n of them, or all where there are fewer."""
        n = min(n, len(self.numbers))
        if len(self.left) < n:
            self.left = self.rng.permutation(self.numbers)
        drawn, self.left = self.left[:n], self.left[n:]
        return drawn


def _tensor(array: Column) -> torch.Tensor:
    return torch.tensor(array, dtype=torch.float32)
