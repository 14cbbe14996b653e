"""What a study found, said again in the language of the block that asks; made from its files alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gatewise.errors import InputError
from gatewise.studies.claims import judge_claims
from gatewise.studies.findings import make_findings
from gatewise.studies.findings_decide import decide_findings
from gatewise.studies.folder import StudyFolder
from gatewise.studies.levels import LevelResults, read_levels
from gatewise.studies.search.summary import search_findings
from gatewise.wording import again, language

#: A finding may be mostly names of levels.
_FILLED = 25


def all_findings(tree: Mapping[str, Any], levels: Sequence[LevelResults]) -> list[dict[str, Any]]:
    """Return every sentence that a comparison's numbers give, the most important first."""
    return [*make_findings(tree, levels), *decide_findings(tree), *search_findings(tree.get("search"))]


def retold_findings(place: StudyFolder, tree: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the findings of ``comparison.json`` in this block's language.

    They are made anew from the runs where they were said in another language; of a folder whose plan or runs cannot be
    read any more, each sentence that the catalogue knows is said again.
    """
    findings = [dict(finding) for finding in tree.get("findings") or ()]
    if (tree.get("language") or "en") == language():
        return findings
    try:
        return all_findings(tree, read_levels(place, place.read_study()))
    except (InputError, KeyError, TypeError):
        return [
            {
                **one,
                "text": again(str(one.get("text")), filled=_FILLED),
                "evidence": [again(str(item), filled=_FILLED) for item in one.get("evidence") or ()],
            }
            for one in findings
        ]


def retold_claims(place: StudyFolder, tree: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what came of each claim in this block's language."""
    claims = [dict(claim) for claim in tree.get("claims") or ()]
    if (tree.get("language") or "en") == language() or not claims:
        return claims
    try:
        study = place.read_study()
        levels, diverged = read_levels(place, study), list(tree.get("diverged") or ())
        judged = judge_claims(study, levels, diverged)
    except (InputError, KeyError, TypeError):
        judged = claims
    return [{**one, **{key: again(str(one[key])) for key in ("claim", "why") if one.get(key)}} for one in judged]
