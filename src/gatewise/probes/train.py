"""Train one cell on one task with one seed, and see how long the strings may get.

Every cell gets the same: one layer of the same units, a dense head with one hidden layer, the same strings in the same
order for the same seed, and the same number of steps. Each learning rate is tried for a third of the steps; the one
with the lower validation loss goes on, falling to zero along half a cosine.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gatewise.models import DenseHead, RecurrentStack
from gatewise.probes.memory import gradient_flow
from gatewise.probes.settings import (
    BATCH,
    FLOW,
    LONGER,
    RATES,
    RESULTS_VERSION,
    TRAINED,
    ProbeJob,
)
from gatewise.probes.tasks import ProbeTask
from gatewise.registry import PROBES
from gatewise.runs import atomic
from gatewise.training import Seeds, cpu_threads

#: What a worker of :mod:`gatewise.studies.engines` reads the settings of :func:`run_job` as.
SETTINGS = ProbeJob
_EVERY = 100  # steps between two looks at the validation strings
_ENOUGH = 0.999  # validation accuracy that ends the training when it is seen twice in a row
_MOST_NORM = 1.0  # gradients are scaled down to this norm
_TRAIN, _VALIDATION, _TEST, _MEMORY = range(4)  # streams of strings


def run_job(
    job: ProbeJob, path: Path, *, threads: int = 1, exclusive: bool = False, progress: None = None
) -> dict[str, Any]:
    """Do one job and write its result to the file `path`; this is what a worker is told to run.

    `exclusive` and `progress` are part of a worker's call and play no role here.
    """
    del exclusive, progress
    with cpu_threads(threads):
        found = _flow_at_start(job) if job.task == FLOW else train_probe(job)
    result = {"job": job.model_dump(mode="json"), "version": RESULTS_VERSION, **found}
    atomic.make_folder(path.parent)
    atomic.write_json(path, result)
    return result


def train_probe(job: ProbeJob) -> dict[str, Any]:
    """Train and judge; return plain numbers.

    Returns
    -------
    dict
        ``accuracy`` (length -> share of right answers on strings never seen), ``learning_rate``, ``steps`` (of the
        training that went on), ``skipped`` (steps not taken because the gradient was not finite), ``flow`` (gradient
        flow of the trained cells), ``seconds``.
    """
    begin = time.perf_counter()
    task: type[ProbeTask] = PROBES.load(job.task)
    trainings = []
    for rate in RATES:
        trainings.append(_Training(job, task, rate))
        trainings[-1].go_on(until=math.ceil(job.steps / 3))
        if trainings[-1].solved:
            break
    best = trainings[-1] if trainings[-1].solved else min(trainings, key=lambda one: one.validation_loss)
    best.go_on(until=job.steps, falling=True)
    seeds = Seeds(job.seed, job.seed, job.seed)
    strings = seeds.order_generator(_TEST)
    accuracy = {
        str(length): best.network.accuracy(task, task.draw(512, length, strings)) for length in (TRAINED, *LONGER)
    }
    inputs = task.draw(32, 1000, seeds.order_generator(_MEMORY)).x
    return {
        "accuracy": accuracy,
        "learning_rate": best.rate,
        "steps": best.step,
        "skipped": best.skipped,
        "flow": gradient_flow(best.network.stack, inputs, seeds.order_generator(_MEMORY)),
        "seconds": time.perf_counter() - begin,
    }


def _flow_at_start(job: ProbeJob) -> dict[str, Any]:
    """Measure the gradient flow of a new cell under inputs of normal noise."""
    seeds = Seeds(job.seed, job.seed, job.seed)
    draws = seeds.order_generator(_MEMORY)
    x = torch.randn(32, 1000, 8, generator=draws)
    stack = RecurrentStack(job.cell, 8, job.units, init_generator=seeds.init_generator())
    return {"flow": gradient_flow(stack, x, draws)}


class ProbeNetwork(nn.Module):
    """One layer of a cell and a dense head, answering at every step."""

    def __init__(self, job: ProbeJob, task: type[ProbeTask], generator: torch.Generator) -> None:
        super().__init__()
        self.stack = RecurrentStack(job.cell, task.inputs, job.units, init_generator=generator)
        self.head = DenseHead(self.stack.output_size, (job.units,), task.outputs, init_generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, T, inputs)`` to ``(B, T, outputs)``."""
        answer: Tensor = self.head(self.stack(x)[0])
        return answer

    @torch.no_grad()
    def accuracy(self, task: type[ProbeTask], strings: Any) -> float:
        """Return the share of the scored answers that is right."""
        return float(task.right(self(strings.x), strings).float().mean())


class _Training:
    """One training at one learning rate, which may be left and gone on with."""

    def __init__(self, job: ProbeJob, task: type[ProbeTask], rate: float) -> None:
        seeds = Seeds(job.seed, job.seed, job.seed)
        self.task, self.rate = task, rate
        self.network = ProbeNetwork(job, task, seeds.init_generator())
        self.weights = list(self.network.parameters())
        self.optimizer = torch.optim.Adam(self.weights, rate)
        self.strings = seeds.order_generator(_TRAIN)
        self.validation = task.draw(256, TRAINED, seeds.order_generator(_VALIDATION))
        self.validation_loss = math.inf
        self.step = self.skipped = self.well = 0

    @property
    def solved(self) -> bool:
        """Whether the last two looks found (nearly) every answer right."""
        return self.well >= 2

    def go_on(self, *, until: int, falling: bool = False) -> None:
        """Train until a step, or until solved; with `falling`, the learning rate sinks to zero on the way."""
        first = self.step
        while self.step < until and not self.solved:
            if falling:
                share = (self.step - first) / (until - first)
                self.optimizer.param_groups[0]["lr"] = self.rate * 0.5 * (1.0 + math.cos(math.pi * share))
            self._step()
            self.step += 1
            if self.step % _EVERY == 0 or self.step == until:
                self._look()

    def _step(self) -> None:
        length = int(torch.randint(self.task.shortest, TRAINED + 1, (), generator=self.strings))
        batch = self.task.draw(BATCH, length, self.strings)
        loss = self.task.loss(self.network(batch.x), batch)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if nn.utils.clip_grad_norm_(self.weights, _MOST_NORM).isfinite():
            self.optimizer.step()
        else:
            self.skipped += 1

    @torch.no_grad()
    def _look(self) -> None:
        answer = self.network(self.validation.x)
        loss = float(self.task.loss(answer, self.validation))
        self.validation_loss = loss if math.isfinite(loss) else math.inf
        right = float(self.task.right(answer, self.validation).float().mean())
        self.well = self.well + 1 if right >= _ENOUGH else 0
