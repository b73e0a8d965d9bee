"""What the tools answer, and what they say of requests that are wrong."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import pytest

import chipgym
from chipgym.errors import ChipgymError

pytest.importorskip("mcp")

from chipgym.mcp.budget import Budget
from chipgym.mcp.faults import CODES, fault_data
from chipgym.mcp.problems import Problems
from chipgym.mcp.server import answer
from chipgym.mcp.tools import TOOLS, call
from chipgym.search.reporting.reproduce import command

SYSTOLIC = {"simulator": "systolic", "workload": "mlp:64-128-10"}
PINNED = {**SYSTOLIC, "objective": "edp", "constraints": ["area_mm2 <= 10"]}


@pytest.fixture
def problems():
    return Problems(Budget(20))


def ask(problems: Problems, tool: str, **arguments: Any) -> dict[str, Any]:
    """A good answer, which went through JSON."""
    result = answer(problems, tool, arguments)
    assert not result.is_error, result.content[0].text
    found = json.loads(result.content[0].text)
    assert found == result.structured_content
    return found


def refused(problems: Problems, tool: str, **arguments: Any) -> dict[str, Any]:
    """The error that a call is answered with; nothing was evaluated."""
    spent = problems.budget.spent
    result = answer(problems, tool, arguments)
    assert result.is_error
    found = json.loads(result.content[0].text)
    assert problems.budget.spent == spent == found["budget"]["spent"]
    error = found["error"]
    assert set(error) == {"code", "message", "field", "value", "expected", "nearest"}
    assert error["code"] in CODES
    assert "\n" not in error["message"]
    return error


def test_list_names_what_is_registered(problems):
    found = ask(problems, "list")
    assert {"systolic", "memory", "hls"} <= {s["name"] for s in found["simulators"]}
    assert "resnet18" in str(found["workloads"])
    assert set(ask(problems, "list", kind="agents")) == {"agents", "budget"}


@pytest.mark.parametrize("simulator", ["systolic", "memory", "hls", "hls4ml", "dataflow", "tabular", "toy"])
def test_every_simulator_is_described_evaluated_and_explained(problems, simulator):
    about = ask(problems, "describe", simulator=simulator)
    assert all({"name", "values", "default", "unit", "doc"} <= set(knob) for knob in about["knobs"])
    units = {m["name"]: m["unit"] for m in about["metrics"]}
    answered = ask(problems, "evaluate", simulator=simulator, designs=[{}, about["default_design"]])
    assert answered["units"] == units
    first, again = answered["results"]
    assert first["number"] == again["number"] == 0  # the default, spelled out
    assert answered["budget"]["spent"] == 1
    metrics = chipgym.make_simulator(simulator).evaluate({})
    assert first["metrics"] == {k: v for k, v in metrics.row(0).items() if v == v}
    explained = ask(problems, "explain", number=0)
    assert explained["number"] == 0
    assert explained["parts"] is not None or explained["missing"]


def test_evaluate_answers_as_the_problem_does(problems):
    problem = chipgym.make_problem("systolic", "mlp:64-128-10", objective="edp", constraints="area_mm2 <= 7")
    designs = [{"rows": 16}, {"rows": 256, "cols": 256}, {"dataflow": "os"}]
    answered = ask(problems, "evaluate", **SYSTOLIC, objective="edp", constraints="area_mm2 <= 7", designs=designs)
    evaluation = problem.evaluate(designs)
    rewards = problem.reward(evaluation)
    for i, found in enumerate(answered["results"]):
        assert found["objectives"]["edp"] == evaluation.objectives[i, 0]
        assert found["feasible"] == bool(evaluation.feasible[i])
        assert found["reward"] == rewards[i]
        assert not found["repeated"]
    large = answered["results"][1]
    assert not large["feasible"]
    (limit,) = large["broken_limits"]
    assert (limit["name"], limit["limit"], limit["kind"], limit["unit"]) == ("area_mm2", 7.0, "at most", "mm2")
    assert limit["beyond"] == pytest.approx(large["metrics"]["area_mm2"] - 7)
    assert "broken_limits" not in answered["results"][0]
    few = ask(problems, "evaluate", designs=designs[:1], metrics=["latency_s"])
    assert set(few["results"][0]["metrics"]) == set(few["units"]) == {"latency_s"}
    assert few["results"][0]["repeated"]


def test_what_a_call_leaves_out_is_as_in_the_call_before(problems):
    ask(problems, "evaluate", **PINNED, designs=[{}])
    assert ask(problems, "history")["problem"]["constraints"] == ["area_mm2 <= 10"]
    assert ask(problems, "evaluate", objective="latency_s", designs=[{}])["objective_units"] == {"latency_s": "s"}
    assert ask(problems, "history")["problem"]["constraints"] == ["area_mm2 <= 10"]
    assert ask(problems, "history", **SYSTOLIC)["problem"]["constraints"] == []  # a problem of its own


def test_nothing_is_learned_of_a_design_for_nothing(problems):
    """Where clients choose the problem, they could make any design the default of one."""
    whole = ask(problems, "describe", **SYSTOLIC)["this_problem"]["reference_objectives"]
    assert whole["edp"] > 0
    part = ask(problems, "describe", **SYSTOLIC, space={"rows": [64]})["this_problem"]
    assert part["reference_objectives"] is None
    pinned = Problems(Budget(3), {**PINNED, "space": {"rows": [64]}})
    assert ask(pinned, "describe")["this_problem"]["reference_objectives"]["edp"] > 0
    assert problems.budget.spent == pinned.budget.spent == 0


def test_several_workloads_are_one_problem(problems):
    workloads = ["mlp:64-128-10", "mlp:16-16"]
    ask(problems, "evaluate", simulator="systolic", workload=workloads, designs=[{}])
    explained = ask(problems, "explain", number=0)
    assert explained["bottlenecks"]
    assert explained["missing"].startswith("there are several workloads")


def test_explain_names_what_binds_and_what_to_try(problems):
    ask(problems, "evaluate", simulator="systolic", workload="resnet18", designs=[{}])
    explained = ask(problems, "explain", top=3)
    assert explained["parts"]["of"] == "layers"
    shares = [row["share_of_latency_s"] for row in explained["parts"]["rows"]]
    assert len(shares) == 3
    assert shares == sorted(shares, reverse=True)
    assert {row["bound_by"] for row in explained["roofline"]["parts"]} <= {"memory", "compute"}
    space = chipgym.make_simulator("systolic").space
    remedies = [r for b in explained["bottlenecks"] for r in b["remedies"]]
    assert remedies
    for remedy in remedies:
        assert remedy["now"] == space.default[remedy["knob"]]
        assert remedy["next"] is None or remedy["next"] in space[remedy["knob"]].values
    assert problems.budget.spent == 1  # what was evaluated is explained for nothing
    ask(problems, "explain", design={"rows": 64})
    assert problems.budget.spent == 2


def test_an_infeasible_design_is_explained_by_its_limits(problems):
    ask(problems, "evaluate", **PINNED, designs=[{"rows": 256, "cols": 256}])
    explained = ask(problems, "explain", number=0)
    assert not explained["feasible"]
    assert explained["broken_limits"][0]["name"] == "area_mm2"
    assert explained["bottlenecks"][0]["broken"]


def test_pareto_and_history(problems):
    objectives = ["latency_s", "area_mm2"]
    designs = [{"rows": r, "cols": c} for r in (8, 32, 128) for c in (8, 64)]
    ask(problems, "evaluate", **SYSTOLIC, objective=objectives, designs=designs[:4])
    ask(problems, "evaluate", designs=designs[2:])
    problem = chipgym.make_problem("systolic", "mlp:64-128-10", objective=objectives)
    values = problem.evaluate(designs).objectives
    front = {tuple(v) for v in values[chipgym.search.non_dominated(values)].tolist()}
    found = ask(problems, "pareto")
    assert {tuple(d["objectives"].values()) for d in found["pareto"]} == front
    listed = ask(problems, "history", limit=5)
    assert [e["number"] for e in listed["evaluations"]] == [0, 1, 2, 3, 4]
    assert [e["call"] for e in listed["evaluations"]] == [0, 0, 0, 0, 1]
    assert listed["next"] == 5
    assert ask(problems, "history", start=5)["next"] is None


def test_a_history_played_again_gives_the_same(problems):
    ask(problems, "search", **PINNED, evaluations=12, agent="random", seed=3)
    listed = json.loads(json.dumps(ask(problems, "history", metrics=True)))
    other = Problems(Budget(20))
    again = ask(other, "evaluate", **PINNED, designs=[e["design"] for e in listed["evaluations"]])
    for then, now in zip(listed["evaluations"], again["results"], strict=True):
        assert then["objectives"] == now["objectives"]
        assert then["metrics"] == now["metrics"]
    assert ask(other, "history", metrics=True)["problem"] == listed["problem"]


def test_search_learns_from_what_was_evaluated_and_keeps_to_its_number(problems):
    ask(problems, "evaluate", **PINNED, designs=[{"rows": 16}, {"rows": 8}])
    found = ask(problems, "search", evaluations=7, agent="nsga2")
    assert (found["evaluated"], found["first_number"]) == (7, 2)
    assert problems.budget.left == 11
    other = Problems(Budget(20))
    ask(other, "evaluate", **PINNED, designs=[{"rows": 16}, {"rows": 8}])
    assert ask(other, "search", evaluations=7, agent="nsga2")["best"] == found["best"]
    assert refused(problems, "search", evaluations=12)["code"] == "budget_spent"
    small = Problems(Budget(None))
    grid = {"rows": [8, 16], "dataflow": ["os"]}
    rest = [k for k in chipgym.make_simulator("systolic").space.names if k not in grid]
    defaults = chipgym.make_simulator("systolic").space.default
    grid |= {name: [defaults[name]] for name in rest}
    assert ask(small, "search", **SYSTOLIC, space=grid, evaluations=50, agent="random")["evaluated"] == 2


def test_a_budget_is_kept_to_the_last_design(problems):
    rows = chipgym.make_simulator("systolic").space.sample(40, np.random.default_rng(0))
    space = chipgym.make_simulator("systolic").space
    designs = [space.design(row) for row in np.unique(rows, axis=0)]
    ask(problems, "evaluate", **SYSTOLIC, designs=designs[:15])
    error = refused(problems, "evaluate", designs=designs[:21])
    assert (error["code"], error["value"], error["nearest"]) == ("budget_spent", 6, 5)
    assert ask(problems, "history")["evaluated"] == 15
    ask(problems, "evaluate", designs=designs[:20])
    assert problems.budget.left == 0
    assert refused(problems, "evaluate", designs=[designs[20]])["code"] == "budget_spent"
    assert refused(problems, "explain", design=designs[20])["code"] == "budget_spent"
    assert refused(problems, "evaluate", simulator="toy", designs=[{}])["code"] == "budget_spent"  # all share it
    assert ask(problems, "evaluate", **SYSTOLIC, designs=designs[:20])["budget"]["spent"] == 20


REFUSED = {
    "no such tool": ("evaluat", {}, "unknown_tool", "tool", "evaluate"),
    "no such field": ("evaluate", {"design": [{}]}, "unknown_field", "design", "designs"),
    "no designs": ("evaluate", {}, "missing_field", "designs", None),
    "designs that are none": ("evaluate", {"designs": 5}, "wrong_type", "designs", None),
    "a design that is none": ("evaluate", {"designs": [{}, 3]}, "wrong_type", "designs[1]", None),
    "nothing to evaluate": ("evaluate", {"designs": []}, "bad_value", "designs", None),
    "too many": ("evaluate", {"designs": [{}] * 257}, "bad_value", "designs", None),
    "no such knob": ("evaluate", {"designs": [{}, {"row": 8}]}, "unknown_name", "designs[1].row", "rows"),
    "a metric as a knob": ("evaluate", {"designs": [{"latency_s": 1.0}]}, "unknown_name", "designs[0].latency_s", None),
    "off the grid": ("evaluate", {"designs": [{"rows": 48}]}, "bad_value", "designs[0].rows", 32),
    "beyond the domain": ("evaluate", {"designs": [{"rows": 10**30}]}, "bad_value", "designs[0].rows", 256),
    "a number as text": ("evaluate", {"designs": [{"rows": "65"}]}, "bad_value", "designs[0].rows", 64),
    "a word for a number": ("evaluate", {"designs": [{"rows": "many"}]}, "bad_value", "designs[0].rows", None),
    "a truth for a number": ("evaluate", {"designs": [{"rows": True}]}, "bad_value", "designs[0].rows", None),
    "a list for a number": ("evaluate", {"designs": [{"rows": [8]}]}, "bad_value", "designs[0].rows", None),
    "null": ("evaluate", {"designs": [{"rows": None}]}, "bad_value", "designs[0].rows", None),
    "no such choice": ("evaluate", {"designs": [{"dataflow": "oss"}]}, "bad_value", "designs[0].dataflow", "os"),
    "no such metric": ("evaluate", {"designs": [{}], "metrics": ["latency"]}, "unknown_name", "metric", "latency_s"),
    "no such simulator": ("describe", {"simulator": "systolyc"}, "unknown_name", "simulator", "systolic"),
    "a simulator that is a number": ("describe", {"simulator": 3}, "wrong_type", "simulator", None),
    "no such workload": ("describe", {**SYSTOLIC, "workload": "resnet19"}, "unknown_name", "workload", "resnet18"),
    "a workload that is a number": ("describe", {**SYSTOLIC, "workload": 3}, "bad_input", "workload", None),
    "no such option": ("describe", {**SYSTOLIC, "options": {"tech": 1}}, "unknown_name", "options.tech", "technology"),
    "an option's value": (
        "describe", {**SYSTOLIC, "options": {"technology": "23nm"}}, "unknown_name", "options.technology", "22nm",
    ),
    "no such objective": ("describe", {**SYSTOLIC, "objective": "epd"}, "unknown_name", "objective", "edp"),
    "an objective that is none": ("describe", {**SYSTOLIC, "objective": 3}, "bad_input", "objective", None),
    "no constraint": ("describe", {**SYSTOLIC, "constraints": "area_mm2 < 3"}, "bad_input", "constraints", None),
    "a part of no space": ("describe", {**SYSTOLIC, "space": {"row": [1]}}, "unknown_name", "space.row", "rows"),
    "a part that is none": ("describe", {**SYSTOLIC, "space": {"rows": ["a"]}}, "bad_value", "space.rows", None),
    "no such evaluation": ("explain", {"number": 7}, "bad_value", "number", None),
    "a negative number": ("explain", {"number": -1}, "bad_value", "number", 0),
    "too many parts": ("explain", {"top": 1000}, "bad_value", "top", 100),
    "nothing to explain": ("explain", {}, "missing_field", "design", None),
    "no such agent": ("search", {"evaluations": 3, "agent": "nsga"}, "unknown_name", "agent", "nsga2"),
    "no such agent option": (
        "search", {"evaluations": 3, "agent": "nsga2", "agent_options": {"population": 3}}, "unknown_name",
        "agent_options.population", "population_size",
    ),
    "no evaluations": ("search", {"evaluations": 0}, "bad_value", "evaluations", 1),
    "half an evaluation": ("search", {"evaluations": 1.5}, "wrong_type", "evaluations", None),
    "a seed below 0": ("search", {"evaluations": 1, "seed": -1}, "bad_value", "seed", 0),
    "no such kind": ("list", {"kind": "simulator"}, "unknown_name", "kind", "simulators"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_an_error_that_names_field_value_and_nearest(problems, case):
    tool, arguments, code, field, near = REFUSED[case]
    ask(problems, "describe", **SYSTOLIC)
    error = refused(problems, tool, **arguments)
    assert (error["code"], error["field"], error["nearest"]) == (code, field, near), error


ANYTHING = (
    None, True, 0, -1, 3.5, float("nan"), float("inf"), 10**400, "", "x" * 9000, "rows", "\0", "a\nb", [], {}, [[]],
    [1, "a"], {"a": 1}, {"rows": [1]}, {"rows": [8, 16]}, {"rows": 64}, [{"rows": 64}], [{}], "systolic", "memory",
    "mlp:4-4", "edp", ["latency_s", "area_mm2"], "area_mm2 <= 10", "random", "/etc/passwd", "/tmp", {"technology": 5},
    {"operand_bits": [1]},
)  # fmt: skip


@pytest.mark.parametrize("count", [pytest.param(150, id="few"), pytest.param(5000, marks=pytest.mark.slow, id="many")])
def test_any_request_is_answered_or_refused_in_one_line(count):
    rng = random.Random(count)
    problems = Problems(Budget(40))
    for _ in range(count):
        tool = rng.choice(list(TOOLS))
        fields = [*TOOLS[tool].model.model_fields, "other"]
        arguments = {name: rng.choice(ANYTHING) for name in rng.sample(fields, rng.randint(0, min(4, len(fields))))}
        if rng.random() < 0.6 and "simulator" in fields:
            arguments |= {"simulator": "systolic", "workload": "mlp:4-4"}
        if rng.random() < 0.5 and "designs" in fields:
            arguments["designs"] = [{rng.choice(("rows", "cols", "rowz", "dataflow")): rng.choice(ANYTHING)}]
        result = answer(problems, tool, arguments)
        found = json.loads(result.content[0].text)
        assert problems.budget.spent <= 40
        if result.is_error:
            assert found["error"]["code"] != "internal_error", arguments
            assert found["error"]["message"].isprintable(), arguments
            assert len(result.content[0].text) < 6000, arguments


def test_the_first_call_names_a_simulator(problems):
    error = refused(problems, "evaluate", designs=[{}])
    assert (error["code"], error["field"]) == ("missing_field", "simulator")


def test_a_pinned_server_has_one_problem():
    problems = Problems(Budget(20), PINNED)
    assert ask(problems, "evaluate", designs=[{}])["objective_units"] == {"edp": "J·s"}
    ask(problems, "evaluate", **PINNED, designs=[{"rows": 16}])
    ask(problems, "evaluate", objective="edp", constraints="area_mm2 <= 10", designs=[{"rows": 8}])
    assert ask(problems, "list")["this_server_is_for"]["simulator"] == "systolic"
    for other in (
        {"simulator": "memory"}, {"workload": "resnet18"}, {"objective": "latency_s"}, {"space": {"rows": [16]}},
        {"constraints": ["area_mm2 <= 11"]}, {"options": {"technology": "22nm"}},
    ):  # fmt: skip
        error = refused(problems, "evaluate", **other, designs=[{}])
        assert error["code"] == "pinned", error
        assert error["field"].split(".")[0] == next(iter(other)), error


def test_a_store_keeps_what_was_evaluated(tmp_path):
    path = str(tmp_path / "mcp.db")
    first = Problems(Budget(5), PINNED, path)
    ask(first, "evaluate", designs=[{}, {"rows": 16}])
    ask(first, "evaluate", designs=[{"rows": 8}, {}])
    listed = ask(first, "history", metrics=True)
    first.close()
    again = Problems(Budget(5), PINNED, path)
    assert again.budget.spent == 3
    assert ask(again, "history", metrics=True) == listed
    assert ask(again, "evaluate", designs=[{}])["results"][0]["repeated"]
    assert refused(again, "evaluate", designs=[{"rows": 64}, {"rows": 128}, {"rows": 256}])["code"] == "budget_spent"
    again.close()
    result = chipgym.load_result(path)
    assert (result.agent, result.evaluations) == ("mcp", 3)
    again = command(result, first.only.problem, ("mlp:64-128-10",))
    assert "a client of `chipgym serve` proposed these designs" in again
    exec(again, names := {})
    assert names["problem"].digest == first.only.problem.digest
    with pytest.raises(ChipgymError, match=r"^objectives: store "):
        Problems(Budget(5), {**PINNED, "objective": "latency_s"}, path)
    with pytest.raises(ChipgymError, match=r"^store: holds one problem"):
        Problems(Budget(5), None, path)


def test_what_cannot_be_written_was_not_evaluated(tmp_path, monkeypatch):
    problems = Problems(Budget(5), PINNED, str(tmp_path / "mcp.db"))
    run = problems.only._run

    def full(*_: object) -> None:
        raise ChipgymError("store: the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(run, "write", full)
        assert refused(problems, "evaluate", designs=[{}, {"rows": 16}])["code"] == "bad_input"
    assert ask(problems, "history")["evaluated"] == 0
    assert ask(problems, "evaluate", designs=[{}])["results"][0] == {
        **ask(problems, "evaluate", designs=[{}])["results"][0],
        "repeated": False,
    }
    problems.close()


def test_a_simulation_that_raises_keeps_nothing_of_the_call(problems, monkeypatch):
    from toy import ToySimulator

    ask(problems, "evaluate", simulator="toy", designs=[{}])
    about = ask(problems, "describe")["knobs"][0]
    other = next(v for v in about["values"] if v != about["default"])
    simulate = ToySimulator.simulate

    def fragile(self, columns, n):
        if (columns[about["name"]] == other).any():
            raise OSError("no licence")
        return simulate(self, columns, n)

    monkeypatch.setattr(ToySimulator, "simulate", fragile)
    error = refused(problems, "evaluate", designs=[{about["name"]: other}])
    assert error["code"] == "simulation_failed"
    assert "no licence" in error["message"]
    assert error["value"][about["name"]] == other


def test_faults_of_the_server_are_told_from_those_of_requests():
    error = fault_data(ZeroDivisionError("division by zero"))["error"]
    assert error["code"] == "internal_error"
    assert "division" not in error["message"]


def test_every_tool_says_what_it_costs():
    for tool in TOOLS.values():
        assert "budget" in tool.about or "costs" in tool.about, tool.name


def test_call_raises_for_programs(problems):
    with pytest.raises(ChipgymError, match="unknown tool 'x'"):
        call(problems, "x", {})
