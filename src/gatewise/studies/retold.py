"""What a study found, said again in the language of the block that asks; made from its files alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatewise.errors import InputError
from gatewise.studies.findings import make_findings
from gatewise.studies.folder import StudyFolder
from gatewise.studies.levels import read_levels
from gatewise.wording import again, language


def retold_findings(place: StudyFolder, tree: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the findings of ``comparison.json`` in this block's language.

    They are made anew from the runs where they were said in another language; of a folder whose plan or runs cannot be
    read any more, each sentence that the catalogue knows is said again.
    """
    findings = [dict(finding) for finding in tree.get("findings") or ()]
    if (tree.get("language") or "en") == language():
        return findings
    try:
        return make_findings(tree, read_levels(place, place.read_study()))
    except (InputError, KeyError, TypeError):
        return [
            {
                **one,
                "text": again(str(one.get("text"))),
                "evidence": [again(str(item)) for item in one.get("evidence") or ()],
            }
            for one in findings
        ]
