"""The loop that finds the weights, with its losses, optimisers, schedules and checkpoints."""

from gatewise.training.device import DTYPES, choose_device, cpu_threads, place
from gatewise.training.loop import Trained, train
from gatewise.training.losses import Loss, ProbabilisticLoss, create_loss
from gatewise.training.progress import Bar, Brief, Lines, Progress, Silent, choose_progress
from gatewise.training.seeds import Seeds
from gatewise.training.task import TrainingTask

__all__ = [
    "DTYPES",
    "Bar",
    "Brief",
    "Lines",
    "Loss",
    "ProbabilisticLoss",
    "Progress",
    "Seeds",
    "Silent",
    "Trained",
    "TrainingTask",
    "choose_device",
    "choose_progress",
    "cpu_threads",
    "create_loss",
    "place",
    "train",
]
