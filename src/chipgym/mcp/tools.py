"""The tools: what each is called, what it takes, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from ..errors import ChipgymError, unknown
from . import answers, describing, requests
from .explaining import explained
from .faults import invalid_request
from .problems import Problems
from .requests import ProblemRequest, Request
from .session import Session


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool.

    Attributes:
        name: what clients call.
        about: what it does, for a language model to read.
        model: of its arguments.
        answer: what it does.
        evaluates: whether it may spend budget.
    """

    name: str
    about: str
    model: type[Request]
    answer: Callable[[Problems, Any], dict[str, Any]]
    evaluates: bool = False


def _list(problems: Problems, request: requests.ListRequest) -> dict[str, Any]:
    return describing.list_names(request.kind, problems.only)


def _describe(problems: Problems, request: ProblemRequest) -> dict[str, Any]:
    return describing.describe_session(problems.session(request.problem()), problems.only is not None)


def _evaluate(problems: Problems, request: requests.EvaluateRequest) -> dict[str, Any]:
    return answers.evaluated(problems.session(request.problem()), request.designs, request.metrics)


def _explain(problems: Problems, request: requests.ExplainRequest) -> dict[str, Any]:
    session = problems.session(request.problem())
    return explained(session, _number(session, request), request.top)


def _number(session: Session, request: requests.ExplainRequest) -> int:
    """Return the number of the evaluation to explain; a design that was not evaluated is evaluated for it."""
    n = session.log.n
    if request.number is not None:
        if request.design is not None:
            raise ChipgymError("number: goes without a design", field="number", value=request.number)
        if request.number >= n:
            has = f"a number from 0 to {n - 1}" if n else "a design: nothing was evaluated yet"
            raise ChipgymError(
                f"number: {request.number} is not {has}",
                field="number", value=request.number, expected=has, nearest=n - 1 if n else None, code="bad_value",
            )  # fmt: skip
        return request.number
    if request.design is None:
        if not n:
            text = "design: nothing was evaluated yet, so that there is no best to explain"
            raise ChipgymError(text, field="design", expected="a value by knob", code="missing_field")
        return session.result.best.number
    numbers, _ = session.evaluate(session.encode([request.design], "design"))
    return int(numbers[0])


def _pareto(problems: Problems, request: ProblemRequest) -> dict[str, Any]:
    return answers.front(problems.session(request.problem()))


def _history(problems: Problems, request: requests.HistoryRequest) -> dict[str, Any]:
    return answers.history(problems.session(request.problem()), request.start, request.limit, request.metrics)


def _search(problems: Problems, request: requests.SearchRequest) -> dict[str, Any]:
    session = problems.session(request.problem())
    agent = request.agent or describing.usual_agent()
    try:
        return answers.searched(session, agent, request.evaluations, request.seed, request.agent_options)
    except ChipgymError as error:
        if error.field == f"option of {agent}":
            error.field = f"agent_options.{error.value}"
        raise


_FREE = "Costs no budget."
TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool(
            "list",
            f"Simulators, workloads, tables, surrogates and agents by name, with a line about each. {_FREE}",
            requests.ListRequest,
            _list,
        ),
        Tool(
            "describe",
            "A problem: every knob with its values, unit, default and the condition under which it means anything;"
            " metrics with units; objectives by name; options of the simulator; what the reward is and compares with."
            f" {_FREE}",
            ProblemRequest,
            _describe,
        ),
        Tool(
            "evaluate",
            "Simulates designs. Answers for each its metrics (`units` has the unit of each), objectives (minimised),"
            " whether it is feasible, which limits it breaks and by how much, and its reward (more is better; 0 is the"
            " default design). Each new design costs one evaluation of the budget. Of a call that is wrong anywhere,"
            " or needs more evaluations than are left, nothing is evaluated.",
            requests.EvaluateRequest,
            _evaluate,
            True,
        ),
        Tool(
            "explain",
            "What binds a design: its bottlenecks with the knobs that loosen each and the next value of each, the"
            " layers, sections or loops that take longest, the roofline, and broken limits with amounts. Takes a"
            " design, the `number` of an evaluation, or neither for the best so far. One that was not evaluated"
            " before costs one evaluation; an evaluated one costs nothing.",
            requests.ExplainRequest,
            _explain,
            True,
        ),
        Tool(
            "pareto",
            f"The designs that none of those evaluated dominates: of one objective the single best. {_FREE}",
            ProblemRequest,
            _pareto,
        ),
        Tool(
            "history",
            "Every evaluation in order, a page at a time (`next` is where the next begins). Its designs, put into"
            f" `evaluate` again, give the same results. {_FREE}",
            requests.HistoryRequest,
            _history,
        ),
        Tool(
            "search",
            "Runs a search agent, which is told of everything evaluated so far, for a number of new evaluations out of"
            " the budget.",
            requests.SearchRequest,
            _search,
            True,
        ),
    )
}  # fmt: skip


def call(problems: Problems, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Answer a call of a tool, with what is left of the budget.

    Raises:
        ChipgymError: naming what is wrong with the request, what was expected, and the nearest right choice.
    """
    if name not in TOOLS:
        error = unknown("tool", name, TOOLS)
        error.code = "unknown_tool"
        raise error
    tool = TOOLS[name]
    try:
        request = tool.model.model_validate(arguments)
    except ValidationError as error:
        raise invalid_request(name, tool.model, error) from None
    return {**tool.answer(problems, request), "budget": problems.budget.to_dict()}
