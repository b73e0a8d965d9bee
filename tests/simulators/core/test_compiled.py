"""The cache of compiled kernels; run in fresh processes, as a stamp is taken once in each."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from chipgym.simulators.core import compiled as module

KERNEL = """
from chipgym.simulators.core.compiled import compiled
from .neighbour import SCALE, shift

@compiled
def kernel(x):
    return SCALE * x + shift(x)
"""
NEIGHBOUR = """
from chipgym.simulators.core.compiled import compiled

SCALE = {scale}

@compiled
def shift(x):
    return x + {shift}
"""
RUN = """
import importlib, sys

for machine in sys.argv[1:]:
    k = importlib.import_module(f"{machine}.kernel").kernel
    print(k(2.0), sum(k.stats.cache_hits.values()))
"""


def run(folder, scale: int, shift: int, machines: tuple[str, ...] = ("machine",)) -> list[str]:
    """What the kernel of each machine answers, and how often it came from the cache."""
    for machine in machines:
        package = folder / machine
        package.mkdir(exist_ok=True)
        (package / "__init__.py").touch()
        (package / "kernel.py").write_text(KERNEL) if not (package / "kernel.py").exists() else None
        (package / "neighbour.py").write_text(NEIGHBOUR.format(scale=scale, shift=shift))
    variables = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    # Python tells sources of one size apart by the second in which they were written.
    variables["PYTHONDONTWRITEBYTECODE"] = "1"
    done = subprocess.run(
        [sys.executable, "-c", RUN, *machines], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_editing_a_neighbour_renews_the_kernel(tmp_path):
    assert run(tmp_path, 10, 1) == ["23.0", "0"]
    assert run(tmp_path, 10, 1) == ["23.0", "1"]
    assert run(tmp_path, 20, 3) == ["45.0", "0"]


def test_a_damaged_copy_is_compiled_anew(tmp_path):
    """A machine for each kind of damage, all in the same processes."""
    machines = ("empty", "torn", "flipped", "other")
    assert run(tmp_path, 10, 1, machines) == ["23.0", "0"] * 4
    for machine in machines:
        files = [p for suffix in ("nbi", "nbc") for p in (tmp_path / machine).rglob(f"*.{suffix}")]
        assert len({file.suffix for file in files}) == 2
        for file in files:
            data = file.read_bytes()
            middle = len(data) // 2
            changed = {
                "empty": b"",
                "torn": data[:middle],
                "flipped": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
                "other": b"not a kernel" * 10,
            }
            file.write_bytes(changed[machine])
    assert run(tmp_path, 10, 1, machines) == ["23.0", "0"] * 4
    assert run(tmp_path, 10, 1, machines) == ["23.0", "1"] * 4


def test_editing_any_source_of_a_machine_renews_its_kernels():
    """A kernel may stand in a folder below its machine's, and what it calls in another."""
    from chipgym.simulators.memory.model.batch import run_batch

    machine, core = module.sources_of(run_batch.py_func)
    assert (machine.name, core.name) == ("memory", "core")


def test_a_machine_is_the_folder_below_its_room():
    assert module.machine_of("chipgym.simulators.memory.model.bank") == "memory"
    assert module.machine_of("chipgym.surrogates.models.kernel") == "models"
    assert module.machine_of("somebody.machine.kernel") == "machine"
    assert module.machine_of("kernel") == "kernel"


def test_what_a_kernel_took_may_be_gone(tmp_path):
    """Numba keeps the types of arguments by the name of their class, which an update may have taken away."""
    package = tmp_path / "machine"
    package.mkdir()
    (package / "__init__.py").touch()
    for name in ("Pair", "Couple"):
        (package / "pairs.py").write_text(f"from typing import NamedTuple\nclass {name}(NamedTuple):\n    a: float\n")
        (package / "kernel.py").write_text(KERNEL.replace("return SCALE * x + shift(x)", "return x.a"))
        (package / "neighbour.py").write_text(NEIGHBOUR.format(scale=1, shift=1))
        command = f"from machine.kernel import kernel; from machine.pairs import {name}; print(kernel({name}(2.0)))"
        variables = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
        done = subprocess.run(
            [sys.executable, "-c", command], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
        )
        assert done.stdout.strip() == "2.0", done.stderr


def test_compiling_is_announced(caplog):
    @module.inlined
    def piece(x: float) -> float:
        return x + 1

    def whole(x: float) -> float:
        return 2 * piece(x)

    whole.__module__ = "chipgym.simulators.machine.kernel"
    with caplog.at_level("INFO", logger="chipgym"):
        compiled = module.piece(whole)
        assert (compiled(3.0), compiled(4.0)) == (8.0, 10.0)
    assert caplog.messages == ["compiling the machine kernel; once, as it is kept on disk"]


def test_the_stamp_is_of_every_source_in_the_folder(tmp_path):
    def stamp() -> str:
        module.folder_stamp.cache_clear()
        return module.folder_stamp(tmp_path)

    seen = [stamp()]
    (tmp_path / "a.py").write_text("x = 1")
    seen.append(stamp())
    (tmp_path / "a.py").write_text("x = 2")
    seen.append(stamp())
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    seen.append(stamp())
    (tmp_path / "below").mkdir()
    (tmp_path / "b.py").rename(tmp_path / "below" / "b.py")
    seen.append(stamp())
    (tmp_path / "notes.txt").write_text("not code")
    assert stamp() == seen[-1]
    assert len(set(seen)) == 5


@pytest.mark.parametrize("error", [AttributeError, RuntimeError])
def test_without_a_cache_kernels_still_compile(monkeypatch, error):
    """Where no folder can be written Numba raises RuntimeError; where its insides changed, AttributeError."""
    real = module.njit

    def njit(*args, **options):
        if options.pop("cache", False):
            raise error("no locator available")
        return real(*args, **options)

    monkeypatch.setattr(module, "njit", njit)

    @module.compiled
    def double(x: float) -> float:
        return 2 * x

    assert double(3.0) == 6.0
