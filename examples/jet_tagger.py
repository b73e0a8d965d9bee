"""The cheapest circuit of hls4ml's jet tagger that answers within 100 ns: reuse factors and widths, layer by layer."""

from __future__ import annotations

import argparse

import chipgym

# Accuracy is not modelled: weights and activations keep the 6 bits with which training that knows of them loses none
# (Coelho et al., "Automatic heterogeneous quantization of deep neural networks", arXiv:2006.10159).
WIDTHS = (6, 8, 10, 12, 14, 16)


def main() -> None:
    """Print the best design found, what it takes of the device, and where."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="xcu250", help="an FPGA, such as xcu250 or xc7z020")
    parser.add_argument("--within", type=float, default=100.0, help="latency in ns")
    parser.add_argument("--budget", type=int, default=5000, help="designs to evaluate")
    arguments = parser.parse_args()
    simulator = chipgym.make_simulator("hls4ml", "jet_tagger", device=arguments.device, granularity="layer")
    widths = [name for name in simulator.space.names if name.startswith(("weight_bits", "activation_bits"))]
    problem = chipgym.make_problem(
        simulator,
        objective="device_share",
        constraints=f"latency_s <= {arguments.within * 1e-9}",
        space=dict.fromkeys(widths, WIDTHS),
    )
    best = chipgym.optimize(problem, agent="nsga2", budget=arguments.budget, seed=0).best
    if not best.feasible:
        print(f"no design within {arguments.within:g} ns found on {arguments.device}")
        return
    for what, design in (("as hls4ml configures it", {}), ("found", best.design)):
        out = simulator.evaluate(design)
        print(
            f"{what}: {1e9 * out['latency_s'][0]:.0f} ns, {out['device_share'][0]:.2%} of the device"
        )  # nan: too large
    print(", ".join(f"{name} {value}" for name, value in best.design.items()))
    layers = simulator.evaluate_layers(best.design).to_pandas()
    print(layers[["kind", "cycles", "initiation_interval", "lut", "ff", "dsp", "bram18"]].to_string())


if __name__ == "__main__":
    main()
