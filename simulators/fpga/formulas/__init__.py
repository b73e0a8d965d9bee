"""Formulas over knobs: made once for a workload, worked out for any number of designs by one compiled loop."""

from .program import Program, make_program
from .terms import Formula, Term, Truth

__all__ = ["Formula", "Program", "Term", "Truth", "make_program"]
