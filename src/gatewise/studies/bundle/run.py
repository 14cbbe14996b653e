"""Running a study made of studies: one part after another, then the claims over all of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatewise.errors import GatewiseError, InputError, InterruptedRunError, RunLockedError, SettingsError
from gatewise.runs import RunFolder
from gatewise.studies.bundle.library import Bundle, Part
from gatewise.studies.claims import judge
from gatewise.studies.claims_ground import Ground
from gatewise.studies.claims_settings import spoken
from gatewise.studies.folder import FORMAT_VERSION, BundleFolder, StudyFolder
from gatewise.studies.levels import read_levels
from gatewise.studies.plan import Plan, plan_study
from gatewise.studies.rules import Rules
from gatewise.studies.settings import StudySettings
from gatewise.wording import say, speaking

#: Runs a study in a folder, as :func:`gatewise.studies.run_study` does.
Do = Callable[[StudySettings, Path], Mapping[str, Any]]


@dataclass(frozen=True)
class PlannedPart:
    """A part with its plan; no plan when it is left out."""

    part: Part
    plan: Plan | None

    def to_json(self) -> dict[str, Any]:
        """Return the part as it stands in ``studies.json``."""
        part, plan = self.part, self.plan
        return {
            "name": part.name,
            "study": part.study.name if part.study else None,
            "title": part.title,
            "figure": part.figure,
            "folder": f"parts/{part.name}",
            "data": part.data,
            "stand_in": part.stand_in,
            "no_figures": part.no_figures,
            "absent": dict(part.absent),
            "left_out": part.left_out,
            "runs": len({run.fingerprint for run in plan.runs}) if plan else 0,
            "timing": len({run.fingerprint for run in plan.timing}) if plan else 0,
            "seeds": len(plan.study.seed_numbers) if plan else 0,
            "warnings": list(plan.warnings) if plan else [],
        }


def plan_bundle(bundle: Bundle, digest: Callable[[Any], str] | None = None) -> list[PlannedPart]:
    """Plan every part; its data are read.

    Raises
    ------
    InputError
        With one line for everything that cannot be used, of all parts at once.
    """
    planned, problems = [], []
    for part in bundle.parts:
        try:
            planned.append(PlannedPart(part, plan_study(part.study, digest) if part.study else None))
        except InputError as error:
            problems += [f"{part.name}: {line}" for line in str(error).splitlines()]
    if problems:
        kind = SettingsError if len(problems) > 1 else InputError
        raise kind("\n".join(problems))
    return planned


def run_bundle(
    bundle: Bundle,
    folder: str | os.PathLike[str],
    do: Do,
    *,
    digest: Callable[[Any], str] | None = None,
    told: Callable[[str], None] | None = None,
    fail_fast: bool = False,
) -> dict[str, Any]:
    """Run what is missing of every part, judge the claims, and return what ``gatewise study --json`` prints.

    A run that an earlier part has finished already (the same settings and data) is taken from there.

    Parameters
    ----------
    do
        Runs a part in its folder: :func:`gatewise.studies.run_study` with its options.
    told
        Hears which part begins, and what went wrong with one.
    fail_fast
        Stop at the first part that comes to nothing; the others go on otherwise.

    Returns
    -------
    dict
        ``name``, ``folder``, ``page`` (None: the report makes it), ``parts``, ``claims``, ``failed``.

    Raises
    ------
    InputError
        Before anything is written, if data or settings cannot be used.
    RunLockedError
        If another process works in this folder.
    InterruptedRunError
        After Ctrl-C or SIGTERM, when all has been saved; the same call goes on.
    """
    place = BundleFolder(folder)
    planned = plan_bundle(bundle, digest)
    errors: dict[str, str] = {}
    tell = told or (lambda _: None)
    with speaking(bundle.settings.language), place.lock():
        place.write(_tree(bundle, planned, errors))
        for number, one in enumerate(planned, start=1):
            if one.plan is None:
                tell(say("bundle.left_out", part=one.part.name, why=one.part.left_out))
                continue
            tell(say("bundle.begins", part=one.part.name, number=number, of=len(planned)))
            _borrow(one.plan, place.part(one.part.name), place)
            try:
                do(one.plan.study, place.part(one.part.name).path)
            except (InterruptedRunError, RunLockedError):
                raise
            except GatewiseError as error:  # a part that comes to nothing does not stop the others
                if fail_fast:
                    raise
                errors[one.part.name] = str(error)
                tell(say("bundle.failed", part=one.part.name, why=str(error)))
        tree = judge_bundle(place, bundle, planned, errors)
        place.write(tree)
    return {
        "name": bundle.settings.name,
        "folder": str(place.path),
        "page": None,
        "parts": tree["parts"],
        "claims": tree["claims"],
        "failed": [
            *({"part": name, "error": error} for name, error in errors.items()),
            *({"part": one.part.name, "error": error} for one in planned for error in _failures(one, place)),
        ],
    }


def _failures(one: PlannedPart, place: BundleFolder) -> list[str]:
    """Return why single runs of a part failed; a loss that is no longer finite is an answer, not a failure."""
    folder = place.part(one.part.name)
    if one.plan is None or not folder.is_compared:
        return []
    diverged = folder.read_diverged()
    return [error for key, error in folder.read_failures().items() if key not in diverged]


def judge_bundle(
    place: BundleFolder, bundle: Bundle, planned: list[PlannedPart], errors: Mapping[str, str]
) -> dict[str, Any]:
    """Judge the claims from the folders of the parts, and return what ``studies.json`` holds."""
    tree = _tree(bundle, planned, errors)
    grounds = {part.name: _ground(part, place.part(part.name), errors.get(part.name, "")) for part in bundle.parts}
    tree["claims"] = [
        {**judge(claim, grounds[claim.part]), "part": claim.part}
        for claim in bundle.settings.claims
        if claim.part in grounds
    ]
    for entry, part in zip(tree["parts"], bundle.parts, strict=True):
        entry["claims"] = [judge(claim, grounds[part.name]) for claim in part.claims]
    return tree


def _tree(bundle: Bundle, planned: list[PlannedPart], errors: Mapping[str, str]) -> dict[str, Any]:
    settings = bundle.settings
    return {
        "format_version": FORMAT_VERSION,
        "name": settings.name,
        "question": spoken(settings.question),
        "report": spoken(settings.report),
        "language": bundle.settings.language,
        "preset": bundle.preset,
        "parts": [{**one.to_json(), "error": errors.get(one.part.name), "claims": []} for one in planned],
        "claims": [],
    }


def _ground(part: Part, folder: StudyFolder, error: str) -> Ground:
    """Return the runs of a part; of one that did not run, only why not."""
    if part.study is None or not folder.is_compared:
        why = say("claims.why.part_missing", part=part.name, why=part.left_out or error)
        return Ground([], None, part.study.metric if part.study else "", whole=why)
    study = folder.read_study()
    levels = read_levels(folder, study)
    return Ground(
        levels,
        study["main"],
        study["metric"],
        folder.read_comparison()["diverged"],
        Rules.of(study),
        part.absent,
        part.no_figures,
        part.stand_in,
    )


def _borrow(plan: Plan, folder: StudyFolder, place: BundleFolder) -> None:
    """Take runs that another part has finished: equal settings and data give equal numbers."""
    others = [one for one in place.parts() if one.path != folder.path]
    for run in dict.fromkeys(run.fingerprint for run in plan.runs):
        _copy_finished(folder.run(run), [one.run(run) for one in others])
    for run in dict.fromkeys(run.fingerprint for run in plan.timing):
        _copy_finished(folder.timing(run), [one.timing(run) for one in others])


def _copy_finished(mine: RunFolder, theirs: list[RunFolder]) -> None:
    found = next((one for one in theirs if one.is_finished), None)
    if found is None or mine.path.exists():
        return
    half = mine.path.with_name(f".{mine.path.name}.copied")
    shutil.rmtree(half, ignore_errors=True)
    shutil.copytree(found.path, half, ignore=shutil.ignore_patterns("lock"))
    half.replace(mine.path)
