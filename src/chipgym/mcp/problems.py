"""Which problem a call is about, and the session of each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..errors import ChipgymError, shorten, unknown
from ..search.difference import first_difference
from ..simulators import Problem, bind_problem, make_simulator
from ..simulators.core.objective import parse_constraints, parse_objectives
from ..simulators.core.registry import simulator_options
from .budget import Budget
from .session import Session

#: What names a problem in a call: arguments of `make_problem`, with the simulator's own in `options`.
FIELDS = ("simulator", "workload", "options", "objective", "constraints", "space")
Request = Mapping[str, Any]
# What an identity calls something, and what a request does.
_FIELD_OF = {"objectives": "objective", "workload_digest": "workload"}


class Problems:
    """The problems of a server's clients, or the one that the server was started for.

    Attributes:
        budget: what all of them share.
        pinned: the request of the one problem that there is, None where clients choose.
    """

    def __init__(self, budget: Budget, pinned: Request | None = None, store: str | None = None) -> None:
        """Make none yet, or the pinned one.

        Raises:
            ChipgymError: for a store without a pinned problem, and as `make_problem` and `Session`.
        """
        if store is not None and pinned is None:
            raise ChipgymError("store: holds one problem; name it with --simulator, --workload and the like")
        self.budget, self.pinned = budget, None if pinned is None else given(pinned)
        self._store = store
        self._made: dict[str, Problem] = {}
        self._sessions: dict[str, Session] = {}
        self._last: Request | None = self.pinned
        self.only = None if self.pinned is None else self._session(make(self.pinned))

    def session(self, request: Request) -> Session:
        """Return the session of the problem that a call is about.

        What a call leaves out is as in the call before where it names no simulator, and the default where it does.

        Raises:
            ChipgymError: naming the argument that is wrong, and the nearest right one.
        """
        wanted = given(request)
        if self.only is not None and self.pinned is not None:
            return self._pinned_session({**self.pinned, **wanted}) if wanted else self.only
        if "simulator" not in wanted:
            if self._last is None:
                raise ChipgymError(
                    "simulator: not given, and there was no call before this one; `list` says which there are",
                    field="simulator", expected="the name of a simulator", code="missing_field",
                )  # fmt: skip
            wanted = {**self._last, **wanted}
        name = json.dumps(wanted, sort_keys=True, default=str)
        if name not in self._made:
            self._made[name] = make(wanted)
        found = self._session(self._made[name])
        self._last = wanted
        return found

    def _pinned_session(self, wanted: Request) -> Session:
        assert self.only is not None
        assert self.pinned is not None
        for field in ("simulator", "workload"):
            if field in self.pinned and wanted[field] != self.pinned[field]:
                raise _fixed(field, wanted[field], self.pinned[field])
        theirs, mine = make(wanted), self.only.problem
        if theirs.digest != mine.digest:
            ours, others = (json.loads(json.dumps(p.identity())) for p in (mine, theirs))
            where, has, this = first_difference("", ours, others)
            raise _fixed(_FIELD_OF.get(where, where.replace(" ", ".")), this, has)
        return self.only

    def _session(self, problem: Problem) -> Session:
        if problem.digest not in self._sessions:
            self._sessions[problem.digest] = Session(problem, self.budget, self._store)
        return self._sessions[problem.digest]

    def close(self) -> None:
        """Close every session's store."""
        for session in self._sessions.values():
            session.close()


def _fixed(field: str, value: object, mine: object) -> ChipgymError:
    return ChipgymError(
        f"{field}: {shorten(value)} is not {shorten(mine)}, the one that this server was started for; leave it out",
        field=field, value=value, expected=mine, nearest=mine, code="pinned",
    )  # fmt: skip


def given(request: Request) -> dict[str, Any]:
    """Return what a request says of its problem, without what it leaves out."""
    out = {field: request[field] for field in FIELDS if request.get(field) not in (None, {}, [], ())}
    for field, value in out.items():  # a list of one is that one
        if isinstance(value, list | tuple) and len(value) == 1:
            out[field] = value[0]
    return out


def make(request: Request) -> Problem:
    """Make the problem that a request names.

    Raises:
        ChipgymError: naming the argument that is wrong, and the nearest right one.
    """
    name, options = request["simulator"], request.get("options", {})
    known = simulator_options(name)
    for option in options:
        if option not in known:
            raise _in(f"options.{option}", unknown(f"option of {name}:", option, known))
    try:
        simulator = make_simulator(name, request.get("workload"), **options)
    except ChipgymError as error:
        raise _in(f"options.{error.field}" if error.field in known else "workload", error) from None
    grids = request.get("space")
    try:
        simulator.space.narrow(grids)
    except ChipgymError as error:
        raise _in(f"space.{error.value if error.field == 'knob' else error.field}", error) from None
    objective, constraints = request.get("objective", simulator.default_objective), request.get("constraints", ())
    try:
        parse_objectives(objective, simulator.metrics, simulator.objectives)
    except ChipgymError as error:
        raise _in("objective", error) from None
    try:
        parse_constraints(constraints, simulator.metrics, simulator.objectives, simulator.space.parameters)
    except ChipgymError as error:
        raise _in("constraints", error) from None
    return bind_problem(simulator, objective=objective, constraints=constraints, space=grids)


def _in(field: str, error: ChipgymError) -> ChipgymError:
    """Say which field of the request an error is about."""
    error.field = field
    return error
