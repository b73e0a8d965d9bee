"""Global state that learning libraries lean on: seeded for a while, and put back as it was."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

# Learners of this process take turns, since the generators below are the whole process's.
_TURN = threading.RLock()


@contextmanager
def isolated(rng: np.random.Generator) -> Iterator[None]:
    """Seed the global generators of torch and numpy from `rng`, use one thread, and restore all of it after.

    Stable-Baselines3 draws actions and weights from torch's global generator, and minibatches from numpy's. More than
    one thread would make the last bit of a sum, and so a search, depend on how many cores there are; the networks are
    too small to gain from them.
    """
    with _TURN, torch.random.fork_rng(devices=[]):
        state, threads = np.random.get_state(), torch.get_num_threads()  # noqa: NPY002
        torch.set_num_threads(1)
        try:
            torch.manual_seed(int(rng.integers(2**63)))
            np.random.seed(int(rng.integers(2**32)))  # noqa: NPY002
            yield
        finally:
            np.random.set_state(state)  # noqa: NPY002
            torch.set_num_threads(threads)
