"""Evidence in another language than it was written in: names, notes and findings, said again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gatewise.errors import InputError
from gatewise.report.evidence import Evidence, Level, show_main, show_setting
from gatewise.studies.folder import StudyFolder
from gatewise.studies.retold import retold_claims, retold_findings
from gatewise.studies.words import label_of
from gatewise.wording import again, isolated, language, say


def spoken_in(folder: Path) -> str:
    """Return the language that a study was compared in; English of everything else."""
    study = StudyFolder(folder)
    try:
        return str(study.read_comparison().get("language") or "en") if study.is_compared else "en"
    except InputError:
        return "en"


def translated(evidence: Evidence, folder: Path) -> Evidence:
    """Return evidence in this block's language; as it is when it was written in that one."""
    spoken = spoken_in(folder)
    if language() == spoken == "en":
        return evidence
    names = {level.label: _label(level) for level in evidence.levels}
    names |= {str(row["label"]): label_of(str(row["label"]), row.get("levels") or {}) for row in evidence.diverged}
    said = replace(
        evidence,
        question=again(evidence.question),
        levels=tuple(_level(level, evidence.main, names) for level in evidence.levels),
        against_baseline=tuple(_named(row, names) for row in evidence.against_baseline),
        diverged=tuple(_named(row, names) for row in evidence.diverged),
        failed=tuple({**row, "run": _run(str(row.get("run")), names)} for row in evidence.failed),
        notes=tuple(again(note) for note in evidence.notes),
        test=again(evidence.test),
        decided=_decided(evidence.decided, names),
        intervals={names.get(label, label): found for label, found in evidence.intervals.items()},
    )
    if not evidence.is_study:
        return said
    study = StudyFolder(folder)
    tree = study.read_comparison()
    return replace(said, findings=tuple(retold_findings(study, tree)), claims=tuple(retold_claims(study, tree)))


def _label(level: Level) -> str:
    cell, on, encoder = level.label.partition(" on ")
    if on and set(level.settings) == {"model.cell"}:  # a run that stands alone
        return say("page.cell_on", cell=cell, encoder=encoder)
    return label_of(level.label, level.settings)


def _level(level: Level, main: str, names: Mapping[str, str]) -> Level:
    conditions = [isolated(show_setting(key, value)) for key, value in level.settings.items() if main not in (key, "")]
    return replace(
        level,
        label=names[level.label],
        main=show_main(main, level.settings[main]) if main in level.settings else names[level.label],
        condition=say("words.comma").join(conditions),
    )


def _decided(decided: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Name the settings of the fronts of quality against cost as the levels are named."""
    found = decided.get("pareto")
    if not found:
        return dict(decided)
    fronts = {cost: [names.get(label, label) for label in labels] for cost, labels in found["fronts"].items()}
    points = [_named(point, names) for point in found["points"]]
    return {**decided, "pareto": {**found, "points": points, "fronts": fronts}}


def _named(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {**row, "label": names.get(str(row.get("label")), row.get("label"))}


def _run(name: str, names: Mapping[str, str]) -> str:
    found = re.fullmatch(r"(.*), seed (\d+)", name)
    return say("page.run_of_seed", label=names.get(found[1], found[1]), seed=int(found[2])) if found else name
