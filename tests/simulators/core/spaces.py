"""Random small design spaces with chained conditions, and the spaces that several tests share."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from chipgym.simulators import Choices, DesignSpace, Integers, Parameter, Reals, when

NAMES = ("a", "b", "c", "d", "e")


@st.composite
def design_spaces(draw, most: int = 5) -> DesignSpace:
    """Up to `most` parameters of at most 4 values each; conditions name any earlier parameters."""
    parameters: list[Parameter] = []
    for name in NAMES[: draw(st.integers(1, most))]:
        kind = draw(st.sampled_from(["integer", "real", "choice"]))
        size = draw(st.integers(1, 4))
        if kind == "integer":
            values = sorted(draw(st.sets(st.integers(-9, 9), min_size=size, max_size=size)))
            domain = Integers(-20, 20)
        elif kind == "real":
            values = sorted(draw(st.sets(st.floats(-9, 9, width=32), min_size=size, max_size=size)))
            domain = Reals(-20.0, 20.0, infinite=draw(st.booleans()))
        else:
            values = ["x", "yy", "zzz", "wwww"][:size]
            domain = Choices(("x", "yy", "zzz", "wwww", "other"))
        clauses = {}
        for earlier in parameters:
            if draw(st.integers(0, 3)) == 0:
                clauses[earlier.name] = tuple(draw(st.sets(st.sampled_from(earlier.values), max_size=3)))
        ordinal = None if kind == "choice" else draw(st.booleans())
        default = draw(st.sampled_from(values))
        condition = when(**clauses) if clauses else None
        parameters.append(Parameter(name, tuple(values), domain, default, ordinal=ordinal, condition=condition))
    return DesignSpace(tuple(parameters))


def rows_of(space: DesignSpace, seed: int, n: int = 16) -> np.ndarray:
    """Index rows from the whole grid, not canonical."""
    return np.random.default_rng(seed).integers(0, space.sizes, size=(n, len(space.parameters)))


def memory_controller_space() -> DesignSpace:
    """A DRAM controller's knobs, two of which matter only with refresh, and one only with an arbiter that reorders."""
    powers = tuple(2**i for i in range(8))
    return DesignSpace((
        Parameter("page_policy", ("open", "open_adaptive", "closed", "closed_adaptive")),
        Parameter("scheduler", ("fifo", "fr_fcfs", "fr_fcfs_grp")),
        Parameter("scheduler_buffer", ("bankwise", "read_write", "shared")),
        Parameter("request_buffer_size", powers),
        Parameter("resp_queue", ("fifo", "reorder")),
        Parameter("refresh_policy", ("no_refresh", "all_bank")),
        Parameter("refresh_max_postponed", (1, 2, 4, 8), condition=when(refresh_policy="all_bank")),
        Parameter("refresh_max_pulledin", (1, 2, 4, 8), condition=when(refresh_policy="all_bank")),
        Parameter("arbiter", ("simple", "fifo", "reorder")),
        Parameter("max_active_transactions", powers, condition=when(arbiter=("fifo", "reorder"))),
    ))  # fmt: skip
