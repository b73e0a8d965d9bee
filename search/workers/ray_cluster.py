"""A connection to a Ray cluster: one that is there, or one of this machine for as long as it is needed."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ...errors import ChipgymError, shorten

# Seconds that an address has to answer.
ANSWER_S = 5.0
# Memory that workers of one machine share for functions, tasks and answers. Ray takes the disk for more.
SHARED_BYTES = 2**28

LOG = logging.getLogger("chipgym")

_EXPECTED = "expected ray://host:10001, host:6379 on one of its machines, or auto"


@dataclass(frozen=True)
class Cluster:
    """A Ray cluster that this process is connected to.

    Attributes:
        ray: the library.
        ours: whether it is of this machine and ends with the connection.
    """

    ray: Any
    ours: bool

    @property
    def cpus(self) -> int:
        """How many tasks of one CPU it works on at a time; one at least."""
        return max(1, int(self.ray.cluster_resources().get("CPU", 1)))

    def threads_each(self, workers: int) -> int:
        """Count the threads that kernels may use in each of several workers."""
        from ...simulators.core.compiled import threads

        return max(1, threads() // workers) if self.ours else 1  # a task of a cluster has one CPU of it


@contextmanager
def connected(address: str | None, workers: int | None) -> Iterator[Cluster]:
    """Connect to a cluster, and leave it as it was; see `checked_backend` for which one an address means.

    Args:
        address: of the cluster.
        workers: CPUs of one that is started on this machine; as many as that has where None.

    Raises:
        ChipgymError: where Ray is not installed, an address does not answer, or Python is connected to another cluster.
    """
    ray = check_ray(address)
    if ray.is_initialized():
        yield Cluster(ray, ours=False)
        return
    address = _place(address)
    ours = address == "local"
    with _settings():
        try:
            with _quietly(ray):
                if ours:
                    _start(ray, workers)
                else:
                    _join(ray, address)
            yield Cluster(ray, ours)
        finally:
            ray.shutdown()


def check_ray(address: str | None) -> Any:
    """Return the library, where it is installed and its cluster may be there, of which Ray itself says late.

    Raises:
        ChipgymError: as `connected`.
    """
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ChipgymError(f"backend: 'ray' needs {error.name}: pip install 'chipgym[ray]'") from None
    if not ray.is_initialized():
        if _place(address) not in ("local", "auto"):
            _knock(_place(address))
    elif address is not None:
        raise ChipgymError(
            f"address: Python is connected to a Ray cluster already; leave {shorten(address)} out to use that, or call "
            "ray.shutdown() before"
        )
    return ray


def _place(address: str | None) -> str:
    return address or os.environ.get("RAY_ADDRESS") or "local"


def _start(ray: Any, workers: int | None) -> None:
    LOG.info("starting Ray on this machine, which takes seconds")
    try:
        ray.init(
            "local",
            num_cpus=workers,
            num_gpus=0,
            object_store_memory=SHARED_BYTES,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
        )
    except Exception as error:  # ports, folders, limits of the system: Ray has no class for them
        raise ChipgymError(f"backend: Ray does not start on this machine ({_line(error)})") from error


def _join(ray: Any, address: str) -> None:
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL)
    except Exception as error:
        if address == "auto" and isinstance(error, ConnectionError):
            raise ChipgymError(
                "address: 'auto' finds no Ray cluster on this machine; left out, one is started"
            ) from error
        raise ChipgymError(f"address: the Ray cluster at {shorten(address)} cannot be used ({_line(error)})") from error


def _knock(address: str) -> None:
    """See whether anything answers at an address, for which Ray itself takes a minute.

    Raises:
        ChipgymError: where nothing does, and for what is no address.
    """
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or not port or parts.scheme not in ("ray", ""):
        raise ChipgymError(f"address: {shorten(address)} is not a Ray cluster's; {_EXPECTED}")
    try:
        socket.create_connection((host, port), timeout=ANSWER_S).close()
        _greet(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    except OSError as error:
        said = f"no Ray cluster answers at {shorten(address)} within {ANSWER_S:g} s ({error.strerror or error})"
        raise ChipgymError(f"address: {said}; {_EXPECTED}") from None


def _greet(target: str) -> None:
    """See whether what answers speaks gRPC, as every door of a Ray cluster does.

    Raises:
        OSError: where it does not.
    """
    if os.environ.get("RAY_USE_TLS", "0") not in ("", "0"):
        return  # it takes certificates, which Ray knows how to find
    try:
        import grpc
    except ModuleNotFoundError:  # Ray names it, where it needs it
        return
    channel = grpc.insecure_channel(target)
    try:
        grpc.channel_ready_future(channel).result(timeout=ANSWER_S)
    except grpc.FutureTimeoutError:
        raise OSError("what listens there is something else") from None
    finally:
        channel.close()


def _hear_nothing(*_: object) -> None:
    """Stand in for Ray's thread that prints what its cluster reports."""


def _line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else f"{text[:199]}…"


@contextmanager
def _settings() -> Iterator[None]:
    """Keep Ray from reporting its use, and take back what it sets in the environment."""
    before = {name: value for name, value in os.environ.items() if _of_ray(name)}
    for name in ("RAY_USAGE_STATS_ENABLED", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"):
        os.environ.setdefault(name, "0")
    try:
        yield
    finally:
        for name in [name for name in os.environ if _of_ray(name) and name not in before]:
            del os.environ[name]
        os.environ.update(before)


def _of_ray(variable: str) -> bool:
    return variable.startswith("RAY_") or variable == "PYTHONBREAKPOINT"


@contextmanager
def _quietly(ray: Any) -> Iterator[None]:
    """Keep Ray from the terminal, and from the signal that ends this process."""
    inside, listen = getattr(getattr(ray, "_private", None), "worker", None), "listen_error_messages"
    # It prints screens of text on standard output whenever a worker dies, where JSON may go, and has no setting for it.
    listening = getattr(inside, listen, None)
    if listening:
        setattr(inside, listen, _hear_nothing)
    main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if listening:
            setattr(inside, listen, listening)
        if main and handler is not None:
            signal.signal(signal.SIGTERM, handler)
