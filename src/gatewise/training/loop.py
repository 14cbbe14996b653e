"""The training loop: one for every job, read from top to bottom."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gatewise.errors import DataError, SettingsError
from gatewise.runs import RunFolder
from gatewise.settings import TrainSettings
from gatewise.training.averaging import WeightAverage
from gatewise.training.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from gatewise.training.device import DTYPES, autocast, choose_device, cpu_threads, denormals_flushed, place
from gatewise.training.distributed import Group, Share
from gatewise.training.diverged import NOWHERE, diverged, diverged_in_validation, first_not_finite, gradients_finite
from gatewise.training.gradients import clip, is_sampled, median
from gatewise.training.interrupts import Interrupts
from gatewise.training.joining import HelperDone, joined, threads_of_each
from gatewise.training.optimizers import create_optimizer, parameter_groups
from gatewise.training.progress import Progress, Silent
from gatewise.training.schedules import create_schedule
from gatewise.training.seeds import Seeds
from gatewise.training.session import Session, identity, kernel_in_use, learned, threads_to_use
from gatewise.training.stopping import EarlyStopping
from gatewise.training.task import SharedTask, TrainingTask, Watcher


@dataclass(frozen=True)
class Trained:
    """What a training came to; the network itself holds the weights.

    Attributes
    ----------
    status
        ``"finished"``, or ``"interrupted"`` by Ctrl-C or SIGTERM: then train again with the same folder to go on.
    epochs_run, steps
        Whole epochs, and steps made.
    best_epoch, best_loss
        The epoch with the lowest validation loss (training loss when there is no validation part); 0 and None when no
        epoch was completed.
    history
        The rows of the log.
    seconds
        Time in steps and validation, over all sittings; writing checkpoints is not in it.
    per_epoch
        Mean seconds of an epoch, validation included; None when no epoch was completed.
    per_step_median
        Median seconds of a step (median over the epochs' medians).
    threads
        CPU threads that torch used.
    kernel
        Name of the kernel that computed the cells; None for a network without cells.
    notes
        What a person should know.
    """

    status: str
    epochs_run: int
    best_epoch: int
    best_loss: float | None
    history: list[dict[str, Any]]
    seconds: float
    per_epoch: float | None
    per_step_median: float | None
    steps: int
    threads: int
    kernel: str | None = None
    notes: tuple[str, ...] = ()


def train(
    network: nn.Module,
    task: TrainingTask,
    settings: TrainSettings,
    *,
    seeds: Seeds,
    folder: RunFolder | None = None,
    progress: Progress | None = None,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
    watcher: Watcher | None = None,
) -> Trained:
    """Train `network` on `task`, going on from the folder's checkpoint when there is one.

    With several processes (``settings.processes``) each calls this with the same network and task, and all end with the
    same weights; only process 0 has a folder, a progress and a watcher.

    The network is changed in place and ends in evaluation mode, with the weights of the best epoch
    (``settings.restore_best``). On a CPU a run that was stopped and went on ends with the same numbers, to the last
    bit, as one that never stopped.

    Parameters
    ----------
    network
        Made by the caller from ``seeds.init_generator()``, with its own ``seeds.dropout_generator()``.
    seeds
        Seeds of the run; the loop takes the order of the batches from them.
    folder
        Where log and checkpoints go; nothing is written without it. The caller holds its lock.
    on_epoch
        Called with every new row of the log.
    watcher
        Looks at the network while it learns, e.g. to write a sample.

    Raises
    ------
    DivergedError
        If a loss or gradient is no longer finite; names epoch, step, and the first tensor.
    SettingsError
        If the device is not there, or the folder's checkpoint is of a run with other settings.
    OutputError
        If log or checkpoint cannot be written.
    GatewiseError
        If another process of the training is gone.
    """
    checkpoint = read_checkpoint(folder.checkpoint_path) if folder else None
    with joined(settings) as group:
        if group:
            checkpoint = group.checkpoint_of_first(checkpoint)
            on_epoch, watcher = (None, None) if group.rank else (on_epoch, watcher)
        threads = threads_to_use(settings, checkpoint) or (threads_of_each(settings) if group else None)
        with cpu_threads(threads), denormals_flushed(), Interrupts() as interrupts:
            training = _Training(
                network, task, settings, seeds, folder, progress or Silent(), on_epoch, watcher, group, interrupts
            )
            trained = training.run(checkpoint)
        if group and group.helps:
            raise HelperDone(trained.status)
        return trained


class _Training:
    """One call of :func:`train`: its parts, made once, and the loop over them."""

    def __init__(
        self,
        network: nn.Module,
        task: TrainingTask,
        settings: TrainSettings,
        seeds: Seeds,
        folder: RunFolder | None,
        progress: Progress,
        on_epoch: Callable[[dict[str, Any]], None] | None,
        watcher: Watcher | None,
        group: Group | None,
        interrupts: Interrupts,
    ) -> None:
        if group and not isinstance(task, SharedTask):
            raise SettingsError(f"processes: {type(task).__name__} cannot share its batches: set it to 1")
        self.group, self.interrupts = group, interrupts
        self.device = choose_device(settings.device)
        network = network.to(self.device, DTYPES[settings.precision])
        steps = len(task.plan(seeds.order_generator(1)))
        if steps == 0:
            raise DataError("the training part has no batch: give more data or a smaller batch_size")
        self.network, self.task, self.settings, self.seeds, self.steps = network, task, settings, seeds, steps
        self.folder, self.progress, self.on_epoch, self.watcher = folder, progress, on_epoch, watcher
        self.limit = math.inf if settings.minutes is None else 60 * settings.minutes  # seconds
        self.optimizer = create_optimizer(parameter_groups(network), settings)
        self.base_rates: list[float] = [group["lr"] for group in self.optimizer.param_groups]
        self.schedule = create_schedule(settings)
        self.stopping = EarlyStopping(settings.patience, settings.min_delta)
        with autocast(settings, self.device):
            kernel = kernel_in_use(network.train())
        average = WeightAverage(network, settings.averaging) if settings.averaging else None
        run = identity(network, settings, seeds, steps)
        self.session = Session(network, self.optimizer, self.schedule, self.stopping, run, kernel, average)
        self.last_checkpoint = time.monotonic()
        self.notes: tuple[str, ...] = ()

    def run(self, checkpoint: Checkpoint | None) -> Trained:
        """Train until the epochs, the patience or the user end it."""
        session, settings = self.session, self.settings
        if checkpoint:
            session.restore(checkpoint)
            self.notes = checkpoint.notes
        if self.group:
            self.group.begin(self.network, session.seconds)
        if self.folder:
            self.folder.write_log(session.history)
        timed = settings.minutes is not None
        self.progress.start(
            epochs=None if timed else settings.epochs, steps_per_epoch=self.steps, steps_done=session.steps
        )
        try:
            while not self.over and not self.asked:
                self.train_epoch()
                if session.step == self.steps or (session.step and self.time_is_up):
                    self.end_epoch()
                self.save()
        finally:
            self.progress.stop()
        if settings.restore_best and session.best:
            self.network.load_state_dict(session.best, strict=False)  # what is frozen is as it was
        elif session.average:
            self.network.load_state_dict(session.average.tensors(), strict=False)  # it has no buffers
        self.network.eval()
        return self.outcome("finished" if self.over else "interrupted")

    @property
    def asked(self) -> bool:
        """Whether the user wants to stop; processes learn of it together, at the next step."""
        return self.group.asked if self.group else self.interrupts.asked

    @property
    def clock(self) -> float:
        """Seconds of training; processes go by the first one's clock, as of the last step."""
        return self.group.seconds if self.group else self.session.seconds

    @property
    def time_is_up(self) -> bool:
        """Whether the minutes that were given are over."""
        return self.clock >= self.limit

    @property
    def over(self) -> bool:
        """Whether there is nothing left to do."""
        ended = self.settings.minutes is None and self.session.epoch >= self.settings.epochs
        return ended or self.time_is_up or self.stopping.done

    @property
    def share(self) -> float:
        """How much of the longest possible run is done, by the clock when it ends by the clock."""
        if self.settings.minutes is None:
            return self.session.steps / (self.settings.epochs * self.steps)
        return min(self.clock / self.limit, 1.0)

    def train_epoch(self) -> None:
        """Make the steps of an epoch that are left."""
        session = self.session
        plan = self.task.plan(self.seeds.order_generator(session.epoch + 1))
        self.network.train()
        for key in plan[session.step :]:
            start = time.perf_counter()
            loss = self.make_step(key)
            size = self.task.batch_size_of(key)
            session.loss_sum += loss * size
            session.examples += size
            session.step += 1
            session.step_seconds.append(time.perf_counter() - start)
            before = session.seconds
            session.seconds += session.step_seconds[-1]
            self.progress.step(epoch=session.epoch + 1, loss=session.loss_sum / session.examples)
            if self.watcher and self.watcher.due(before, session.seconds):
                with self.as_judged():
                    self.watcher.look(
                        self.network, epoch=session.epoch + 1, step=session.steps, seconds=session.seconds
                    )
            if self.asked or self.time_is_up:
                return
            if session.step < self.steps and (self.group.due if self.group else self.due):
                self.save()

    @property
    def due(self) -> bool:
        """Whether the last checkpoint is old."""
        return bool(self.folder) and time.monotonic() - self.last_checkpoint >= self.settings.checkpoint_seconds

    def make_step(self, key: Any) -> float:
        """Change the weights by one batch and return its loss."""
        start = time.perf_counter()
        session, network, dropout = self.session, self.network, self.session.dropout
        factor = self.schedule.factor(self.share)
        for group, base in zip(self.optimizer.param_groups, self.base_rates, strict=True):
            group["lr"] = base * factor
        share = self.group.share(self.task, key) if self.group and isinstance(self.task, SharedTask) else None
        batch = place(self.task.batch(share.key if share else key), network)
        masks = dropout.get_state() if dropout else None

        def compute_loss() -> Tensor:
            with autocast(self.settings, self.device), share.masks() if share else nullcontext():
                return self.task.loss(network, batch)

        self.optimizer.zero_grad()
        loss = compute_loss()
        value = loss.item()
        if math.isfinite(value):
            loss.backward()  # type: ignore[no-untyped-call]
        if share:
            value = self.combine(share, batch, value, time.perf_counter() - start)
        if not math.isfinite(value) or not gradients_finite(network):
            if dropout and masks is not None:
                dropout.set_state(masks)  # the search repeats the step as it was
            found = first_not_finite(network, batch, compute_loss)
            if self.group:  # it may have begun in the rows of another process
                found = min(self.group.say(found), key=lambda text: text == NOWHERE)
            where = f"epoch {session.epoch + 1}, step {session.step + 1} of {self.steps}"
            raise diverged(found, where=where, rate=self.base_rates[0] * factor)
        look = is_sampled(session.step, self.steps)
        session.gradient_norms += clip(network, self.settings.clip_norm, look=look)
        self.optimizer.step()
        if session.average:
            session.average.update(session.steps + 1)
        return value

    def combine(self, share: Share, batch: Any, loss: float, seconds: float) -> float:
        """Make the gradients those of the whole batch, and return its loss."""
        assert self.group is not None
        assert isinstance(self.task, SharedTask)
        return self.group.combine(
            self.network,
            loss,
            0.0 if share.idle else self.task.weight(batch),
            asked=self.interrupts.asked,
            due=self.due,
            seconds=self.session.seconds + seconds,
        )

    @contextmanager
    def as_judged(self) -> Iterator[None]:
        """Let the network be, while the block runs, as it would be used if training ended now."""
        average = self.session.average
        self.network.eval()
        with average.in_place() if average else nullcontext(), torch.no_grad(), autocast(self.settings, self.device):
            yield
        self.network.train()

    def end_epoch(self) -> None:
        """Validate, log, and keep the weights when they are the best so far."""
        session, network = self.session, self.network
        start = time.perf_counter()
        epoch, train_loss = session.epoch + 1, session.loss_sum / session.examples
        rate: float = self.optimizer.param_groups[0]["lr"]
        if self.group:
            self.group.gather_rows(network)
        with self.as_judged():
            validation = self.task.validation_loss(network)
            if self.group:
                validation = self.group.agree(validation)
            deciding = train_loss if validation is None else validation
            if not math.isfinite(deciding):
                raise diverged_in_validation(network, deciding, epoch=epoch, rate=rate)
            best = self.stopping.improves(deciding, epoch)
            if best and self.settings.restore_best:
                session.best = {name: tensor.detach().clone() for name, tensor in learned(network).items()}
        self.schedule.end_epoch(deciding)
        judging = time.perf_counter() - start
        session.seconds += judging
        row = {
            "epoch": epoch,
            "train_loss": train_loss,
            "validation_loss": validation,
            **getattr(self.task, "figures", {}),
            "learning_rate": rate,
            "gradient_norm": median(session.gradient_norms),
            "seconds": math.fsum(session.step_seconds) + judging,
            "steps": session.step,
            "step_ms_median": 1000 * statistics.median(session.step_seconds),
            "best": best,
        }
        session.begin_epoch_after(row)
        if self.folder:
            self.folder.append_log(row)
        self.progress.end_epoch(row)
        if self.on_epoch:
            self.on_epoch(row)

    def save(self) -> None:
        """Write a checkpoint, when there is a folder."""
        if self.group:
            self.group.gather_rows(self.network)
        if self.folder:
            write_checkpoint(self.folder.checkpoint_path, self.session.tensors(), self.session.facts())
            self.last_checkpoint = time.monotonic()

    def outcome(self, status: str) -> Trained:
        """Gather what the training came to."""
        session, history, notes = self.session, self.session.history, self.notes
        medians = [row["step_ms_median"] / 1000 for row in history] or session.step_seconds
        ends_early = self.settings.patience is not None
        decided = ["chose the epoch"] * self.settings.restore_best + ["ended the training"] * ends_early
        if decided and history and history[0]["validation_loss"] is None:
            notes = (*notes, f"no validation part: the training loss {' and '.join(decided)}")
        return Trained(
            status=status,
            epochs_run=session.epoch,
            best_epoch=self.stopping.best_epoch,
            best_loss=None if math.isinf(self.stopping.best) else self.stopping.best,
            history=history,
            seconds=session.seconds,
            per_epoch=statistics.fmean(row["seconds"] for row in history) if history else None,
            per_step_median=statistics.median(medians) if medians else None,
            steps=session.steps,
            threads=torch.get_num_threads(),
            kernel=session.kernel,
            notes=notes,
        )
