"""Networks: inputs -> stack of cells -> head."""

from gatewise.models.classify import ClassifyNetwork
from gatewise.models.dropout import Dropout
from gatewise.models.heads import DenseHead
from gatewise.models.network import ForecastNetwork, count_parameters
from gatewise.models.stack import RecurrentStack
from gatewise.models.text import TextNetwork

__all__ = [
    "ClassifyNetwork",
    "Dropout",
    "DenseHead",
    "ForecastNetwork",
    "RecurrentStack",
    "TextNetwork",
    "count_parameters",
]
