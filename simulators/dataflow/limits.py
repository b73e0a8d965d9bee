"""The limits of a machine in words: what a design needs of what it has, and whose need it is."""

from __future__ import annotations

from ..core import Columns, Limit
from .breakdown import part_label, worst_section
from .model import answers as a
from .run import Run

#: Where a part's answer has by how much its sections are beyond what there is, and a section's record what it needs.
_WORST = {
    a.PCUS: (a.NEED_PCUS, a.S_PCUS), a.PMUS: (a.NEED_PMUS, a.S_PMUS), a.SRAM: (a.NEED_SRAM, a.S_SRAM),
}  # fmt: skip


def broken_limits(run: Run, columns: Columns) -> tuple[Limit, ...]:
    """Return the limits that a design's columns, each of shape (1,), break, each with whose it is."""
    answers = run.answers(columns, 1)
    group = "tp * pp * ep" if "ep" in columns else "tp * pp"
    # By number in `NEEDS`, a name and a unit.
    words = (
        (group, "sockets"), (f"sockets left over by {group}", ""), ("pp", "stages"),
        ("microbatches", "sequences of a replica"), ("pcus", ""), ("pmus", ""), ("sram", "MB"),
        ("fifo_depth", "samples"), ("hbm of a socket", "GB"), ("ddr of a socket", "GB"),
    )  # fmt: skip
    out = []
    for at, (name, unit) in enumerate(words):
        limit = Limit(name, answers.needed[0, at], answers.has[0, at], unit=unit)
        if limit.broken:
            out.append(Limit(_whose(run, columns, answers, at, name), limit.value, limit.limit, unit=unit))
    return tuple(out)


def _whose(run: Run, columns: Columns, answers: a.Answers, need: int, name: str) -> str:
    """Return a limit's name with the section or part that needs the most of what is limited."""
    if need in _WORST:
        beyond, recorded = _WORST[need]
        part = int(answers.parts[0, :, beyond].argmax())
        return f"{name} of {worst_section(run, columns, part, recorded)}"
    if need == a.DEPTH:
        part = int(answers.parts[0, :, a.NEED_DEPTH].argmax())
        return f"shortfall of {name} beside a barrier of {part_label(run.rows[part])}"
    return name
