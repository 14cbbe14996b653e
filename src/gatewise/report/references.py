"""BibTeX of what a study used."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

from gatewise.report.evidence import Evidence


def bibtex(evidence: Evidence) -> str:
    """Return the entries of the cells, losses, optimizers, baselines, tests and software that were used."""
    wanted = parts_used(evidence)
    return "\n\n".join(text for text, parts in entries() if wanted & parts) + "\n"


def parts_used(evidence: Evidence) -> set[str]:
    """Return what was used as ``kind/name``, as the keywords of the entries say it."""
    settings = [evidence.settings, *(run.read_settings() for level in evidence.levels for run in level.runs[:1])]
    paths = {"cell": "model.cell", "optimizer": "train.optimizer", "loss": "train.loss", "schedule": "train.schedule"}
    used = {f"{kind}/{_at(one, path)}" for kind, path in paths.items() for one in settings}
    used |= {f"pooling/{name}" for one in settings for name in _several(_at(one, "model.pooling"))}
    used |= {f"baseline/{name}" for name in evidence.baselines}
    if evidence.comparisons:
        used.add(f"test/{(evidence.study.get('study') or {}).get('test') or 'sign_flip'}")
    return used | {"software/torch"} | ({"software/optuna"} if evidence.search else set())


def _at(tree: object, path: str) -> object:
    for part in path.split("."):
        tree = tree.get(part) if isinstance(tree, dict) else None
    return tree


def _several(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [value]


@lru_cache(maxsize=1)
def entries() -> list[tuple[str, frozenset[str]]]:
    """Return every entry, without its keywords, and the parts that they name."""
    text = files("gatewise.report").joinpath("references.bib").read_text(encoding="utf-8")
    found = []
    for entry in re.findall(r"^@.*?^}", text, flags=re.MULTILINE | re.DOTALL):
        named = re.search(r",\n  keywords = \{([^}]*)\}", entry)
        parts = frozenset(named[1].split(", ")) if named else frozenset()
        found.append((entry.replace(named[0], "") if named else entry, parts))
    return found
