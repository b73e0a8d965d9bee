"""The measured runs of SN40L beside the simulator's, row by row.

    python examples/sn40l_table.py [--reference tests/golden]

Latencies are of Argonne's LLM-Inference-Bench on eight sockets: as many tokens written as read, 16 bit.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from chipgym.simulators.dataflow.reference.calibrate import FITTED_MODEL, TABLE, read_runs, simulator_of


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=Path, default=Path(__file__).parents[1] / "tests" / "golden")
    arguments = parser.parse_args()
    print("model          tokens  batch  measured, s  simulated, s   error   to first token, s")
    for run in read_runs(arguments.reference / TABLE):
        out = simulator_of(run).evaluate({})
        ours = float(out["latency_s"][0])
        seen = "  (fitted on)" if run.model == FITTED_MODEL else ""
        print(
            f"{run.model:14} {run.tokens:6} {run.batch:6} {run.latency_s:12.3f} {ours:13.3f} "
            f"{100 * (ours / run.latency_s - 1):+7.1f} % {float(out['ttft_s'][0]):12.4f}{seen}"
        )


if __name__ == "__main__":
    main()
