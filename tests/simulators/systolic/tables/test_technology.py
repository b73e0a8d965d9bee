"""Technology tables: fits against their sweep, published anchors, sanity bands against published chips, and shape."""

from __future__ import annotations

import csv
import json
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipgym.errors import ChipgymError
from chipgym.simulators.systolic import tables as tech
from chipgym.simulators.systolic.tables import PowerLaw, VoltageTable, load_technology, technology_names
from chipgym.simulators.systolic.tables.load import _Constants

PACKAGE = resources.files("chipgym.simulators.systolic.tables")
NODES = technology_names()
SRAM_COLUMNS = {
    "read_j": ("read_pj", 1e-12),
    "write_j": ("write_pj", 1e-12),
    "leakage_w": ("leakage_mw", 1e-3),
    "area_mm2": ("area_mm2", 1.0),
    "cycle_s": ("cycle_ns", 1e-9),
    "access_s": ("access_ns", 1e-9),
}
KB = np.geomspace(1.0, 2.0**20, 400)


def sweep(node: str) -> dict[str, np.ndarray]:
    rows = csv.DictReader(PACKAGE.joinpath("sram_cacti.csv").read_text().splitlines())
    rows = [row for row in rows if f"{row['tech_nm']}nm" == node]
    columns = {key: np.array([float(row[key]) for row in rows]) for key in rows[0]}
    columns["leakage_mw"] = columns["sub_leak_mw"] + columns["gate_leak_mw"]
    return columns


# ---- loading ------------------------------------------------------------------------------------------------------
def test_names_and_default() -> None:
    assert {"22nm", "45nm", "65nm"} <= set(NODES)
    assert load_technology().name == "45nm"
    assert load_technology("22nm") is load_technology("22nm")


def test_unknown_names_suggest_the_nearest() -> None:
    with pytest.raises(ChipgymError, match="did you mean '45nm'"):
        load_technology("45 nm")
    with pytest.raises(ChipgymError, match="did you mean 'LPDDR4'"):
        load_technology().dram_interface("lpddr")


@pytest.mark.parametrize("node", NODES)
def test_every_constant_has_a_source_that_says_what_it_is(node: str) -> None:
    sources = load_technology(node).sources
    assert len(sources) > 30
    assert all(len(source) >= 10 for source in sources.values())


def test_a_constant_without_source_or_unit_is_refused() -> None:
    good = {"value": 1.0, "unit": "pJ", "source": "somewhere"}
    assert _Constants("t", {"x": good}, {})["x"] == 1e-12
    for damage in ({"source": " "}, {"unit": "furlong"}, {"value": -1.0}, {"value": "1"}, {"value": float("nan")}):
        with pytest.raises(ChipgymError, match=r"t\.x"):
            _Constants("t", {"x": good | damage}, {})["x"]
    with pytest.raises(ChipgymError, match="missing"):
        _Constants("t", {}, {})["x"]


def test_models_refuse_nonsense() -> None:
    with pytest.raises(ChipgymError):
        PowerLaw(-1.0, 1.0, 1.0, 0.0, 0.0)
    with pytest.raises(ChipgymError):
        VoltageTable((1e8, 1e8), (0.8, 0.9), 0.8, 1.0)
    with pytest.raises(ChipgymError):
        VoltageTable((1e8, 2e8), (0.8, 0.9), 1.2, 1.0)


# ---- scratchpads --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("field", SRAM_COLUMNS)
def test_stored_fit_errors_are_the_errors_over_the_sweep(node: str, field: str) -> None:
    column, unit = SRAM_COLUMNS[field]
    data, law = sweep(node), getattr(load_technology(node).sram, field)
    error = np.abs(law(data["kb"]) / (data[column] * unit) - 1.0)
    assert error.max() == pytest.approx(law.max_error, abs=2e-3)
    assert np.median(error) == pytest.approx(law.median_error, abs=2e-3)


@pytest.mark.parametrize("node", NODES)
def test_fit_errors_stay_within_what_the_documentation_promises(node: str) -> None:
    sram = load_technology(node).sram
    limits = {"read_j": (0.45, 0.15), "write_j": (0.2, 0.05), "area_mm2": (0.2, 0.08), "leakage_w": (0.75, 0.22)}
    for field, (worst, median) in limits.items():
        law = getattr(sram, field)
        assert law.max_error <= worst, field
        assert law.median_error <= median, field


@pytest.mark.parametrize("node", NODES)
def test_scratchpad_costs_rise_strictly_up_to_a_gigabyte(node: str) -> None:
    t = load_technology(node)
    costs = (t.sram_read_j_per_line, t.sram_write_j_per_line, t.sram_area_mm2, t.sram_leakage_w, t.sram_cycle_s)
    for cost in costs:
        values = cost(KB)
        assert np.all(np.isfinite(values))
        assert np.all(np.diff(values) > 0)
        assert np.all(values > 0)


@given(st.floats(0.0, 1e12, allow_nan=False))
def test_odd_capacities_are_priced_at_the_nearest_end(kb: float) -> None:
    t = load_technology()
    assert t.sram_area_mm2(1.0) <= t.sram_area_mm2(kb) <= t.sram_area_mm2(tech.MAX_KB)


def test_a_line_serves_several_words() -> None:
    t = load_technology()
    assert t.sram_read_j_per_word(64.0, 8) == pytest.approx(t.sram_read_j_per_line(64.0) / 8)
    assert t.sram_write_j_per_word(64.0, 64) == pytest.approx(t.sram_write_j_per_line(64.0))


def test_sweep_covers_one_kilobyte_to_64_megabytes_and_records_its_configuration() -> None:
    for node in NODES:
        assert sweep(node)["kb"].min() == tech.MIN_KB
        assert sweep(node)["kb"].max() == tech.MAX_FITTED_KB
    keys = json.loads(PACKAGE.joinpath("sram_cacti.json").read_text())["keys"]
    assert keys["output/input bus width"] == tech.LINE_BITS


# ---- datapath -----------------------------------------------------------------------------------------------------
def test_published_operator_energies_are_returned_exactly() -> None:
    """Horowitz, ISSCC 2014: int8 and int32 multiply 0.2 and 3.1 pJ, add 0.03 and 0.1 pJ."""
    t = load_technology("45nm")
    assert t.mac_energy_j(8, 8) == pytest.approx(0.23e-12)
    assert t.mac_energy_j(8, 32) == pytest.approx(0.30e-12)
    assert t.mac_energy_j(32, 32) == pytest.approx(3.2e-12)
    assert t.logic.multiply_j.exponent == pytest.approx(2.0, abs=0.05)
    assert t.logic.add_j.exponent == pytest.approx(0.87, abs=0.01)


def test_costs_rise_with_width_and_fall_with_the_node() -> None:
    bits = np.array([4.0, 8.0, 16.0, 32.0])
    for node in NODES:
        t = load_technology(node)
        for cost in (t.mac_energy_j, t.pe_area_mm2, t.pe_leakage_w):
            assert np.all(np.diff(cost(bits, bits)) > 0)
        for lane_cost in (t.vector_op_energy_j, t.vector_lane_area_mm2, t.vector_lane_leakage_w):
            assert np.all(np.diff(lane_cost(bits)) > 0)
    by_node = [load_technology(node) for node in NODES]
    assert np.all(np.diff([float(t.mac_energy_j(8, 32)) for t in by_node]) > 0)
    assert np.all(np.diff([float(t.pe_area_mm2(8, 32)) for t in by_node]) > 0)


# ---- clock and supply ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("node", NODES)
def test_clock_raises_voltage_energy_and_leakage_within_bounds(node: str) -> None:
    t = load_technology(node)
    clock = np.linspace(50e6, t.max_clock_hz * 1.5, 300)
    for scale in (t.voltage(clock), t.energy_scale(clock), t.leakage_scale(clock)):
        assert np.all(np.diff(scale) >= 0)
        assert scale[-1] > scale[0]
    inside = np.linspace(t.min_clock_hz, t.max_clock_hz, 100)
    assert np.all(np.diff(t.voltage(inside)) > 0)
    assert np.all(t.energy_scale(clock) < 2.0)
    assert t.min_clock_hz < t.max_clock_hz
    nominal = np.interp(t.nominal_v, t.supply.volts, t.supply.clock_hz)
    assert t.energy_scale(nominal) == pytest.approx(1.0)
    assert t.leakage_scale(nominal) == pytest.approx(1.0)


def test_default_node_covers_the_clock_grid() -> None:
    t = load_technology()
    assert t.max_clock_hz >= 1.6e9
    assert t.voltage(1e8) == t.supply.volts[0]


def test_65nm_is_eyeriss_table() -> None:
    """Chen et al., JSSC 2017, Table IV: 0.82-1.17 V at 100-250 MHz."""
    t = load_technology("65nm")
    np.testing.assert_allclose(t.voltage(np.array([100e6, 200e6, 250e6])), [0.82, 1.0, 1.17])


# ---- DRAM ---------------------------------------------------------------------------------------------------------
def test_dram_families() -> None:
    t = load_technology()
    assert set(t.dram) == {"LPDDR4", "DDR4", "HBM2"}
    lp, ddr, hbm = (t.dram_interface(name) for name in ("LPDDR4", "DDR4", "HBM2"))
    assert t.dram_interface() is lp
    assert 7.5e-12 < lp.energy_j_per_bit < 9e-12  # Accelergy's LPDDR4: 512 pJ per 64-bit word
    assert hbm.energy_j_per_bit == pytest.approx(3.92e-12)  # O'Connor et al., MICRO 2017
    assert hbm.total_energy_j_per_bit < lp.total_energy_j_per_bit < ddr.total_energy_j_per_bit
    for interface in (lp, ddr, hbm):
        assert interface.phy_area_mm2_per_gbps > 0
        assert interface.static_w_per_gbps > 0


# ---- sanity bands against published chips -------------------------------------------------------------------------
def test_eyeriss_class_chip() -> None:
    """168 PEs, 108 KB buffer, 65 nm (Chen et al., JSSC 2017, Table IV: 1176k gates, 12.25 mm2 core; 278 mW).

    PEs here have no scratchpads: Eyeriss's 72 B of registers and 448 B of SRAM per PE are added by hand.
    """
    t = load_technology("65nm")
    spad_registers = 72 * 8 * t.logic.register_mm2_per_bit
    cells = 168 * (float(t.pe_area_mm2(16, 16)) / t.logic.layout_factor + spad_registers)
    published = 1176e3 * 1.44e-6  # mm2; 1.44 um2 for a 65 nm two-input NAND is an assumption
    assert published / 1.5 < cells < published * 1.5
    placed = cells * t.logic.layout_factor + 168 * 0.448 * t.sram_area_mm2(1.0) + t.sram_area_mm2(108.0)
    assert 12.25 / 3 < placed < 12.25  # the core also holds the NoC, codec, control, FIFOs and white space
    leakage = 168 * t.pe_leakage_w(16, 16) + cells * t.logic.leakage_w_per_mm2 + t.sram_leakage_w(181.5)
    assert leakage < 0.1 * 0.278
    assert 168 * 200e6 * t.mac_energy_j(16, 16) < 0.3 * 0.278


def test_eyeriss_energy_ratios() -> None:
    """Chen et al., ISCA 2016: MAC : buffer : DRAM = 1 : 6 : 200 per 16-bit access; here within a factor of 2.5."""
    t = load_technology("65nm")
    mac = t.mac_energy_j(16, 16)
    buffer = t.sram_read_j_per_word(108.0, 16) / mac
    dram = 16 * t.dram_interface().total_energy_j_per_bit / mac
    assert 6 / 2.5 < buffer < 6 * 2.5
    assert 200 / 2.5 < dram < 200 * 2.5
    assert 16 * t.register_energy_j_per_bit < mac < buffer * mac < 0.1 * dram * mac


def test_tpu_v1_area_lies_between_the_nodes_around_28nm() -> None:
    """Jouppi et al., ISCA 2017: 28 nm, <= 331 mm2; the 24 MiB buffer almost a third, 64K MACs a quarter of the die."""
    buffer = [float(load_technology(node).sram_area_mm2(24 * 1024.0)) for node in ("22nm", "32nm")]
    array = [float(load_technology(node).pe_area_mm2(8, 32)) * 65536 for node in ("22nm", "32nm")]
    assert buffer[0] < 331 / 3 < buffer[1] * 1.5
    assert array[0] < 331 / 4 < array[1] * 1.6
    assert buffer[1] + array[1] < 331


def test_gemmini_layout_is_reproduced_where_it_was_used() -> None:
    """Genc et al., DAC 2021, Fig. 6: 116k um2 array and 544k um2 scratchpad set the layout factors; the third, the
    64 KB accumulator at 146k um2, was not used."""
    t = load_technology("22nm")
    assert 256 * t.pe_area_mm2(8, 32) == pytest.approx(0.116, rel=0.01)
    assert t.sram_area_mm2(256.0) == pytest.approx(0.544, rel=0.01)
    assert t.sram_area_mm2(64.0) == pytest.approx(0.146, rel=0.1)


@pytest.mark.parametrize("node", NODES)
def test_energy_order(node: str) -> None:
    t = load_technology(node)
    register = 8 * t.register_energy_j_per_bit
    buffer, dram = t.sram_read_j_per_word(128.0, 8), 8 * t.dram_interface().total_energy_j_per_bit
    assert register < t.mac_energy_j(8, 8) < buffer < dram / 5


def test_scalar_and_array_agree() -> None:
    t = load_technology()
    kb = np.array([3.0, 48.0, 700.0])
    np.testing.assert_array_equal(t.sram_area_mm2(kb), [float(t.sram_area_mm2(float(k))) for k in kb])
    np.testing.assert_array_equal(t.voltage(kb * 1e6), [float(t.voltage(float(k) * 1e6)) for k in kb])


def test_documentation_lists_every_constant_with_its_value() -> None:
    page = Path(__file__).parents[4] / "docs" / "technology.md"
    if not page.exists():
        pytest.skip("docs/technology.md is not part of this installation")
    text = page.read_text(encoding="utf-8")
    nodes = json.loads(PACKAGE.joinpath("nodes.json").read_text())
    tables = {"": nodes["logic"], **{f"{name}.": entries for name, entries in nodes["nodes"].items()}}
    dram = json.loads(PACKAGE.joinpath("dram.json").read_text())["interfaces"]
    tables |= {f"{name}.": entries for name, entries in dram.items()}
    for prefix, entries in tables.items():
        for key, entry in entries.items():
            if "value" in entry:
                assert f"| `{prefix}{key}` | {entry['value']:g} | {entry['unit']} |" in text
