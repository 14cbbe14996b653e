"""Studies: a grid of runs planned, run on this machine, and compared with statistics."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatewise.studies.compare import compare_study as compare_study
    from gatewise.studies.library import list_studies as list_studies
    from gatewise.studies.library import load_study as load_study
    from gatewise.studies.library import study_text as study_text
    from gatewise.studies.plan import plan_study as plan_study
    from gatewise.studies.run import run_study as run_study
    from gatewise.studies.settings import StudySettings as StudySettings

_HOMES = {
    "StudySettings": "settings",
    "compare_study": "compare",
    "list_studies": "library",
    "load_study": "library",
    "plan_study": "plan",
    "run_study": "run",
    "study_text": "library",
}
__all__ = ["StudySettings", "compare_study", "list_studies", "load_study", "plan_study", "run_study", "study_text"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:  # late, so that a worker loads nothing that it does not need
        return getattr(import_module(f"gatewise.studies.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'gatewise.studies' has no attribute {name!r}")
