"""The closed form, the recurrence, and a queue of events agree on what a section takes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from event_queue import Drawn, simulate
from hypothesis import given, settings
from hypothesis import strategies as st

from chipgym.simulators.dataflow.model.pipeline import Section, closed_form, recurrence, section_seconds
from chipgym.simulators.dataflow.model.sections import missing_depth, size_fifos

# Whole numbers of small units, so that sums are exact whatever their order.
TIMES = st.integers(1, 8).map(float)


@st.composite
def sections(draw, barriers: bool) -> Drawn:
    """A connected section of two to seven kernels, each fed by one before it or more."""
    n = draw(st.integers(2, 7))
    pairs = {(draw(st.integers(0, v - 1)), v) for v in range(1, n)}
    more = st.tuples(st.integers(0, n - 2), st.integers(1, n - 1)).filter(lambda p: p[0] < p[1])
    pairs |= draw(st.sets(more, max_size=4))
    span, samples = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    edges = tuple(
        (u, v, float(draw(st.integers(0, 2))), draw(st.integers(1, 9)), barriers and draw(st.booleans()))
        for u, v in sorted(pairs, key=lambda p: p[::-1])
    )
    return Drawn(tuple(draw(st.lists(TIMES, min_size=n, max_size=n))), edges, span * samples, span)


def compiled(drawn: Drawn) -> Section:
    links = np.array([(u, v, barrier) for u, v, _, _, barrier in drawn.edges], dtype=np.int64)
    n = len(drawn.service)
    return Section(
        links, np.zeros(n, np.int64), np.array(drawn.service), np.array([e[2] for e in drawn.edges]),
        np.array([e[3] for e in drawn.edges]), np.zeros(n),
    )  # fmt: skip


def by_recurrence(drawn: Drawn, blocks: int = 1, stream: float = 0.0, reads=None) -> tuple[float, float]:
    n = len(drawn.service)
    section = compiled(drawn)
    if reads is not None:
        section = section._replace(reads=np.array(reads))
    finish, progress = np.zeros((n, blocks * drawn.tiles)), np.zeros(n, np.int64)
    return recurrence(section, 0, drawn.tiles, drawn.span, blocks, stream, finish, progress)


def by_closed_form(drawn: Drawn) -> float:
    return closed_form(compiled(drawn), 0, drawn.tiles, drawn.span, 0.0, np.zeros((5, len(drawn.service))))[0]


def deep(drawn: Drawn) -> Drawn:
    return replace(drawn, edges=tuple((u, v, d, 10_000, b) for u, v, d, _, b in drawn.edges))


@settings(deadline=None, max_examples=200)
@given(sections(barriers=True))
def test_the_recurrence_is_the_queue_of_events(drawn):
    assert by_recurrence(drawn)[0] == simulate(drawn)


@settings(deadline=None, max_examples=200)
@given(sections(barriers=False))
def test_the_closed_form_is_exact_where_no_fifo_fills(drawn):
    assert by_closed_form(deep(drawn)) == by_recurrence(deep(drawn))[0]


@settings(deadline=None, max_examples=200)
@given(sections(barriers=True))
def test_the_closed_form_is_near_with_barriers(drawn):
    ratio = by_closed_form(deep(drawn)) / by_recurrence(deep(drawn))[0]
    assert 0.9 <= ratio <= 2


@settings(deadline=None, max_examples=200)
@given(sections(barriers=False))
def test_shallower_is_never_faster(drawn):
    shallow = replace(drawn, edges=tuple((u, v, d, max(1, c - 1), b) for u, v, d, c, b in drawn.edges))
    assert by_closed_form(drawn) <= by_recurrence(drawn)[0] <= by_recurrence(shallow)[0]


@settings(deadline=None, max_examples=200)
@given(TIMES, TIMES, st.integers(0, 20).map(float), st.integers(1, 5), st.integers(1, 12))
def test_a_fifo_lets_so_many_tiles_make_the_trip(first, second, delay, capacity, tiles):
    """Of two kernels the closed form is exact where the trip, or the slower kernel, sets the pace throughout."""
    drawn = Drawn((first, second), ((0, 1, delay, capacity, False),), tiles, 1)
    assert by_closed_form(drawn) <= by_recurrence(drawn)[0]
    if capacity == 1:
        assert by_closed_form(drawn) == by_recurrence(drawn)[0] == tiles * (first + delay + second)


def test_links_with_latency_set_the_pace_of_small_tiles():
    drawn = Drawn((2.0, 3.0), ((0, 1, 4.0, 2, False),), 5, 1)
    assert by_closed_form(drawn) == by_recurrence(drawn)[0] == 27.0  # three trips of 9, two tiles in each but the last


@settings(deadline=None, max_examples=200)
@given(sections(barriers=True))
def test_what_locks_up_is_known_beforehand(drawn):
    section, n = compiled(drawn), len(drawn.service)
    short = missing_depth(section.links, section.section, drawn.span, np.zeros(n, np.int64), section.capacity)
    assert (short > 0) == math.isinf(simulate(drawn))
    deeper = replace(drawn, edges=tuple((u, v, d, c + int(short), b) for u, v, d, c, b in drawn.edges))
    assert math.isfinite(simulate(deeper))


@settings(deadline=None, max_examples=100)
@given(sections(barriers=True))
def test_matched_fifos_never_lock_up(drawn):
    section, n = compiled(drawn), len(drawn.service)
    capacity = np.zeros(len(drawn.edges), np.int64)
    assert size_fifos(section.links, section.section, 2, drawn.span, np.zeros(n, np.int64), capacity) == 0
    matched = tuple((u, v, d, int(c), b) for (u, v, d, _, b), c in zip(drawn.edges, capacity, strict=True))
    assert math.isfinite(simulate(replace(drawn, edges=matched)))


def chain(n: int, capacity: int, tiles: int) -> Drawn:
    return Drawn((1.0,) * n, tuple((i, i + 1, 0.0, capacity, False) for i in range(n - 1)), tiles, 1)


def test_a_chain_by_hand():
    # Fill of n - 1, then a tile a second; with a single tile between neighbours both take turns.
    assert by_recurrence(chain(5, 2, 10))[0] == 14
    assert by_recurrence(chain(5, 1, 10))[0] == 5 + 9 * 2


def test_a_residual_edge_needs_the_depth_of_its_detour():
    detour = chain(5, 2, 100)
    for capacity, per_tile in ((5, 1), (1, 5)):
        drawn = replace(detour, edges=(*detour.edges[:3], (0, 4, 0.0, capacity, False), detour.edges[3]))
        assert by_recurrence(drawn)[0] == 5 + 99 * per_tile


def test_a_repeat_follows_as_soon_as_its_input_is_there():
    # A tile goes round in 5 s and 10 tiles in 10 s: repeats are 10 s apart, and 5 s with a single tile.
    assert by_recurrence(chain(5, 2, 10), blocks=3) == (14, 10)
    assert by_recurrence(chain(5, 2, 1), blocks=3) == (5, 5)


def test_memory_paces_the_kernel_that_reads():
    end, _ = by_recurrence(chain(3, 2, 10), stream=4.0, reads=[4.0, 0, 0])
    assert end == 10 * 4 + 3


@pytest.mark.parametrize(("parts", "seconds"), [((3, 2, 1, 0.5), 3.5), ((1, 4, 2, 0), 4), ((1, 2, 5, 1), 6)])
def test_a_section_is_its_slowest_part_after_its_setup(parts, seconds):
    assert section_seconds(*map(float, parts)) == seconds
