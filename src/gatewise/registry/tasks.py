"""The jobs: for each, what studies, reports and the command line need to know of it. All of it stands here alone."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from gatewise.errors import SettingsError, UnknownNameError
from gatewise.registry.outside import is_outside, load_outside, strangers_refused


@dataclass(frozen=True)
class Task:
    """One job; what is a home ("module:attribute") is imported only when asked for.

    A job of a user's own is an object of this class in their own module: ``task: my_module:TASK`` in a study file.

    Attributes
    ----------
    settings : home of the settings of one run.
    study : home of the settings of a study.
    runner : home of what does one run: ``(settings, folder, *, threads, exclusive, progress) -> result``.
    digest : home of what reads and checks a run's data and returns their digest.
    metrics : home of the table of its metrics.
    baseline : the baseline that a network has to beat first.
    name : as settings and results write it; for a job of a user's own its import path.
    size : home of what counts the parameters of its networks, ``(settings) -> (settings) -> int``; none when empty.
    """

    name: str
    summary: str
    settings: str
    study: str
    runner: str
    digest: str
    metrics: str
    baseline: str
    size: str = ""

    def load(self, what: str) -> Any:
        """Import and return one of the homes, e.g. ``load("runner")``."""
        module, attribute = getattr(self, what).split(":")
        return getattr(import_module(module), attribute)


TASKS = {
    task.name: task
    for task in (
        Task(
            name="forecast",
            summary="Forecast one or many series",
            settings="gatewise.settings:ForecastSettings",
            study="gatewise.studies.settings:ForecastStudy",
            runner="gatewise.tasks.forecast:run_forecast",
            digest="gatewise.studies.digests:forecast_digest",
            metrics="gatewise.metrics:FORECAST_METRICS",
            baseline="last_value",
            size="gatewise.studies.sizes:forecast_size",
        ),
        Task(
            name="generate",
            summary="Write text, symbol by symbol",
            settings="gatewise.settings:TextSettings",
            study="gatewise.studies.settings:TextStudy",
            runner="gatewise.tasks.generate:run_text",
            digest="gatewise.studies.digests:text_digest",
            metrics="gatewise.metrics.names:TEXT_NAMES",
            baseline="ngram",
            size="gatewise.studies.sizes:text_size",
        ),
        Task(
            name="classify",
            summary="Say which class a text is of",
            settings="gatewise.settings:ClassifySettings",
            study="gatewise.studies.settings:ClassifyStudy",
            runner="gatewise.tasks.classify:run_classify",
            digest="gatewise.studies.digests:classify_digest",
            metrics="gatewise.metrics.names:CLASS_NAMES",
            baseline="tfidf_logistic",
            size="gatewise.studies.sizes:classify_size",
        ),
    )
}


def read_task(tree: Any) -> Task:
    """Return the task that files name which may be anybody's: nothing is imported for it.

    A task of a user's own is known by its name alone, unless this program has imported its module itself.

    Raises
    ------
    UnknownNameError
        If there is no such task.
    """
    name = tree.get("task", "forecast")
    if not is_outside(name):
        return task_of(tree)
    with strangers_refused():
        try:
            return task_of(tree)
        except SettingsError:
            return Task(name, summary="", settings="", study="", runner="", digest="", metrics="", baseline="")


def spoken(name: str) -> str:
    """Return under which name the catalogue of sentences knows a task: one of a user's own is ``own``.

    Examples
    --------
    >>> spoken("forecast"), spoken("my_task:ADDING")
    ('forecast', 'own')
    """
    return name if name in TASKS else "own"


def task_of(tree: Any) -> Task:
    """Return the task that a tree of settings or results names; forecast where it names none.

    Raises
    ------
    UnknownNameError
        If there is no such task.
    SettingsError
        If the name is an import path, and there is no task.

    Examples
    --------
    >>> task_of({"task": "generate"}).baseline, task_of({}).baseline
    ('ngram', 'last_value')
    """
    name = tree.get("task", "forecast")
    if is_outside(name):
        task = load_outside("task", name)
        if not isinstance(task, Task):
            raise SettingsError(f"task {name!r}: a gatewise.registry.Task is expected there")
        return task
    if not isinstance(name, str) or name not in TASKS:
        raise UnknownNameError("task", str(name), TASKS)
    return TASKS[name]
