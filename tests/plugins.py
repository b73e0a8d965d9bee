"""Packages as pip would install them, in a folder of their own, for processes that find them on their path."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "examples" / "own_simulator"


def install(folder: Path, name: str, entry_points: dict[str, str], modules: dict[str, str] | None = None) -> None:
    """What a wheel leaves behind: modules, metadata and entry points."""
    for module, text in (modules or {}).items():
        (folder / f"{module}.py").write_text(text)
    info = folder / f"{name.replace('-', '_')}-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n")
    lines = [f"{key} = {value}" for key, value in entry_points.items()]
    (info / "entry_points.txt").write_text("\n".join(["[chipgym.simulators]", *lines, ""]))


def install_example(folder: Path) -> None:
    """The example of a package of one's own, by what its `pyproject.toml` says."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    install(folder, project["name"], project["entry-points"]["chipgym.simulators"])


def run(command: list[str], *paths: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A Python process that has these folders on its path."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    return subprocess.run(
        [sys.executable, *command], cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
