"""The studies that ship with the package, and how any study is found and read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

from gatewise.errors import SettingsError, did_you_mean
from gatewise.registry.outside import look_in
from gatewise.studies.file import resolve
from gatewise.studies.settings import StudySettings
from gatewise.yaml12 import load_yaml, parse_yaml, yaml_lines

__all__ = ["first_preset", "list_studies", "load_study", "study_text"]

_SUFFIXES = (".yaml", ".yml")
_SAMPLE = "sample:"


def list_studies() -> list[dict[str, Any]]:
    """Return every shipped study: ``{"name", "question", "presets"}``, by name.

    Examples
    --------
    >>> [study["name"] for study in list_studies()][:2]
    ['stocks-cells', 'stocks-dropout']
    """
    found = []
    for name in _ready():
        tree = parse_yaml(study_text(name), where=name)
        found.append({"name": name, "question": tree["question"], "presets": list(tree["presets"])})
    return found


def study_text(name: str) -> str:
    """Return the YAML of a shipped study, as a beginning for one's own.

    Raises
    ------
    SettingsError
        If there is none of this name.
    """
    if name not in _ready():
        raise SettingsError(f"unknown study {name!r}{did_you_mean(name, _ready())}")
    return str(_ready()[name].read_text(encoding="utf-8"))


def load_study(
    study: str | Path,
    *,
    preset: str | None = None,
    set: Mapping[str, Any] | None = None,
    files: Iterable[str | Path] = (),
) -> StudySettings:
    """Read a shipped study by its name or a study file by its path.

    Parameters
    ----------
    preset
        Which of the study's presets; its first one when absent.
    set
        Dotted setting to value, e.g. ``{"model.units": 64, "seeds": 3}``; a text is read as YAML, so that ``"1e-3"``
        is a number.
    files
        Data files in the place of the study's own, e.g. for the preset ``paper``.

    Raises
    ------
    SettingsError
        If there is no such study, or with one line for everything in it that cannot be used.

    Examples
    --------
    >>> load_study("stocks-cells", set={"model.units": 8}).model.units
    8
    """
    tree, where, home = _read(study)
    if home != Path.cwd():
        look_in(home)  # for modules of the user's own; the working folder is looked in anyway
    changes = {path: _value(value, path) for path, value in (set or {}).items()}
    given = [_absolute(file, Path.cwd()) for file in files]
    if given:
        changes["data.files"] = given
    settings = resolve(tree, preset=preset, changes=changes, where=where, lines=lambda: _lines(study))
    rooms = [room for room in ("files", "validation_files", "test_files") if hasattr(settings.data, room)]
    wanting = "files" in rooms and not settings.data.files
    if wanting and not any("data.files" in factor.settings for factor in settings.factors):
        command = f"gatewise study {study}" + (f" --preset {preset}" if preset else "")
        raise SettingsError(
            f"{where}: data.files: this study needs data files and names none; "
            f"give them after its name, e.g. {command} A.csv B.csv"
        )
    places = {room: tuple(_absolute(file, home) for file in getattr(settings.data, room)) for room in rooms}
    return settings.model_copy(update={"data": settings.data.model_copy(update=places)})


def first_preset(study: str | Path) -> str | None:
    """Return the preset of a study that is taken when none is named; None when it has none.

    Examples
    --------
    >>> first_preset("stocks-cells")
    'quick'
    """
    return next(iter(_read(study)[0].get("presets") or ()), None)


def _ready() -> dict[str, Any]:
    """Return the shipped files by the name of their study."""
    folder = package_files("gatewise.studies") / "ready"
    found = {Path(item.name).stem: item for item in folder.iterdir() if item.name.endswith(_SUFFIXES)}
    return dict(sorted(found.items()))


def _read(study: str | Path) -> tuple[Any, str, Path]:
    """Return a study's tree, what to call it, and the folder that its paths start from."""
    text = str(study)
    if text in _ready():
        return parse_yaml(study_text(text), where=text), text, Path.cwd()
    path = Path(study)
    if path.suffix.lower() in _SUFFIXES or path.is_file():
        return load_yaml(path), text, path.resolve().parent
    raise SettingsError(f"no study and no study file is called {text!r}{did_you_mean(text, _ready())}")


def _lines(study: str | Path) -> dict[str, int]:
    """Return the line of every part of a study's text."""
    text = str(study)
    return yaml_lines(study_text(text) if text in _ready() else Path(study).read_text(encoding="utf-8-sig"))


def _value(value: Any, path: str) -> Any:
    return parse_yaml(value, where=path) if isinstance(value, str) else value


def _absolute(file: str | Path, home: Path) -> str:
    """Make a path hold from any working folder; it is looked for beside the study file, then here.

    What has ``://`` in it (a database, an address) is for a reader of the user's own.
    """
    text = str(file)
    if text.startswith(_SAMPLE) or "://" in text:
        return text
    beside = home / Path(text).expanduser()
    here = Path.cwd() / Path(text).expanduser()
    return str((here if here.exists() and not beside.exists() else beside).resolve())
