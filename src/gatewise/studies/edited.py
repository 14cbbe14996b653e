"""What changed between the study that lives in a folder and the one that is about to run there.

Finished runs are found by their fingerprint, so no edit ever mixes numbers. But a table that quietly loses what took a
night is not what anybody wants: what makes runs train again is refused until it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gatewise.errors import InputError
from gatewise.settings import leaves
from gatewise.studies.folder import StudyFolder
from gatewise.studies.plan import Plan
from gatewise.studies.settings import run_part

#: What a study says beside the settings of its runs, and what makes them other runs.
_DECIDE = ("budget", "search")
_PLACES = ("data.files", "data.validation_files", "data.test_files")
_MOST = 12
#: What a study is compared by, as it stands in ``study.json``.
_PARTS = {"study": dict, "factors": dict, "seeds": list, "runs": list}


@dataclass(frozen=True)
class Edits:
    """Differences between a folder's study and a plan, a line each.

    Attributes
    ----------
    again : what makes runs train again, or is another study altogether.
    harmless : what only adds runs, leaves some out, or looks at them in another way.
    """

    again: tuple[str, ...]
    harmless: tuple[str, ...]


def check_edits(place: StudyFolder, plan: Plan, *, yes: bool = False) -> tuple[str, ...]:
    """Return what changed since the study of a folder was last run, a line each; nothing in a new folder.

    Raises
    ------
    InputError
        If it is another study, or an edit that makes runs train again, and nobody said `yes`; or if what is there
        is no study that can be read.
    """
    if not place.has_study():
        return ()
    before = place.read_study()
    wrong = next((key for key, kind in _PARTS.items() if not isinstance(before.get(key), kind)), None)
    if wrong is not None:
        raise InputError(
            f"{place.path / 'study.json'}: its {wrong!r} cannot be read: choose another folder with --out, or remove "
            "the file; runs that are finished stay"
        )
    edits = find_edits(before, plan)
    if edits.again and not yes:
        lines = [*edits.again[:_MOST], *([f"and {len(edits.again) - _MOST} more"] if len(edits.again) > _MOST else [])]
        raise InputError(
            "\n".join(
                [
                    f"{place.path}: holds another study, or this one before it was changed:",
                    *(f"  {line}" for line in lines),
                    "choose another folder with --out, or go on here with --yes: runs that are finished stay, and "
                    "those that do not fit this study are left out of its tables",
                ]
            )
        )
    return (*edits.again, *edits.harmless)


def find_edits(before: Mapping[str, Any], plan: Plan) -> Edits:
    """Compare the content of ``study.json`` with a plan."""
    after = plan.to_json()
    again = [
        f"{key}: {before.get(key)!r} there, {after[key]!r} here"
        for key in ("task", "name")
        if before.get(key) != after[key]
    ]
    if before.get("task") != after["task"]:
        return Edits(tuple(again), ())
    again += _other_settings(before, after, plan)
    kinds = [isinstance(tree["study"].get("seeds"), Mapping) for tree in (before, after)]
    if any(kinds) and before["study"].get("seeds") != after["study"].get("seeds"):
        again.append("seeds: other kinds of chance differ between them")
    if any(after["digests"].get(key, digest) != digest for key, digest in _digests(before).items()):
        planned = {run["fingerprint"] for run in after["runs"]}
        count = sum(run["fingerprint"] not in planned for run in before["runs"])
        again.append(f"data: their content has changed, so {count} runs are of other data than before")
    if not again and plan.study.search is None:
        again += _other_levels(before, after)
    return Edits(tuple(again), tuple(_harmless(before, after)))


def _digests(tree: Mapping[str, Any]) -> Mapping[str, str]:
    """Return what the data were; nothing where an older version did not write it down."""
    found = tree.get("digests")
    return found if isinstance(found, Mapping) else {}


def _other_settings(before: Mapping[str, Any], after: Mapping[str, Any], plan: Plan) -> Iterator[str]:
    """Name the settings of all runs that are others now."""
    kind = type(plan.study)
    old, new = (dict(leaves(run_part(kind, tree["study"]))) for tree in (before, after))
    same_data = set(_digests(before).values()) & set(after["digests"].values())
    for path in old:
        if path in new and old[path] != new[path] and path != "name" and not (path in _PLACES and same_data):
            yield f"{path}: {old[path]!r} there, {new[path]!r} here"
    for path in _DECIDE:
        if before["study"].get(path) != after["study"].get(path):
            yield f"{path}: {before['study'].get(path)!r} there, {after['study'].get(path)!r} here"


def _other_levels(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Name combinations that are called as before and mean other runs."""
    old = {(run["label"], run["seed"]): run["fingerprint"] for run in before["runs"]}
    changed = dict.fromkeys(
        run["label"]
        for run in after["runs"]
        if old.get((run["label"], run["seed"]), run["fingerprint"]) != run["fingerprint"]
    )
    parts = ("vary", "combinations", "grid")
    if changed and all(before["study"].get(part) == after["study"].get(part) for part in parts):
        return ["gatewise: this version gives these settings other results, so all runs train again"]
    return [f"{label}: the same name for other settings" for label in changed]


def _harmless(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    old, new = before["factors"], after["factors"]
    for name in dict.fromkeys([*old, *new]):
        if name not in old or name not in new:
            yield f"{name}: {'is varied now' if name in new else 'is no longer varied'}"
            continue
        for word, one, other in (("new", new, old), ("no longer there", old, new)):
            levels = [str(value) for value in one[name] if value not in other[name]]
            if levels:
                yield f"{name}: {', '.join(levels)} {'is' if len(levels) == 1 else 'are'} {word}"
    if before["seeds"] != after["seeds"]:
        yield f"seeds: {len(before['seeds'])} before, {len(after['seeds'])} now"
    if before.get("metric") != after["metric"]:
        yield f"metric: {before.get('metric')} before, {after['metric']} now"
