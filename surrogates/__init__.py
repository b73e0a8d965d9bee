"""Cost models that learn a simulator from tables of its designs, and stand in for it."""

from ..simulators import SimulatorEntry, register
from .errors import Errors, MetricErrors, measure
from .files import load_surrogate, surrogate_names
from .models import FAMILIES
from .prediction import Prediction
from .some_metrics import only_metrics
from .splits import SPLITS, Split, split_tables
from .surrogate import Surrogate
from .tensors import graph_dataset, torch_dataset

__all__ = [
    "FAMILIES",
    "SPLITS",
    "Errors",
    "MetricErrors",
    "Prediction",
    "Split",
    "Surrogate",
    "graph_dataset",
    "load_surrogate",
    "measure",
    "only_metrics",
    "split_tables",
    "surrogate_names",
    "torch_dataset",
]

register(
    SimulatorEntry(
        name="surrogate",
        title="Surrogate",
        target=f"{__name__}.simulator:SurrogateSimulator",
        doc="Any simulator as a model has learned it from collected designs: predicted instead of simulated",
    )
)
