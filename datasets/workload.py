"""What every workload is, whatever its form: a network of operators, a loop-nest kernel or a memory trace."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Workload(Protocol):
    """Work for a simulator to run.

    Attributes:
        name: for people (reports, tables); two workloads may share it.
        digest: sha256 in hex of the content, equal for equal work wherever it was loaded from; keys stores and caches.
    """

    @property
    def name(self) -> str:
        """Name for people (reports, tables); two workloads may share it."""
        ...

    @property
    def digest(self) -> str:
        """sha256 in hex of the content, equal for equal work wherever it was loaded from."""
        ...

    def features(self) -> dict[str, float]:
        """Compute descriptive numbers under a fixed set of keys per workload type, all finite."""
        ...
