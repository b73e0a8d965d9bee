"""What is installed from a wheel, and what a checkout without symbolic links says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("datasets", "simulators", "surrogates", "envs", "search")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """A wheel built without the network, from a copy, so that no build folder is left in the checkout."""
    copy, out = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE", "docs", *ROOMS):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy / name)
    shutil.copytree(
        ROOT / "src", copy / "src", symlinks=True, ignore=shutil.ignore_patterns("*.egg-info", "__pycache__", ".*")
    )
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps", "--no-index"]
    done = subprocess.run([*command, "-w", str(out), str(copy)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = out.glob("*.whl")
    return built


def tracked_files(suffixes: tuple[str, ...]) -> set[str]:
    """Files of the rooms by their name inside the package."""
    return {
        f"chipgym/{path.relative_to(ROOT).as_posix()}"
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.suffix in suffixes
    }


def test_modules_and_tables_are_inside(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert tracked_files((".py",)) <= names
    tables = tracked_files((".json", ".csv", ".parquet", ".npz", ".html", ".css", ".js"))
    assert tables
    assert tables <= names
    assert {"chipgym/py.typed", "chipgym/errors.py", "chipgym/cli/app.py", "chipgym/mcp/server.py"} <= names
    assert {f"chipgym/docs/{name}.md" for name in ("systolic", "search", "environments/memory")} <= names
    assert not [n for n in names if n.startswith("tests/") or n.endswith((".nbi", ".nbc", ".pyc"))]


def test_every_room_imports_from_the_wheel(wheel, tmp_path):
    """In a fresh interpreter that sees the unpacked wheel before the checkout."""
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
        "import importlib, chipgym\n"
        f"for room in {(*ROOMS, 'cli')!r}:\n"
        "    module = importlib.import_module('chipgym.' + room)\n"
        f"    assert module.__file__.startswith({str(tmp_path / 'site')!r}), module.__file__\n"
        "print(chipgym.make_simulator('systolic', workload='mlp:4-4').evaluate({})['cycles'][0] > 0)\n"
        "assert chipgym.make_simulator('tabular').complete\n"
        "assert chipgym.make_simulator('surrogate').evaluate({})['cycles'][0] > 0\n"
        "from chipgym.cli.app import run\n"
        "sys.exit(run(['validate', 'systolic']))\n"
    )
    # What kernels compile to is the same wherever they were installed.
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "True", done.stderr
    # An installed package has no reference tables, and says so.
    assert done.returncode == 2
    assert done.stderr.startswith("error: --reference: the reference tables are not installed")


def test_a_checkout_without_symbolic_links_says_so(tmp_path):
    """Git without symlink support leaves a text file with the link's target in its place."""
    package = tmp_path / "chipgym"
    shutil.copytree(ROOT / "src" / "chipgym", package, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for room in ROOMS:
        (package / room).unlink()
        (package / room).write_text(f"../../{room}")
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import chipgym"],
        capture_output=True, text=True, cwd=tmp_path, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: chipgym's folders are symbolic links and this checkout has none")
    assert "core.symlinks=true" in last
