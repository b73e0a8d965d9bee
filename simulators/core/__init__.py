"""The vocabulary that every simulator, environment, agent and surrogate shares."""

from .bottleneck import Bottleneck, Remedy
from .limit import Limit
from .metrics import Breakdown, Metrics, MetricSpec
from .objective import Constraint, Objective, parse_constraints, parse_objectives
from .parameter import Choices, Column, Condition, Integers, Parameter, Reals, Value, when
from .problem import Evaluation, Problem, bind_problem
from .registry import (
    SimulatorEntry,
    load_target,
    make_problem,
    make_simulator,
    register,
    registered,
    unregister,
)
from .reward import REWARD_RANGES, REWARDS
from .roofline import Roofline
from .simulator import Simulator, relative_excess
from .space import Columns, Design, Designs, DesignSpace, Indices
from .suite import SuiteSimulator

__all__ = [
    "REWARDS",
    "REWARD_RANGES",
    "Bottleneck",
    "Breakdown",
    "Choices",
    "Column",
    "Columns",
    "Condition",
    "Constraint",
    "Design",
    "DesignSpace",
    "Designs",
    "Evaluation",
    "Indices",
    "Integers",
    "Limit",
    "MetricSpec",
    "Metrics",
    "Objective",
    "Parameter",
    "Problem",
    "Reals",
    "Remedy",
    "Roofline",
    "Simulator",
    "SimulatorEntry",
    "SuiteSimulator",
    "Value",
    "bind_problem",
    "load_target",
    "make_problem",
    "make_simulator",
    "parse_constraints",
    "parse_objectives",
    "register",
    "registered",
    "relative_excess",
    "unregister",
    "when",
]
