"""Where a constant DRAM bandwidth misleads: systolic designs with a modelled memory in the loop."""

from __future__ import annotations

import argparse

import chipgym

ARRAY = {"rows": 128, "cols": 128, "dram_bandwidth": 8.0}
DESIGNS = {
    "64 x 64, ample SRAM": {**ARRAY, "rows": 64, "cols": 64, "ifmap_sram_kb": 512, "filter_sram_kb": 512},
    "128 x 128, ample SRAM": {**ARRAY, "ifmap_sram_kb": 512, "filter_sram_kb": 512},
    "128 x 128, little SRAM": {**ARRAY, "ifmap_sram_kb": 32, "filter_sram_kb": 32},
}
CONTROLLERS = {
    "open rows, reordered": {},
    "closed rows, in order": {"page_policy": "closed", "scheduler": "fifo", "request_buffer_size": 1},
}


def main() -> None:
    """Print the latency of a few accelerators with a constant bandwidth and with each of a few memories."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workload", default="alexnet")
    arguments = parser.parse_args()
    sim = chipgym.make_simulator("systolic", workload=arguments.workload)
    print(f"{arguments.workload}, ms: computing alone, three constant interfaces of 8 words/cycle, one DDR4-2400")
    for name, design in DESIGNS.items():
        for controller, knobs in CONTROLLERS.items():
            found = sim.dram_limited(design, knobs, device="DDR4-2400")
            figures = (found.compute_latency_s, found.constant_bandwidth_latency_s, found.dram_limited_latency_s)
            shown = " ".join(f"{1e3 * f:8.3f}" for f in figures)
            print(f"{name:24} {controller:24} {shown}  at {found.bandwidth_gbps:.1f} GB/s")


if __name__ == "__main__":
    main()
