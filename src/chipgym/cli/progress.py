"""How far a long run is: a bar on a terminal, a line now and then elsewhere, always on standard error."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from .output import note, text

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from ..search import CollectProgress, Progress
    from ..search.study import StudyProgress

# Seconds between lines where standard error is not a terminal.
LINE_EVERY_S = 5.0


class Meter:
    """A bar on a terminal, a line every few seconds elsewhere; the last of them when the work ends."""

    def __init__(self, total: int, what: str = "designs") -> None:
        self._total = total
        self._what = what
        self._bar: Bar | None = None
        self._printed_at = -LINE_EVERY_S
        self._unprinted: str | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._bar = _make_bar()
            self._bar.add_task("", total=self._total, about="", rate="", left="")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()
        elif self._unprinted is not None:
            note(self._unprinted)

    def show(self, done: int, rate: float, left_s: float | None, about: str = "") -> None:
        """Take how many designs (or what else) are done, how many a second, seconds left, and what to add."""
        left = _left(left_s) if done < self._total else ""
        speed = f"{_rate(rate)} {self._what}/s"
        if self._bar:
            task = self._bar.task_ids[0]
            self._bar.update(task, completed=done, total=self._total, about=about, rate=speed, left=left)
            return
        line = ", ".join(part for part in (f"{done:,}/{self._total:,} {self._what}", about, speed, left) if part)
        self._unprinted = line
        if time.monotonic() - self._printed_at >= LINE_EVERY_S:
            self._printed_at, self._unprinted = time.monotonic(), None
            note(line)


class ProgressReport(Meter):
    """A search's callback that shows its progress.

    Attributes:
        last: what the search said last, None before its first batch.
    """

    def __init__(self, objectives: tuple[str, ...], budget: int) -> None:
        super().__init__(budget)
        self.last: Progress | None = None
        self._objectives = objectives

    def __call__(self, progress: Progress) -> None:
        """Take what the search says after each batch."""
        self.last = progress
        self.show(progress.evaluations, progress.rate, progress.left_s, self._best(progress))

    def _best(self, progress: Progress) -> str:
        if not progress.best_feasible:
            return "nothing feasible yet"
        pairs = zip(self._objectives, progress.best_objectives, strict=True)
        return "best " + " ".join(f"{name}={text(value)}" for name, value in pairs)


class CollectReport(Meter):
    """A collection's callback that shows its progress.

    Attributes:
        last: what the collection said last, None before its first part.
    """

    last: CollectProgress | None = None

    def __call__(self, progress: CollectProgress) -> None:
        """Take what the collection says after each part."""
        self.last = progress
        self.show(progress.done, progress.rate, progress.left_s)


class CompareReport(Meter):
    """A study's callback that shows its progress: designs while optima are sought, then searches.

    Attributes:
        last: what the study said last of its searches, None before the first.
    """

    def __init__(self) -> None:
        super().__init__(1)
        self.last: StudyProgress | None = None
        self._began: tuple[str, float, int] | None = None

    def __call__(self, progress: StudyProgress) -> None:
        """Take what the study says after each search."""
        what = "designs" if progress.seeking_optimum else "searches"
        stage = f"{what} {progress.problem}" if progress.seeking_optimum else what
        if self._began is None or self._began[0] != stage:
            self._began = (stage, time.monotonic(), progress.done)
        self._total, self._what = progress.total, what
        if not progress.seeking_optimum:
            self.last = progress
        done, elapsed = progress.done - self._began[2], time.monotonic() - self._began[1]
        rate = done / elapsed if elapsed > 0 else 0.0
        left = (progress.total - progress.done) / rate if rate > 0 else None
        about = f"optimum of {progress.problem}" if progress.seeking_optimum else progress.agent
        self.show(progress.done, rate, left, about)


def _rate(rate: float) -> str:
    return f"{rate:,.3g}" if rate < 1000 else f"{rate:,.0f}"


def _left(left_s: float | None) -> str:
    if left_s is None:
        return ""
    seconds = int(left_s + 0.5)
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
        TextColumn("{task.fields[about]}", markup=False),
        TextColumn("{task.fields[rate]}", markup=False),
        TextColumn("{task.fields[left]}", markup=False),
        console=Console(stderr=True),
    )
