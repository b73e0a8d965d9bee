"""What each tool takes: the models that requests are checked against, and whose schemas clients are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, WithJsonSchema

from ..simulators import Choices, Parameter, Problem
from .session import MOST_DESIGNS

#: Evaluations that one answer of `history` has at most.
MOST_ROWS = 1000
#: Parts of a workload that one answer of `explain` has at most.
MOST_PARTS = 100
#: Evaluations that one call of `search` makes at most.
MOST_EVALUATIONS = 10_000

_SCALAR = {"type": ["number", "string"]}
_TEXTS = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
# What the package itself checks, whose messages name the nearest legal choice.
Texts = Annotated[Any, WithJsonSchema(_TEXTS)]
Design = Annotated[dict[StrictStr, Any], WithJsonSchema({"type": "object", "additionalProperties": _SCALAR})]
Grids = Annotated[
    dict[StrictStr, Any],
    WithJsonSchema(
        {"type": "object", "additionalProperties": {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR}]}}
    ),
]


class Request(BaseModel):
    """A request of a tool; a field that the tool does not take is an error."""

    model_config = ConfigDict(extra="forbid")


class ListRequest(Request):
    """Which names to list."""

    kind: Literal["simulators", "workloads", "tables", "surrogates", "agents"] | None = Field(
        None, description="One kind of names; all where left out."
    )


class ProblemRequest(Request):
    """Which problem a call is about."""

    simulator: StrictStr | None = Field(
        None, description="A simulator that `list` names; the problem of the call before where left out."
    )
    workload: Texts | None = Field(
        None,
        description="What the machine runs: a name that `list` has, or several; the simulator's default if left out.",
    )
    options: dict[StrictStr, Any] | None = Field(
        None, description="Settings of the simulator, such as technology; `describe` lists them with their defaults."
    )
    objective: Texts | None = Field(
        None,
        description="What to minimise: a preset such as edp, a metric, a product or a sum of metrics; several for a"
        " Pareto front. Values are in the units of the metrics, which `describe` lists.",
    )
    constraints: Texts | None = Field(
        None, description="Limits such as 'area_mm2 <= 10' or 'rows * cols <= 4096', in the units of metrics and knobs."
    )
    space: Grids | None = Field(
        None, description='Part of the grid, as in {"rows": [16, 32], "dataflow": "ws"}; the whole if left out.'
    )

    def problem(self) -> Mapping[str, Any]:
        """Return what the request says of its problem."""
        return {name: getattr(self, name) for name in ProblemRequest.model_fields}


class EvaluateRequest(ProblemRequest):
    """Designs to evaluate."""

    designs: list[Design] = Field(
        min_length=1,
        max_length=MOST_DESIGNS,
        description="Designs, each a value by knob, in the units and with the values that `describe` lists; a knob that"
        " is left out takes its default. A design that was evaluated before costs nothing.",
    )
    metrics: list[StrictStr] | None = Field(
        None, description="The metrics to answer; all where left out. Every one is kept in any case."
    )


class ExplainRequest(ProblemRequest):
    """The design to explain."""

    design: Design | None = Field(None, description="A value by knob; the best so far where neither is given.")
    number: StrictInt | None = Field(None, ge=0, description="In place of a design: the number of an evaluation.")
    top: StrictInt = Field(
        8, ge=1, le=MOST_PARTS, description="How many parts of the workload to tell of, those that take longest first."
    )


class HistoryRequest(ProblemRequest):
    """Which evaluations to list."""

    start: StrictInt = Field(0, ge=0, description="The number of the first.")
    limit: StrictInt = Field(100, ge=1, le=MOST_ROWS, description="How many at most.")
    metrics: StrictBool = Field(False, description="Whether to answer every metric of each.")


class SearchRequest(ProblemRequest):
    """The agent to run."""

    evaluations: StrictInt = Field(
        ge=1, le=MOST_EVALUATIONS, description="How many new designs to evaluate, out of the server's budget."
    )
    agent: StrictStr | None = Field(None, description="An agent that `list` names; the usual one where left out.")
    seed: StrictInt = Field(0, ge=0, description="The same seed after the same history proposes the same designs.")
    agent_options: dict[StrictStr, Any] | None = Field(None, description="Settings of the agent.")


def schema_of(model: type[Request], only: Problem | None) -> dict[str, Any]:
    """Return the JSON schema of a tool's arguments.

    Args:
        model: of the arguments.
        only: the one problem that there is; its designs' knobs are then spelled out with their values and units.
    """
    schema = model.model_json_schema()
    schema.pop("title", None)
    for about in schema["properties"].values():
        about.pop("title", None)
    if only is None or not issubclass(model, ProblemRequest):
        return schema
    for name in ProblemRequest.model_fields:
        about = schema["properties"][name]
        about["description"] = "This server has one problem: leave it out."
    design = design_schema(only)
    if "designs" in schema["properties"]:
        schema["properties"]["designs"]["items"] = design
    if "design" in schema["properties"]:
        schema["properties"]["design"]["anyOf"][0] = design
    return schema


def design_schema(problem: Problem) -> dict[str, Any]:
    """Return the JSON schema of a problem's designs: values, units, defaults and conditions of every knob."""
    knobs = {p.name: _knob_schema(p) for p in problem.space.parameters}
    return {"type": "object", "additionalProperties": False, "properties": knobs}


def evaluate_answer(only: Problem | None) -> dict[str, Any]:
    """Return the JSON schema of what `evaluate` answers, with the units of metrics where there is one problem.

    Infinity is "inf" and what has no value null or left out, since JSON has neither.
    """
    number = {"type": ["number", "string", "null"]}
    metrics: dict[str, Any] = {"type": "object", "additionalProperties": number}
    metrics["description"] = (
        "Value by metric; `units` has the unit of each. Costs of what cannot be built are left out."
    )
    if only is not None:
        specs = only.simulator.metrics
        about = {m.name: {**number, "description": f"{m.doc}; unit: {m.unit or 'none'}"} for m in specs}
        metrics |= {"properties": about, "additionalProperties": False}
    units = {"type": "object", "additionalProperties": {"type": "string"}, "description": "Unit by metric."}
    result = {
        "number": {"type": "integer", "description": "Which evaluation it is, from 0."},
        "metrics": metrics,
        "objectives": {
            "type": "object",
            "additionalProperties": number,
            "description": "Minimised values by objective.",
        },
        "feasible": {"type": "boolean"},
        "violation": {**number, "description": "How far beyond its limits, as a fraction of them; 0 where feasible."},
        "broken_limits": {"type": "array", "description": "Of an infeasible design: value, limit, unit and excess."},
        "repeated": {"type": "boolean", "description": "Whether it was evaluated before, and cost nothing."},
        "reward": {"type": "number", "description": "More is better; 0 is the reference."},
    }
    return {
        "type": "object",
        "properties": {
            "results": {"type": "array", "items": {"type": "object", "properties": result}},
            "best": {"type": ["object", "null"], "description": "The best design so far."},
            "units": units,
            "objective_units": units,
            "budget": {
                "type": "object",
                "description": "Evaluations: the limit, how many are spent, how many are left.",
            },
        },
        "required": ["results", "units", "budget"],
    }


def _knob_schema(p: Parameter) -> dict[str, Any]:
    words = [p.doc or p.name]
    if p.unit:
        words.append(f"unit: {p.unit}")
    if p.condition:
        words.append(f"means something only where {p.condition}")
    kind = "string" if isinstance(p.accepts, Choices) else "number"
    return {"type": kind, "enum": list(p.values), "default": p.default, "description": "; ".join(words)}
