"""Studies made of studies: parts that run one after another, claims judged over all of them, one page."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatewise.studies.bundle.library import list_bundles as list_bundles
    from gatewise.studies.bundle.library import load_bundle as load_bundle
    from gatewise.studies.bundle.library import names_bundle as names_bundle
    from gatewise.studies.bundle.run import plan_bundle as plan_bundle
    from gatewise.studies.bundle.run import run_bundle as run_bundle

_HOMES = {
    "list_bundles": "library",
    "load_bundle": "library",
    "names_bundle": "library",
    "plan_bundle": "run",
    "run_bundle": "run",
}
__all__ = ["list_bundles", "load_bundle", "names_bundle", "plan_bundle", "run_bundle"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"gatewise.studies.bundle.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'gatewise.studies.bundle' has no attribute {name!r}")
