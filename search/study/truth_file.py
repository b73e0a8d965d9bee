"""The optima of a study's problems on disk, so that every design is evaluated once and not at every call."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np

from ...durable import durable_file
from ...errors import ChipgymError
from ...simulators import Problem
from ..regret import GroundTruth


def truth_file(folder: Path, problem: Problem) -> Path:
    """Return where a study's folder keeps a problem's optimum."""
    return folder / f"optimum-{problem.digest[:16]}.npz"


def write_truth(folder: Path, truth: GroundTruth) -> None:
    """Keep the objective of every design of a problem in a study's folder, where it is not there yet.

    Raises:
        OSError: where it cannot be written.
    """
    path = truth_file(folder, truth.problem)
    if path.exists():
        return
    text = json.dumps({"designs": truth.designs, "best": truth.best})
    data = io.BytesIO()
    np.savez_compressed(data, values=truth.values, about=np.frombuffer(text.encode(), dtype=np.uint8))
    with durable_file(path) as file:
        file.write(data.getvalue())


def read_truth(folder: Path, problem: Problem) -> GroundTruth | None:
    """Read what a study's folder has of a problem's optimum; None where it has none.

    Raises:
        ChipgymError: for a file that is damaged.
        OSError: where it cannot be read.
    """
    path = truth_file(folder, problem)
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as arrays:
            values, about = arrays["values"], json.loads(arrays["about"].tobytes())
        best = problem.space.design(problem.space.encode(about["best"])[0])
        sound = values.dtype == np.float64 and values.ndim == 1 and 0 < len(values) <= int(about["designs"])
        sound = sound and bool(np.isfinite(values).all() and (np.diff(values) >= 0).all())
    except (KeyError, TypeError, ValueError, EOFError, zipfile.BadZipFile):
        sound = False
    if not sound:
        raise ChipgymError(f"folder: {path} is damaged; remove it and run the study again")
    return GroundTruth(problem, int(about["designs"]), values, best)
