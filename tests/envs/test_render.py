"""Text and pictures of designs, ordinary and extreme."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from chipgym.envs.viewers import View, render
from chipgym.envs.viewers.text import number
from chipgym.simulators import make_simulator

METRICS = {
    "latency_s": 1.2e-3, "energy_j": 4.5e-3, "dram_energy_j": 3e-3, "sram_energy_j": 1e-3, "power_w": 3.3,
    "area_mm2": 12.3, "cycles": 1.4e6, "stall_cycles": 3e5, "utilization": 0.61, "mapping_efficiency": 0.83,
    "dram_ifmap_reads": 2.5e6, "dram_filter_reads": 1.1e7, "dram_ofmap_writes": 2.4e6,
    "sram_ifmap_reads": 9e7, "sram_filter_reads": 4.3e8, "sram_ofmap_writes": 3.1e7,
}  # fmt: skip
DESIGN = {
    "rows": 32, "cols": 32, "dataflow": "ws", "ifmap_sram_kb": 64, "filter_sram_kb": 512, "ofmap_sram_kb": 64,
    "dram_bandwidth": 16.0, "num_arrays": 1,
}  # fmt: skip


def view(simulator="systolic", design=DESIGN, metrics=METRICS, feasible=True, reward=1.0):
    return View(
        simulator, "resnet18", design, {}, dict.fromkeys(design, (0, 3)), metrics,
        {"latency_s": "s", "energy_j": "J", "area_mm2": "mm2"}, ("edp",), feasible, 0.0 if feasible else 0.4, reward,
    )  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"rows": 1, "cols": 1, "ifmap_sram_kb": 0.25},
        {"rows": 8, "cols": 8},
        {"rows": 256, "cols": 256, "num_arrays": 16, "filter_sram_kb": 65536},
        {"rows": 4, "cols": 1024, "dataflow": "unheard of"},
        {"dram_bandwidth": float("inf")},
        {f"knob_{i}": i for i in range(30)},
    ],
)
@pytest.mark.parametrize("feasible", [True, False])
def test_a_systolic_picture_of_any_design_is_drawn(changed, feasible):
    drawn = view(design={**DESIGN, **changed}, metrics=METRICS if feasible else {}, feasible=feasible)
    picture = render(drawn, "rgb_array")
    assert picture.dtype == np.uint8
    assert picture.shape == (640, 1080, 3)
    assert len(np.unique(picture.astype(int) @ [1, 256, 65536])) > 10


def test_a_systolic_picture_shows_what_differs():
    plain = render(view(), "rgb_array")
    busier = view(metrics={**METRICS, "utilization": 0.9})
    for other in (view(reward=None), view(design={**DESIGN, "rows": 64}), busier):
        assert not np.array_equal(plain, render(other, "rgb_array"))


def test_metrics_that_a_simulator_lacks_are_left_out():
    for name in METRICS:
        drawn = render(view(metrics={k: v for k, v in METRICS.items() if k != name}), "rgb_array")
        assert drawn.shape == (640, 1080, 3)


@pytest.mark.parametrize("size", [1, 128, 4096])
@pytest.mark.parametrize("feasible", [True, False])
def test_a_memory_picture_of_any_design_is_drawn(size, feasible):
    simulator = make_simulator("memory", workload="pointer_chase")
    design = {**simulator.space.default, "request_buffer_size": size, "arbiter": "reorder"}
    drawn = view("memory", design, simulator.evaluate(design).row(0) if feasible else {}, feasible)
    picture = render(drawn, "rgb_array")
    assert picture.shape == (600, 1080, 3)
    other = render(view("memory", {**design, "page_policy": "closed"}, drawn.metrics, feasible), "rgb_array")
    assert not np.array_equal(picture, other)


def test_any_other_simulator_is_drawn_as_tables():
    few = render(view("unheard of"), "rgb_array")
    many = render(view("unheard of", {f"knob_{i}": i for i in range(200)}), "rgb_array")
    assert few.shape[2] == 3
    assert few.shape[0] < many.shape[0] <= 1600


def test_text_names_design_metrics_and_verdict():
    text = render(view(), "ansi")
    assert "systolic on resnet18 (edp): reward +1.000, feasible" in text
    assert "latency_s" in text
    assert "1.2 ms" in text
    assert "infeasible (violation 0.4)" in render(view(metrics={}, feasible=False), "ansi")


def test_numbers_are_written_as_people_read_them():
    assert number(1.234e-6, "s") == "1.234 us"
    assert number(5.5e9) == "5.5 G"
    assert number(12.5, "mm2") == "12.5 mm2"
    assert number(0.0, "s") == "0 s"
    assert number(999.0) == "999"
    assert number(float("nan"), "s") == "nan s"


def test_frames_of_an_episode():
    env = gymnasium.make("chipgym/Toy-v0", render_mode="rgb_array_list")
    env.reset()
    env.step(env.action_space.sample())
    frames = env.render()
    assert len(frames) == 2
    assert frames[0].shape == frames[1].shape


def test_rendering_without_a_mode_warns():
    env = gymnasium.make("chipgym/Toy-v0")
    env.reset()
    with pytest.warns(UserWarning, match="render mode"):
        assert env.render() is None


def test_changing_an_action_afterwards_changes_no_picture():
    env = gymnasium.make("chipgym/Systolic-v0", render_mode="ansi")
    env.reset()
    action = env.action_space.sample()
    env.step(action)
    before = env.render()
    action[:] = 0
    assert env.render() == before
