"""How far a search is: a bar on a terminal, a line now and then elsewhere, always on standard error."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from .output import note, text

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from ..search import Progress

# Seconds between lines where standard error is not a terminal.
LINE_EVERY_S = 5.0


class ProgressReport:
    """A search's callback that shows its progress.

    Attributes:
        last: what the search said last, None before its first batch.
    """

    def __init__(self, objectives: tuple[str, ...], budget: int) -> None:
        self.last: Progress | None = None
        self._objectives = objectives
        self._budget = budget
        self._bar: Bar | None = None
        self._printed_at = -LINE_EVERY_S
        self._printed: Progress | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._bar = _make_bar()
            self._bar.add_task("search", total=self._budget, best="", rate="", left="")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()
        elif self.last is not None and self.last is not self._printed:
            note(self._line(self.last))

    def __call__(self, progress: Progress) -> None:
        """Takes what the search says after each batch."""
        self.last = progress
        if self._bar:
            self._bar.update(
                self._bar.task_ids[0],
                completed=progress.evaluations,
                best=self._best(progress),
                rate=_rate(progress),
                left=_left(progress),
            )
        elif time.monotonic() - self._printed_at >= LINE_EVERY_S:
            self._printed_at, self._printed = time.monotonic(), progress
            note(self._line(progress))

    def _line(self, progress: Progress) -> str:
        done = f"{progress.evaluations:,}/{progress.budget:,} designs"
        return ", ".join(part for part in (done, self._best(progress), _rate(progress), _left(progress)) if part)

    def _best(self, progress: Progress) -> str:
        if not progress.best_feasible:
            return "nothing feasible yet"
        pairs = zip(self._objectives, progress.best_objectives, strict=True)
        return "best " + " ".join(f"{name}={text(value)}" for name, value in pairs)


def _rate(progress: Progress) -> str:
    return f"{progress.rate:,.3g} designs/s" if progress.rate < 1000 else f"{progress.rate:,.0f} designs/s"


def _left(progress: Progress) -> str:
    if progress.left_s is None or progress.evaluations >= progress.budget:
        return ""
    seconds = int(progress.left_s + 0.5)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    clock = f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds % 60:02} s"
    return f"{clock} left" if seconds >= 60 else f"{seconds} s left"


def _make_bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as RichProgress

    return RichProgress(
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[best]}", markup=False),
        TextColumn("{task.fields[rate]}", markup=False),
        TextColumn("{task.fields[left]}", markup=False),
        console=Console(stderr=True),
    )
