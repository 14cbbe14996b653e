"""What a paper needs of a study: methods, a table, references, and how to run it again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatewise.metrics.names import NAMES, is_higher_better, metric_phrase
from gatewise.registry import spoken
from gatewise.report.evidence import Evidence, Level
from gatewise.report.references import bibtex
from gatewise.report.words import baseline_title, capital, metric_title, number, percent, spread
from gatewise.studies.words import level_name, setting_name, setting_value
from gatewise.wording import digits, isolated, listed, plain_digits, say

#: Columns of the table beside the metric that judges; a wider one does not fit a page of a paper.
_MOST_COLUMNS = 4
_MOST_NAMED = 6
_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "−": "$-$", "±": r"$\pm$", "²": "$^2$",
    "\N{NO-BREAK SPACE}": "~",
}  # fmt: skip


@dataclass(frozen=True)
class Paper:
    """Texts that are ready to be pasted.

    Attributes
    ----------
    frame : how the numbers should be read: leakage, number of comparisons, budget of tuning.
    """

    methods: str
    frame: str
    table: str
    references: str
    again: tuple[str, ...]


def paper(evidence: Evidence) -> Paper:
    """Make all of it from what a study or a run wrote."""
    return Paper(methods(evidence), frame(evidence), latex_table(evidence), bibtex(evidence), run_again(evidence))


def methods(evidence: Evidence) -> str:
    """Return one paragraph: data, split, training, budget, judgement, tests, software and hardware."""
    settings = evidence.settings
    data, split = (settings.get(room) or {} for room in ("data", "split"))
    files = listed(Path(str(file)).name for file in data.get("files") or ()) or say("words.unknown")
    said = [_compared(evidence), say("methods.data", files=files)]
    if evidence.task == "forecast" and data.get("window"):
        told = {key: _value(evidence, f"data.{key}") for key in ("window", "horizon", "transform")}
        said.append(say("methods.window", **told, offset=_value(evidence, "data.target_offset")))
    if split.get("test"):
        parts = {part: percent(float(split[part] or 0), 0) for part in ("test", "validation")}
        said.append(say(f"methods.split.{spoken(evidence.task)}", kind=_value(evidence, "split.kind"), **parts))
    said += [say("methods.leaking")] * evidence.leaking + _training(evidence)
    if evidence.search:
        said.append(say("methods.search", trials=_trials(evidence)))
    names = listed(baseline_title(name) for name in evidence.baselines) or say("words.unknown")
    said.append(say("methods.judged", metric=metric_phrase(evidence.metric), baselines=names))
    if evidence.comparisons:
        said.append(say("methods.test", test=evidence.test, pairs=len(evidence.comparisons)))
    said += [say("methods.one_seed")] * (len(_seeds(evidence)) == 1)
    return " ".join([*said, *_equipment(evidence)])


def _compared(evidence: Evidence) -> str:
    seeds = _seeds(evidence)
    runs = len({run.path for level in evidence.levels for run in level.runs})
    names = dict.fromkeys(
        level_name(evidence.main, level.settings[evidence.main]) if evidence.main in level.settings else level.main
        for level in evidence.levels
    )
    mains = [*list(names)[:_MOST_NAMED], *["…"] * (len(names) > _MOST_NAMED)]
    if not evidence.is_study:
        return say("methods.run", levels=listed(mains), which=", ".join(map(str, seeds)))
    factors = listed(dict.fromkeys(setting_name(name) for level in evidence.levels for name in level.settings))
    which = digits(", ".join(str(seed) for seed in seeds[:20])).replace("٬ ", "، ")
    return say(
        "methods.study",
        levels=listed(mains),
        factors=factors or say("words.unknown"),
        runs=number(runs),
        seeds=len(seeds),
        which=which,
    )


def _training(evidence: Evidence) -> list[str]:
    if not evidence.settings.get("train"):
        return []
    value = {key: _value(evidence, f"train.{key}") for key in ("loss", "optimizer", "learning_rate", "batch_size")}
    patience = ""
    if (evidence.settings.get("train") or {}).get("patience") is not None:
        patience = say("methods.patience", patience=_value(evidence, "train.patience"))
    return [
        say(
            "methods.training",
            loss=value["loss"],
            optimizer=value["optimizer"],
            rate=value["learning_rate"],
            batch=value["batch_size"],
            epochs=_value(evidence, "train.epochs"),
            patience=patience,
        )
    ]


def _value(evidence: Evidence, path: str) -> str:
    """Return a setting as text; one that differs between the runs is said to be varied."""
    values = []
    for level in evidence.levels:
        tree: Any = level.runs[0].read_settings() if level.runs else evidence.settings
        for part in path.split("."):
            tree = tree.get(part) if isinstance(tree, Mapping) else None
        values.append(tree)
    if any(value != values[0] for value in values):
        return say("methods.varied")
    return say("names.value.default") if values[0] is None else setting_value(values[0])


def _seeds(evidence: Evidence) -> list[int]:
    named = evidence.study.get("seeds")
    if isinstance(named, list):
        return [int(seed) for seed in named]
    most = max((len(level.runs) for level in evidence.levels), default=0)
    return list(range(most)) if evidence.is_study else [int(evidence.settings.get("seed") or 0)]


def _trials(evidence: Evidence) -> str:
    levels = (evidence.search or {}).get("levels") or ()
    return number(max((int(level.get("trials") or 0) for level in levels), default=0))


def _equipment(evidence: Evidence) -> list[str]:
    if not evidence.environments:
        return []
    first = evidence.environments[0]
    packages = {"Python": first.get("python"), **(first.get("packages") or {})}
    software = say("words.comma").join(isolated(f"{name} {version}") for name, version in packages.items() if version)
    cpu = first.get("cpu") or {}
    return [
        say(
            "methods.equipment",
            software=software,
            cpu=str(cpu.get("model")),
            cores=number(cpu.get("cores")),
            memory=number(first.get("memory_gib"), 3),
        )
    ]


def frame(evidence: Evidence) -> str:
    """Return how the numbers should be read; nothing of a run that stands alone."""
    if not evidence.is_study:
        return ""
    rows = evidence.comparisons
    families = len({(str(row.get("condition")), row.get("metric")) for row in rows})
    said = [say("methods.frame.leaks" if evidence.leaking else "methods.frame.clean")]
    if rows:
        alpha = float((evidence.study.get("study") or {}).get("alpha") or 0.05)
        wrong = digits(f"{alpha * families:.2g}")
        said.append(say("methods.frame.pairs", n=len(rows), families=families, wrong=wrong))
    tuned = evidence.search is not None
    said.append(say("methods.frame.tuned", trials=_trials(evidence)) if tuned else say("methods.frame.untuned"))
    return " ".join(said)


def columns(evidence: Evidence) -> list[str]:
    """Return the metrics of the table: the one that judges, those compared beside it, then the first others."""
    known = [name for name in NAMES if any(name in level.metrics for level in evidence.levels)]
    compared = dict.fromkeys(str(row.get("metric")) for row in evidence.comparisons)
    return list(dict.fromkeys(name for name in (evidence.metric, *compared, *known) if name in known))[:_MOST_COLUMNS]


def is_decided(evidence: Evidence, level: Level, metric: str) -> bool:
    """Whether a level is shown to be better than every other one of its condition by a metric."""
    mine = level.settings.get(evidence.main)
    others = {name: value for name, value in level.settings.items() if name != evidence.main}
    rows = [
        row
        for row in evidence.comparisons
        if row.get("metric", evidence.metric) == metric
        and dict(row.get("condition") or {}) == others
        and mine in (row.get("a"), row.get("b"))
    ]
    wanted = (row.get("says") == ("better" if row.get("a") == mine else "worse") for row in rows)
    return bool(rows) and all(wanted)


def latex_table(evidence: Evidence) -> str:
    """Return a table with booktabs: mean and spread, bold only what is decided."""
    names = columns(evidence)
    arrows = [r"$\uparrow$" if is_higher_better(name) else r"$\downarrow$" for name in names]
    heads = [
        say("verdict.summary.setting"),
        *(f"{escaped(metric_title(name))} {arrow}" for name, arrow in zip(names, arrows, strict=True)),
    ]
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escaped(_caption(evidence))}}}",
        rf"\label{{tab:{_slug(evidence.name)}}}",
    ]
    lines += [rf"\begin{{tabular}}{{l{'r' * len(names)}}}", r"\toprule", " & ".join(heads) + r" \\", r"\midrule"]
    for level in evidence.levels:
        cells = [_cell(evidence, level, name) for name in names]
        lines.append(" & ".join([escaped(level.label), *cells]) + r" \\")
    if evidence.baselines:
        lines.append(r"\midrule")
    for name, values in evidence.baselines.items():
        cells = [escaped(number(values.get(key))) for key in names]
        lines.append(" & ".join([escaped(capital(baseline_title(name))), *cells]) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def _cell(evidence: Evidence, level: Level, metric: str) -> str:
    text = escaped(spread(level.metrics.get(metric)))
    return rf"\textbf{{{text}}}" if is_decided(evidence, level, metric) else text


def _caption(evidence: Evidence) -> str:
    if evidence.is_study and len(_seeds(evidence)) > 1:
        return say("methods.caption.many", name=evidence.name, seeds=len(_seeds(evidence)), test=evidence.test)
    return say("methods.caption.one", name=evidence.name)


def escaped(text: str) -> str:
    r"""Write a text as LaTeX reads it, with Latin digits.

    Examples
    --------
    >>> print(escaped("95.41 ± 6.2, 5 %"))
    95.41 $\pm$ 6.2, 5 \%
    """
    return "".join(_SPECIAL.get(letter, letter) for letter in plain_digits(text))


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower() or "study"


def run_again(evidence: Evidence) -> tuple[str, ...]:
    """Return the command, versions, digests of the data and seeds, a line each."""
    packages: Mapping[str, Any] = (evidence.environments[0].get("packages") or {}) if evidence.environments else {}
    versions = ", ".join(f"{name} {version}" for name, version in packages.items() if version)
    read: Mapping[str, Any] = evidence.study.get("digests") or {}
    digests = list(read.values()) or [one["data_digest"] for one in evidence.environments if one.get("data_digest")]
    runs = list(dict.fromkeys(run.path.name for level in evidence.levels for run in level.runs))
    shown = runs[:_MOST_NAMED] + ["…"] * (len(runs) > _MOST_NAMED)
    lines = [
        say("methods.again.command", command=evidence.command),
        say("methods.again.versions", versions=versions or say("words.unknown")),
        *(say("methods.again.data", digest=str(digest)) for digest in dict.fromkeys(digests)),
        say("methods.again.seeds", seeds=", ".join(map(str, _seeds(evidence)))),
        say("methods.again.runs", runs=", ".join(shown)),
    ]
    return (*lines, *([say("methods.again.settings")] if evidence.is_study else []))
