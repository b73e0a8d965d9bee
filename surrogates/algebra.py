"""Linear algebra whose last digits do not depend on how many threads there are.

Libraries of linear algebra cut a sum among threads, and each order of a sum rounds otherwise. A model is known by the
digest of its numbers, so that the same tables must give the same ones on one core and on many.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    """Run linear algebra of NumPy and SciPy on one thread, of this process, for this while."""
    import scipy.linalg  # noqa: F401 - has a library of its own, which must be there to be told
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(limits=1, user_api="blas"):
        yield
