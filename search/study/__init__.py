"""Studies: several agents, many seeds each, on a problem whose optimum is known."""

from .study import DEFAULT_AGENTS, Study, StudyProgress, run_study
from .summary import Band, mean_band

__all__ = ["DEFAULT_AGENTS", "Band", "Study", "StudyProgress", "mean_band", "run_study"]
