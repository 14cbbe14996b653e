"""Can these runs be held against one another? What has to be the same, and on what they ran."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from gatewise.registry import read_task
from gatewise.runs import RunFolder
from gatewise.runs.find import flatten

#: Kinds of seeds: runs that differ in these alone are the same setting.
SEEDS = ("seed", "init_seed", "order_seed", "dropout_seed")
#: Says nothing about the numbers: names and places, and when checkpoints are written.
_ASIDE = ("name", "train.checkpoint_seconds", "data.files", "data.validation_files", "data.test_files")
#: Of the environment, what belongs to one run alone.
_OF_ONE_RUN = ("fingerprint", "data_digest", "kernel")
_FILES = ("data.files", "data.validation_files", "data.test_files")


@dataclass(frozen=True)
class Ran:
    """One finished run, read.

    Attributes
    ----------
    settings : flat, by dotted names.
    study : content of ``study.json`` of the study around it; None when it stands alone.
    planned : its row in that study.
    """

    folder: RunFolder
    settings: Mapping[str, Any]
    result: Mapping[str, Any]
    environment: Mapping[str, Any]
    study: Mapping[str, Any] | None = None
    planned: Mapping[str, Any] | None = None

    @property
    def seed(self) -> tuple[Any, ...]:
        """All seeds of the run; runs are paired by them."""
        return tuple(self.settings.get(name) for name in SEEDS)

    @property
    def setting(self) -> dict[str, Any]:
        """The settings without seeds, names and places."""
        return {name: value for name, value in self.settings.items() if name not in (*SEEDS, *_ASIDE)}

    @property
    def digest(self) -> str | None:
        """What the data are, by their content; None where an older version wrote the run."""
        found = self.environment.get("data_digest")
        return None if found is None else str(found)


def unlike(runs: Sequence[Ran]) -> list[tuple[str, str]]:
    """Return in what runs differ that makes their numbers hard to compare: ``data``, ``split``, ``test``, and how."""
    found = []
    digests = {run.digest for run in runs}
    if None not in digests:
        if len(digests) > 1:
            found.append(("data", _spread(_files(run) for run in runs)))
    elif len({_files(run) for run in runs}) > 1:
        found.append(("data", _spread(_files(run) for run in runs)))
    splits = [
        {
            name: value
            for name, value in run.settings.items()
            if name.startswith("split.") and name != "split.train_size"
        }
        for run in runs
    ]
    names = [name for name in dict.fromkeys(key for one in splits for key in one) if _several(splits, name)]
    found += [("split", f"{name}: {_spread(str(one.get(name)) for one in splits)}") for name in names]
    tests = [_test_part(run) for run in runs]
    if len(set(tests)) > 1:
        found.append(("test", _spread(tests)))
    return found


def environments(runs: Sequence[Ran]) -> dict[str, dict[str, int]]:
    """Return what the runs ran on where that differs: each thing, its values, and how many runs had each."""
    flat = [
        {name: value for name, value in flatten(run.environment).items() if name not in _OF_ONE_RUN} for run in runs
    ]
    names = dict.fromkeys(name for one in flat for name in one)
    return {
        name: dict(Counter(str(one.get(name)) for one in flat).most_common()) for name in names if _several(flat, name)
    }


def _files(run: Ran) -> str:
    places = [place for name in _FILES for place in run.settings.get(name) or ()]
    return " and ".join(PurePath(place).name for place in places) or "none"


def _test_part(run: Ran) -> str:
    """Tell a test part by its size and by what the task's own baseline, which has no chance in it, reaches there."""
    name = read_task(run.settings).baseline
    baselines = run.result.get("baselines") or {}
    figures = (baselines.get(name) or {}).get("test") or {}
    first = next(((key, value) for key, value in figures.items() if value is not None), None)
    size = (run.result.get("sizes") or {}).get("test")
    said = [] if size is None else [f"{size:,} examples"]
    said += [] if first is None else [f"{name} {first[0]} {first[1]:.6g}"]
    return ", ".join(said)


def _several(rows: Sequence[Mapping[str, Any]], name: str) -> bool:
    first = rows[0].get(name)
    return any(row.get(name) != first for row in rows)


def _spread(values: Any, most: int = 4) -> str:
    counted = Counter(values).most_common()
    shown = [f"{value or '?'} ({count} run{'' if count == 1 else 's'})" for value, count in counted[:most]]
    return "; ".join(shown) + (f"; and {len(counted) - most} more" if len(counted) > most else "")
