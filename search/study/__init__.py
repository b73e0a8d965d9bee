"""Studies: several agents, many seeds each, on problems whose optimum is known."""

from .configurations import Configuration, read_options
from .problems import ProblemFile, named_problems, read_problems
from .running import DEFAULT_AGENTS, StudyProgress, run_study
from .study import Study
from .summary import Band, mean_band

__all__ = [
    "DEFAULT_AGENTS",
    "Band",
    "Configuration",
    "ProblemFile",
    "Study",
    "StudyProgress",
    "mean_band",
    "named_problems",
    "read_options",
    "read_problems",
    "run_study",
]
