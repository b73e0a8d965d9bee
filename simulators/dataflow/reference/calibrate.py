"""Fits the constants that nobody publishes on measured runs of SN40L, and says how far the other rows are.

    python -m chipgym.simulators.dataflow.reference.calibrate REFERENCE simulators/dataflow/tables/calibration.json

REFERENCE holds `dataflow/sn40l_measured_8socket.csv`: Argonne's LLM-Inference-Bench on eight sockets. The constants are
fitted on one model (`FITTED_MODEL`); the errors that are quoted are those on the others, as a user wants to know how
far off a model is that was not measured.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ....errors import ChipgymError, shorten
from ...core.validation import read_reference
from ..simulator import DataflowSimulator
from ..tables.constants import CALIBRATED

TABLE = Path("dataflow", "sn40l_measured_8socket.csv")
#: What the measured models are called here.
MODELS = {
    "mistralai/Mistral-7B-v0.1": "mistral-7b",
    "meta-llama/Meta-Llama-3-8B": "llama-3-8b",
    "meta-llama/Meta-Llama-3-70B": "llama-3-70b",
    "meta-llama/Llama-2-7b-hf": "llama-2-7b",
}
#: Measured slower than its bytes explain, so that nothing is fitted on it and its errors stand apart.
UNEXPLAINED = ("llama-2-7b",)
#: What the constants are fitted on, all its lengths and batches.
FITTED_MODEL = "mistral-7b"
SOCKETS = 8
#: Where the search begins, and the units.
START = {"sync_us": (10.0, "us"), "sequence_us": (5.0, "us"), "compute_efficiency": (0.5, "")}

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Run:
    """A measured run: tokens read and as many written of every sequence, and its time."""

    model: str
    tokens: int
    batch: int
    latency_s: float

    @property
    def fitted(self) -> bool:
        """Whether the constants are fitted on it."""
        return self.model == FITTED_MODEL


def read_runs(path: Path) -> tuple[Run, ...]:
    """Read the rows of a table of measured runs.

    Raises:
        ChipgymError: naming the file, and the row and column that are wrong.
    """
    return tuple(_run(path, line, row) for line, row in enumerate(read_reference(path), start=2))


def _run(path: Path, line: int, row: dict[str, str]) -> Run:
    model = MODELS.get(row.get("Model") or "")
    if model is None:
        known = ", ".join(MODELS)
        raise ChipgymError(f"reference: {path}: line {line}: Model is {shorten(row.get('Model'))}, not one of {known}")
    try:
        return Run(model, int(row["Input Output Length"]), int(row["Batch Size"]), float(row["Latency"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ChipgymError(f"reference: {path}: line {line}: {shorten(str(error))}") from None


def simulator_of(run: Run) -> DataflowSimulator:
    """Make the simulator of a run."""
    return DataflowSimulator(
        run.model, input_tokens=run.tokens, output_tokens=run.tokens, batch=run.batch, sockets=SOCKETS
    )


def predict(simulators: Sequence[DataflowSimulator], constants: Sequence[float]) -> Array:
    """Return latencies of the default mapping with some constants, ordered as `CALIBRATED`; seconds, (simulators,)."""
    sync, sequence, efficiency = constants
    out = []
    for simulator in simulators:
        fixed = simulator.run.fixed._replace(efficiency=efficiency, sequence_s=sequence * 1e-6)
        simulator.run = replace(simulator.run, fixed=fixed)
        out.append(simulator.evaluate({"sync_us": sync})["latency_s"][0])
    return np.array(out)


def fit(runs: Sequence[Run]) -> dict[str, float]:
    """Return constants by name with the least mean of |log(predicted / measured)| over the runs that may be seen.

    An absolute error rather than a square: single runs with a batch of 16 are off by a third of what their neighbours
    suggest.
    """
    from scipy.optimize import minimize

    seen = [run for run in runs if run.fitted]
    simulators, measured = [simulator_of(run) for run in seen], np.array([run.latency_s for run in seen])

    def loss(x: Array) -> float:
        sync, sequence, efficiency = np.abs(x)
        predicted = predict(simulators, (sync, sequence, min(efficiency, 1.0)))
        return float(np.abs(np.log(predicted / measured)).mean())

    start = np.array([START[name][0] for name in CALIBRATED])
    best = minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-6, "maxiter": 600})
    return {name: float(f"{abs(value):.4g}") for name, value in zip(CALIBRATED, best.x, strict=True)}


def errors(runs: Sequence[Run], constants: Sequence[float]) -> Array:
    """Return the relative errors of the runs with some constants, signed: 0.1 is a tenth too slow."""
    measured = np.array([run.latency_s for run in runs])
    relative: Array = predict([simulator_of(run) for run in runs], constants) / measured - 1
    return relative


def document(runs: Sequence[Run]) -> dict[str, Any]:
    """Return the calibration with its provenance, and its errors on rows that it was fitted on and on others."""
    constants = fit(runs)
    off = np.abs(errors(runs, list(constants.values())))
    report = {}
    for fitted, name in ((True, "fitted"), (False, "held_out")):
        for batch in sorted({run.batch for run in runs}):
            these = [
                e for run, e in zip(runs, off, strict=True)
                if run.fitted == fitted and run.batch == batch and run.model not in UNEXPLAINED
            ]  # fmt: skip
            if these:
                report[f"{name}, batch {batch}"] = {
                    "rows": len(these), "median": round(float(np.median(these)), 4), "largest": round(max(these), 4),
                }  # fmt: skip
    return {
        "constants": {name: {"value": value, "unit": START[name][1]} for name, value in constants.items()},
        "source": "fitted by chipgym.simulators.dataflow.reference.calibrate on Argonne's LLM-Inference-Bench (BSD-3), "
        f"SN40L, {SOCKETS} sockets, 16 bit, the default mapping",
        "fitted_model": FITTED_MODEL,
        "relative_errors": report,
    }


def main() -> None:
    """Write a calibration."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("reference", type=Path, help="folder of reference tables")
    parser.add_argument("out", type=Path, help="the JSON file to write")
    arguments = parser.parse_args()
    runs = read_runs(arguments.reference / TABLE)
    arguments.out.write_text(json.dumps(document(runs), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
