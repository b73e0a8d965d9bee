from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipgym.errors import ChipgymError
from chipgym.search import ground_truth, optimize
from chipgym.simulators import Metrics, MetricSpec, Parameter, make_problem, parse_constraints, parse_objectives
from chipgym.simulators.core.objective import total_excess

SPECS = (
    MetricSpec("latency_s", "s"),
    MetricSpec("energy_j", "J"),
    MetricSpec("area_mm2", "mm2", cost=False),
    MetricSpec("tokens_per_s", "1/s", goal="max"),
)
PRESETS = {"ppa": ("latency_s", "energy_j", "area_mm2"), "power": "energy_j / latency_s", "both": ("edp", "power"),
           "throughput": "tokens_per_s", "circle": "circle * latency_s", "latency_s": "latency_s",
           "weighted": "energy_j + 0.1 * latency_s"}  # fmt: skip
METRICS = Metrics(
    SPECS,
    {
        "latency_s": np.array([2.0, 4.0, 1.0, 0.0]),
        "energy_j": np.array([3.0, 5.0, 1.0, 0.0]),
        "area_mm2": np.array([5.0, 20.0, 30.0, np.inf]),
        "tokens_per_s": np.array([8.0, 0.5, 1.0, 0.0]),
    },
    np.array([0.0, 0.0, 1.5, 0.0]),
)


@pytest.fixture(autouse=True)
def _warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def value(text: str) -> list[float]:
    (objective,) = parse_objectives(text, SPECS, PRESETS)
    return objective(METRICS).tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("latency_s", [2.0, 4.0]),
        ("edp", [6.0, 20.0]),
        ("ed2p", [12.0, 80.0]),
        ("power", [1.5, 1.25]),
        ("energy_j*latency_s", [6.0, 20.0]),
        (" energy_j  *\tlatency_s ", [6.0, 20.0]),
        ("energy_j / latency_s", [1.5, 1.25]),
        ("energy_j / latency_s**2", [0.75, 0.3125]),
        ("energy_j * latency_s ^ 2", [12.0, 80.0]),
        ("latency_s**0.5", [math.sqrt(2), 2.0]),
        ("latency_s**-1", [0.5, 0.25]),
        ("latency_s * latency_s", [4.0, 16.0]),
        ("energy_j * latency_s / energy_j**2", [2 / 3, 0.8]),
        ("tokens_per_s", [0.125, 2.0]),
        ("latency_s / tokens_per_s", [0.25, 8.0]),
        ("edp*area_mm2", [30.0, 400.0]),
        ("area_mm2 / edp**2", [5 / 36, 20 / 400]),
        ("power * energy_j", [4.5, 6.25]),
        ("throughput", [0.125, 2.0]),
        ("latency_s / throughput", [0.25, 8.0]),
        ("1 / latency_s", [0.5, 0.25]),
        ("2 * latency_s", [4.0, 8.0]),
        ("latency_s / 4", [0.5, 1.0]),
        ("latency_s + energy_j", [5.0, 9.0]),
        ("energy_j + 0.1 * latency_s", [3.2, 5.4]),
        ("1e-1*latency_s+energy_j", [3.2, 5.4]),
        ("+ latency_s + latency_s", [4.0, 8.0]),
        ("2 * latency_s - latency_s", [2.0, 4.0]),
        ("edp + 1/tokens_per_s", [6.125, 22.0]),
        ("weighted", [3.2, 5.4]),
        ("2 * weighted + latency_s", [8.4, 14.8]),
        ("weighted * latency_s", [6.4, 21.6]),
    ],
)
def test_one_objective(text, expected):
    first, second, infeasible, _ = value(text)
    assert [first, second] == pytest.approx(expected, rel=1e-15)
    assert math.isnan(infeasible)


def test_an_objective_is_what_its_name_says():
    """A metric of which more is better is named as the reciprocal that is minimised."""
    for text, name in (("tokens_per_s", "1/tokens_per_s"), ("throughput", "1/throughput"), ("latency_s", "latency_s")):
        (objective,) = parse_objectives(text, SPECS, PRESETS)
        assert objective.name == name
    (objective,) = parse_objectives("tokens_per_s", SPECS)
    assert objective.quantity.text == "1/tokens_per_s"
    assert objective(METRICS)[:2].tolist() == [1 / 8.0, 1 / 0.5]


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("edp", "energy_j * latency_s"),
        ("latency_s*energy_j", "energy_j * latency_s"),
        (" latency_s ^2.0 / area_mm2*energy_j", "energy_j * latency_s**2 / area_mm2"),
        ("latency_s**0.1 / area_mm2**2", "latency_s**0.1 / area_mm2**2"),
        ("latency_s**-1", "1/latency_s"),
        ("2 / latency_s", "2/latency_s"),
        ("3*latency_s", "3 * latency_s"),
        (" .10*latency_s  + energy_j", "energy_j + 0.1 * latency_s"),
        ("edp + 2/latency_s**2", "2/latency_s**2 + energy_j * latency_s"),
    ],
)
def test_spelling_changes_nothing(text, canonical):
    (objective,) = parse_objectives(text, SPECS)
    assert objective.quantity.text == canonical
    (again,) = parse_objectives(canonical, SPECS)
    assert again.quantity == objective.quantity


def test_several_objectives():
    assert [o.name for o in parse_objectives("ppa", SPECS, PRESETS)] == ["latency_s", "energy_j", "area_mm2"]
    assert [o.name for o in parse_objectives(["edp", "area_mm2"], SPECS)] == ["edp", "area_mm2"]
    assert [o.name for o in parse_objectives(("both", "latency_s"), SPECS, PRESETS)] == ["edp", "power", "latency_s"]


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("latancy_s", ["'latancy_s'", "did you mean 'latency_s'"]),
        ("edpp", ["did you mean 'edp'"]),
        ("latancy_s * energy_j", ["'latancy_s'", "did you mean 'latency_s'"]),
        ("feasible", ["'feasible'"]),
        ("", ["''"]),
        ("  ", ["product of metrics"]),
        ("latency_s + ", ["product of metrics"]),
        ("latency_s + 3", ["a term without a metric"]),
        ("3", ["'3'"]),
        ("0 * latency_s", ["a number above 0"]),
        ("latency_s / 0", ["a number above 0"]),
        ("1e999 * latency_s", ["a number above 0"]),
        ("latency_s - latency_s", ["adds up to nothing"]),
        ("energy_j - latency_s", ["subtracts latency_s", "ratios"]),
        ("-latency_s", ["subtracts latency_s"]),
        ("energy_j + tokens_per_s", ["more is better", "1/tokens_per_s"]),
        ("latency_s / weighted", ["a sum, energy_j + 0.1 * latency_s, to the power -1"]),
        ("latency_s + ppa", ["'ppa' is several objectives"]),
        ("latency_s *", ["product of metrics"]),
        ("* latency_s", ["product of metrics"]),
        ("latency_s ** energy_j", ["product of metrics"]),
        ("latency_s energy_j", ["'e'"]),
        ("(latency_s)", ["product of metrics"]),
        ("latency_s\n; energy_j", ["';'"]),
        ("latency_s / latency_s", ["latency_s to the power 0"]),
        ("latency_s**0", ["power 0"]),
        ("latency_s**" + "9" * 400, ["power inf"]),
        ("latency_s**101", ["power 101"]),
        ([], ["empty"]),
        (["edp", "edp"], ["twice"]),
        (["edp", "latency_s * energy_j"], ["twice"]),
        ("edp,area_mm2", ["','", "list"]),
        ("ppa * latency_s", ["'ppa' is several objectives (latency_s, energy_j, area_mm2)"]),
        ("edpp * area_mm2", ["did you mean 'edp'"]),
        ("circle", ["'circle'"]),
        (["ppa", "latency_s"], ["twice"]),
        (5, ["objective: 5"]),
        (None, ["objective: None"]),
        ({"edp": 1}, ["objective: {'edp': 1}"]),
        (["edp", 5], ["objective: 5"]),
        (b"edp", ["objective: b'edp'"]),
    ],
)
def test_a_malformed_objective_says_so(wanted, says):
    with pytest.raises(ChipgymError) as error:
        parse_objectives(wanted, SPECS, PRESETS)
    assert len(str(error.value).splitlines()) == 1
    assert "objective" in str(error.value) or "metric" in str(error.value)
    for part in says:
        assert part in str(error.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("area_mm2 <= 10", [-0.5, 1.0, 2.0, math.inf]),
        ("area_mm2<=10", [-0.5, 1.0, 2.0, math.inf]),
        ("edp <= 12", [-0.5, 2 / 3, math.nan, -1.0]),
        (" area_mm2  >=  1e1 ", [0.5, -1.0, -2.0, -math.inf]),
        ("latency_s <= 0", [2.0, 4.0, math.nan, 0.0]),
        ("energy_j / latency_s <= 1.25", [0.2, 0.0, math.nan, math.nan]),
        ("tokens_per_s >= 1", [-7.0, 0.5, math.nan, 1.0]),
        ("latency_s >= -2", [-2.0, -3.0, math.nan, -1.0]),
        ("latency_s <= 1e-320", [math.inf, math.inf, math.nan, -1.0]),
        ("10 >= area_mm2", [-0.5, 1.0, 2.0, math.inf]),
        ("area_mm2 <= energy_j", [2.0, 15.0, math.nan, math.inf]),
        ("latency_s + energy_j <= 10", [-0.5, -0.1, math.nan, -1.0]),
        ("energy_j - latency_s >= 2", [0.5, 0.5, math.nan, 1.0]),
    ],
)
def test_constraints(text, expected):
    (constraint,) = parse_constraints(text, SPECS)
    assert constraint.excess(METRICS) == pytest.approx(expected, rel=1e-12, nan_ok=True)


def test_excesses_add_up_and_stay_finite():
    constraints = parse_constraints(["area_mm2 <= 10", "latency_s <= 3", "latency_s <= 1e-320"], SPECS)
    total = total_excess(constraints, METRICS)
    assert total[2] == 2.0
    assert np.isfinite(total).all()
    assert (total[:2] >= 1e300).all()
    assert total_excess(parse_constraints(["area_mm2 <= 10", "latency_s <= 3"], SPECS), METRICS)[1] == 1.0 + 1 / 3
    assert parse_constraints([], SPECS) == parse_constraints((), SPECS) == ()


@pytest.mark.parametrize(
    "wanted",
    ["area_mm2", "area_mm2 < 10", "area_mm2 = 10", "area_mm2 == 10", "1 <= 10", "<= 10", "area_mm2 <=", "",
     "area_mm2 <= ten", "area_mm2 <= nan", "area_mm2 <= inf", "area_mm2 <= 1e400", "1 <= area_mm2 <= 10", "area <= 10",
     "area_mm2 <= area_mm2", "area_mm2 + <= 3", "area_mm2 <= -10", "area_mm2 + energy_j <= -1",
     "latency_s * energy_j <= -1e-9",
     None, 5, [5], ["area_mm2 <= 1", ""], {"area_mm2": 10}],
    ids=repr,
)  # fmt: skip
def test_a_malformed_constraint_says_so(wanted):
    with pytest.raises(ChipgymError, match=r"constraint|metric") as error:
        parse_constraints(wanted, SPECS)
    assert len(str(error.value).splitlines()) == 1


def test_spellings_of_a_constraint():
    texts = ("area_mm2<=30", " area_mm2  <= 30.0", "area_mm2 <= 3e1")
    assert {c.text for text in texts for c in parse_constraints(text, SPECS)} == {"area_mm2 <= 30"}
    (small,) = parse_constraints("area_mm2 <= 0.10", SPECS)
    assert small.text == "area_mm2 <= 0.1"


PIECES = st.sampled_from(["latency_s", "energy_j", "tokens_per_s", "feasible", "x", "*", "**", "/", "^", "2", "-1",
                          "0.5", " ", "\n", "<=", ">=", "1e9", "(", "٣", "edp", "é"])  # fmt: skip
TEXTS = st.one_of(st.text(max_size=12), st.lists(PIECES, max_size=9).map("".join))


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_any_text_is_parsed_or_refused(text):
    for parse in (parse_objectives, parse_constraints):
        try:
            (made,) = parse(text, SPECS)
        except ChipgymError as error:
            lines = str(error).splitlines()
        else:
            lines = ["fine"]
            column = made(METRICS) if parse is parse_objectives else made.excess(METRICS)
            assert column.shape == (4,)
        assert len(lines) == 1


@given(
    st.lists(
        st.tuples(st.sampled_from(["latency_s", "energy_j"]), st.sampled_from([1, 2, 3, -1, 0.5])),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=100, deadline=None)
def test_a_product_is_what_it_says(terms):
    powers: dict[str, float] = {}
    for name, power in terms:
        powers[name] = powers.get(name, 0) + power
    text = " * ".join(f"{name}**{power}" for name, power in terms)
    if 0 in powers.values():
        with pytest.raises(ChipgymError):
            value(text)
        return
    expected = np.prod([METRICS[name][:2] ** power for name, power in terms], axis=0)
    assert value(text)[:2] == pytest.approx(expected, rel=1e-12)


# --- units -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("latency_s", "s"),
        ("edp", "J·s"),
        ("ed2p", "J·s²"),
        ("energy_j / area_mm2**2", "J/(mm2)²"),
        ("tokens_per_s", "s"),
        ("energy_j + 0.1 * latency_s", "J + 0.1 s"),
        ("weighted", "J + 0.1 s"),
        ("latency_s + 2 * latency_s", "s"),
        ("latency_s + energy_j / area_mm2", "J/mm2 + s"),
    ],
)
def test_units_say_what_is_added(text, unit):
    (objective,) = parse_objectives(text, SPECS, PRESETS)
    assert objective.unit == unit


# --- knobs -------------------------------------------------------------------------------------------------------

KNOBS = (
    Parameter("rows", (8, 16, 32, 64), unit="PEs"),
    Parameter("cols", (8, 16, 32, 64)),
    Parameter("clock_mhz", (100.0, 200.0), unit="MHz"),
    Parameter("dataflow", ("os", "ws")),
)
COLUMNS = {
    "rows": np.array([8, 64, 32, 16]), "cols": np.array([8, 64, 16, 64]), "clock_mhz": np.full(4, 100.0),
    "dataflow": np.array(["os"] * 4),
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "canonical", "expected"),
    [
        ("rows <= 16", "rows <= 16", [0.0, 3.0, 1.0, 0.0]),
        ("32 >= rows", "rows <= 32", [0.0, 1.0, 0.0, 0.0]),
        ("cols * rows <= 1024", "cols * rows <= 1024", [0.0, 3.0, 0.0, 0.0]),
        ("rows + cols <= 64", "cols + rows <= 64", [0.0, 1.0, 0.0, 0.25]),
        ("rows / cols >= 1", "rows / cols >= 1", [0.0, 0.0, 0.0, 0.75]),
        ("rows >= cols", "-cols + rows >= 0", [0.0, 0.0, 0.0, 48.0]),
        ("rows**-1 >= 0.05", "1/rows >= 0.05", [0.0, 0.6875, 0.375, 0.0]),
        ("latency_s * clock_mhz <= 300", "clock_mhz * latency_s <= 300", [0.0, 1 / 3, 0.0, 0.0]),
    ],
)
def test_constraints_on_knobs(text, canonical, expected):
    (constraint,) = parse_constraints(text, SPECS, knobs=KNOBS)
    assert constraint.text == canonical
    assert total_excess([constraint], METRICS, COLUMNS).tolist() == pytest.approx(expected)
    (again,) = parse_constraints(canonical, SPECS, knobs=KNOBS)
    assert again == constraint


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("row <= 16", "unknown metric 'row'; did you mean 'rows'"),
        ("dataflow <= 3", "compares dataflow, which is no number; space={'dataflow': ['os']}"),
        ("rows <= 4", "met by no design: rows is from 8 to 64"),
        ("rows >= 65", "met by no design: rows is from 8 to 64"),
        ("rows**2 <= 63", "met by no design: rows**2 is from 64 to 4096"),
    ],
)
def test_a_constraint_on_no_knob_says_so(text, says):
    with pytest.raises(ChipgymError) as error:
        parse_constraints(text, SPECS, knobs=KNOBS)
    assert says in str(error.value)


def test_a_design_beyond_a_limit_of_its_knobs_is_a_result_that_says_so():
    problem = make_problem("toy", constraints=["units <= 8", "units * clock_mhz <= 1600"])
    out = problem.evaluate([{"units": 8}, {"units": 8, "clock_mhz": 400}, {"units": 16}])
    assert out.feasible.tolist() == [True, False, False]
    assert out.violation.tolist() == [0.0, 1.0, 1.0]
    assert np.isfinite(out.objectives).all()
    assert [str(limit) for limit in problem.broken_limits({"units": 16})] == ["units is 16, above the limit of 8"]
    assert problem.identity()["constraints"] == ["units <= 8", "clock_mhz * units <= 1600"]
    every = problem.evaluate(problem.space.enumerate())
    assert 0 < every.feasible.sum() < len(every.feasible)


@pytest.mark.parametrize("agent", ["random", "nsga2", "tpe", "exhaustive"])
def test_searches_respect_limits_of_knobs(agent):
    problem = make_problem("toy", objective="latency_s", constraints=["units <= 8", "units * clock_mhz <= 1600"])
    found = optimize(problem, agent, 90)
    assert found.best.feasible
    assert found.best.design["units"] * found.best.design["clock_mhz"] == 1600
    assert ground_truth(problem).optimum == optimize(problem, "exhaustive").best.objectives[0]


def test_a_sum_is_searched():
    problem = make_problem("toy", objective="energy_j + 0.1 * latency_s")
    found = optimize(problem, "exhaustive")
    values = found.table.metrics["energy_j"] + 0.1 * found.table.metrics["latency_s"]
    assert found.best.objectives == (np.nanmin(values),)
    assert problem.identity()["objectives"] == ["energy_j + 0.1 * latency_s"]
    assert problem.objectives[0].unit == "J + 0.1 s"
