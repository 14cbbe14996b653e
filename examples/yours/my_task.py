"""A task of one's own: the adding problem, by which recurrent networks are shown to remember.

Each sequence has random numbers and two marks; the target is the sum of the two marked numbers (Hochreiter and
Schmidhuber 1997, section 5.4). Always answering 1 has a squared error of 1/6.
"""

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gatewise.cells import create_cell
from gatewise.metrics import FORECAST_METRICS
from gatewise.registry import Task
from gatewise.settings import ModelSettings, RunSettings, Settings
from gatewise.studies.settings import StudySettings
from gatewise.tasks.running import run_in_folder

NAME = "my_task:ADDING"
METRICS = {"mse": FORECAST_METRICS["mse"]}


class DataSettings(Settings):
    """Which sequences are drawn."""

    length: int = 20
    """Numbers in a sequence."""
    sequences: int = 1000
    """Sequences that train, and that judge."""


class TrainSettings(Settings):
    """How it learns."""

    epochs: int = 20
    """Passes over the training sequences."""
    learning_rate: float = 1e-2
    """Of Adam."""


class AddingParts(Settings):
    """The rooms that a run and a study share."""

    data: DataSettings = DataSettings()
    """Sequences."""
    model: ModelSettings = ModelSettings(cell="gru", units=32)
    """Network; only cell and units are used here."""
    train: TrainSettings = TrainSettings()
    """Training."""


class AddingSettings(AddingParts, RunSettings):
    """One run."""

    task: str = NAME
    """This task."""


class AddingStudy(AddingParts, StudySettings):
    """A study of such runs."""

    task: str = NAME
    """This task."""
    metric: str = "mse"
    """What levels are compared by."""


def digest(settings: AddingSettings) -> str:
    """Say what the data are: they are drawn, so their settings say all."""
    return hashlib.sha256(json.dumps(settings.data.model_dump()).encode()).hexdigest()


def draw(settings: DataSettings, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    numbers = torch.rand(settings.sequences, settings.length, generator=generator)
    marks = torch.rand(settings.sequences, settings.length, generator=generator).topk(2).indices
    marked = torch.zeros_like(numbers).scatter(1, marks, 1.0)
    return torch.stack([numbers, marked], dim=-1), (numbers * marked).sum(1)


def run_adding(
    settings: AddingSettings, folder: Path | None, *, threads: int | None = None, exclusive: bool = False, progress: Any
) -> dict[str, Any]:
    """Do one run: train, judge, write."""

    def fit(place: Any) -> dict[str, Any]:
        begin = time.perf_counter()
        generator = torch.Generator().manual_seed(settings.seed)
        cell = create_cell(settings.model.cell, input_size=2, units=settings.model.units, generator=generator)
        head = nn.Linear(settings.model.units, 1)
        nn.init.zeros_(head.weight)
        nn.init.ones_(head.bias)
        weights = [*cell.parameters(), *head.parameters()]
        optimizer = torch.optim.Adam(weights, settings.train.learning_rate)
        x, y = draw(settings.data, 0)
        for _ in range(settings.train.epochs):
            for rows in torch.randperm(len(x), generator=generator).split(50):
                optimizer.zero_grad()
                said = head(cell(x[rows])[0][:, -1]).squeeze(-1)
                nn.functional.mse_loss(said, y[rows]).backward()
                optimizer.step()
        with torch.no_grad():
            x, y = draw(settings.data, 1)
            said = head(cell(x)[0][:, -1]).squeeze(-1)
        result = {
            "format_version": 1,
            "status": "finished",
            "task": NAME,
            "name": settings.name,
            "folder": None if place is None else str(place.path),
            "parameters": sum(one.numel() for one in weights),
            "epochs": {"run": settings.train.epochs, "best": settings.train.epochs},
            "seconds": {"total": time.perf_counter() - begin},
            "exclusive": exclusive,
            "kernel": None,
            "metrics": {"test": {"mse": float(nn.functional.mse_loss(said, y))}},
            "baselines": {"always_one": {"test": {"mse": float(((y - 1) ** 2).mean())}}},
            "verdict": None,
        }
        if place is not None:
            place.write_result(result)
        return result

    return run_in_folder(settings, digest(settings), folder, fit, threads=threads)


ADDING = Task(
    name=NAME,
    summary="Add two marked numbers of a sequence",
    settings="my_task:AddingSettings",
    study="my_task:AddingStudy",
    runner="my_task:run_adding",
    digest="my_task:digest",
    metrics="my_task:METRICS",
    baseline="always_one",
)
