"""Reading a study made of studies: its file, its data, and every part as an ordinary study, all checked at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

from gatewise.errors import GatewiseError, SettingsError, did_you_mean
from gatewise.registry import task_of
from gatewise.settings import parse
from gatewise.studies.bundle.data import Found, check_folder, find_data
from gatewise.studies.bundle.settings import BundleSettings, PartSettings
from gatewise.studies.claims_check import claim_problems
from gatewise.studies.claims_settings import Claim, spoken
from gatewise.studies.file import merge
from gatewise.studies.library import load_study
from gatewise.studies.settings import StudySettings
from gatewise.wording import say, speaking
from gatewise.yaml12 import load_yaml, parse_yaml

_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class Part:
    """One study of a bundle, ready to run.

    Attributes
    ----------
    study : None when it is left out.
    claims : what the report prints about it: the study's own claims.
    absent : levels that are left out, each with the reason.
    no_figures : why the report's figures cannot be compared with it; empty where they can.
    stand_in : what stands in for the report's own data and settings; empty where they are its own.
    left_out : why there is no study.
    """

    name: str
    title: str
    study: StudySettings | None
    data: str = ""
    claims: tuple[Claim, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)
    no_figures: str = ""
    stand_in: str = ""
    left_out: str = ""
    figure: str = "seeds"


@dataclass(frozen=True)
class Bundle:
    """A study made of studies, read and checked.

    Attributes
    ----------
    folder : what its folder is called; only the first preset has the bundle's own name.
    """

    settings: BundleSettings
    preset: str | None
    folder: str
    parts: tuple[Part, ...]


def list_bundles() -> list[dict[str, Any]]:
    """Return every shipped study made of studies: ``{"name", "question", "presets"}``, by name."""
    found = []
    for name in _ready():
        tree = parse_yaml(_ready()[name].read_text(encoding="utf-8"), where=name)
        found.append({"name": name, "question": spoken(tree["question"]), "presets": list(tree["presets"])})
    return found


def names_bundle(study: str | Path) -> bool:
    """Tell whether a name or a file is a study made of studies, and not an ordinary one."""
    if str(study) in _ready():
        return True
    path = Path(study)
    if path.suffix.lower() not in _SUFFIXES or not path.is_file():
        return False
    try:
        tree = load_yaml(path)
    except GatewiseError:
        return False  # told by whoever reads it as a study
    return isinstance(tree, Mapping) and "studies" in tree


def load_bundle(
    bundle: str | Path,
    *,
    preset: str | None = None,
    data: str | Path | None = None,
    set: Mapping[str, Any] | None = None,
) -> Bundle:
    """Read a shipped study made of studies by its name, or a file by its path.

    Parameters
    ----------
    preset
        Which of its presets; the first one when absent.
    data
        Folder in which the data are looked for; what packages ship stands in for what is not there.
    set
        ``PART.setting`` to value for one part, or ``setting`` to value for all of them (``language`` among them).

    Raises
    ------
    SettingsError
        With one line for everything in the file and its parts that cannot be used.
    InputError
        If the folder of data is not there.

    Examples
    --------
    >>> [part.name for part in load_bundle("reference-report").parts][:2]
    ['stocks-cells', 'stocks-losses']
    """
    read, where, home = _read(bundle)
    chosen, tree = _with_preset(read, preset, where)
    if "language" in (set or {}):
        tree = {**tree, "language": (set or {})["language"]}
    settings = parse(BundleSettings, tree, where=where)
    folder = check_folder(Path(data) if data is not None else None)
    with speaking(settings.language):
        found = {name: find_data(source, folder) for name, source in settings.data.items()}
    for_parts = _split_changes(set or {}, settings)
    parts: list[Part] = []
    problems: list[str] = []
    for name, part in settings.studies.items():
        try:
            with speaking(settings.language):
                parts.append(_part(name, part, settings, found.get(part.data or "", Found()), for_parts[name], home))
        except SettingsError as error:
            problems += [f"studies.{name}: {line}" for line in str(error).splitlines()]
    if problems:
        raise SettingsError("\n".join([f"{where}:", *problems]))
    first = next(iter(read.get("presets") or ()), None)
    return Bundle(settings, chosen, settings.name if chosen == first else f"{settings.name}-{chosen}", tuple(parts))


def _ready() -> dict[str, Any]:
    folder = package_files("gatewise.studies") / "bundles"
    found = {Path(item.name).stem: item for item in folder.iterdir() if item.name.endswith(_SUFFIXES)}
    return dict(sorted(found.items()))


def _read(bundle: str | Path) -> tuple[Any, str, Path]:
    """Return the file's tree, what to call it, and the folder that study files are looked for in."""
    if str(bundle) in _ready():
        return parse_yaml(_ready()[str(bundle)].read_text(encoding="utf-8"), where=str(bundle)), str(bundle), Path.cwd()
    path = Path(bundle)
    if not path.is_file():
        raise SettingsError(f"no study made of studies is called {str(bundle)!r}{did_you_mean(str(bundle), _ready())}")
    return load_yaml(path), str(bundle), path.resolve().parent


def _with_preset(tree: Any, preset: str | None, where: str) -> tuple[str | None, dict[str, Any]]:
    """Lay a preset over the rest, and check the others too."""
    if not isinstance(tree, Mapping):
        raise SettingsError(f"{where}: a study file is a list of `name: value` lines")
    rest = {key: value for key, value in tree.items() if key != "presets"}
    presets = tree.get("presets") or {}
    if not isinstance(presets, Mapping) or not all(isinstance(one, Mapping) for one in presets.values()):
        raise SettingsError(f"{where}: presets: settings under a name are expected")
    chosen = preset or next(iter(presets), None)
    if preset is not None and preset not in presets:
        known = did_you_mean(preset, presets) if presets else ": this study has none"
        raise SettingsError(f"{where}: unknown preset {preset!r}{known}")
    for name, over in presets.items():
        parse(BundleSettings, merge(rest, over), where=f"{where}, preset {name}")
    return chosen, merge(rest, presets[chosen]) if chosen else rest


def _split_changes(changes: Mapping[str, Any], settings: BundleSettings) -> dict[str, dict[str, Any]]:
    """Give each part its own changes: those that begin with its name, and those that are for all."""
    for_parts: dict[str, dict[str, Any]] = {name: {} for name in settings.studies}
    for path, value in changes.items():
        name, dot, rest = path.partition(".")
        for one in [name] if dot and name in for_parts else for_parts:
            for_parts[one][rest if one == name and dot else path] = value
    return for_parts


def _part(
    name: str, part: PartSettings, settings: BundleSettings, found: Found, changes: Mapping[str, Any], home: Path
) -> Part:
    """Make an ordinary study of a part, with the report's claims about it, but not in it: the bundle judges them."""
    source = settings.data.get(part.data or "")
    study = part.study or name
    beside = home / study
    where: str | Path = beside if beside.suffix.lower() in _SUFFIXES and beside.is_file() else study
    written = {
        **(source.set if source else {}),
        **(found.set or {}),
        **part.set,
        "name": name,
        "claims": [],
        "language": settings.language,
    }
    laid = {**written, **changes}
    written, laid = _factors_first(written), _factors_first(laid)
    title = spoken(part.title)
    if found.missing:
        checked = load_study(where, preset=part.preset, set=laid, files=["none.csv"])
        return Part(name, title or checked.question, None, left_out=found.missing)
    read: dict[str, Any] = {"preset": part.preset, "files": found.files}
    own = load_study(where, preset=part.preset, files=["any"]).claims if part.figures else ()
    whole = load_study(where, set=laid, **read)
    as_written = load_study(where, set=written, **read) if changes else whole  # a level changed away is only not run
    claims = tuple(claim for claim in settings.claims if claim.part == name)
    problems = _claim_problems((*own, *claims), as_written)
    if problems:
        raise SettingsError("\n".join(problems))
    absent = _absent_levels(part, whole)
    vary = _vary_without(absent, whole)
    if not all(vary.values()):
        left = " ".join(dict.fromkeys(reason for levels in absent.values() for reason in levels.values()))
        return Part(name, title or whole.question, None, claims=own, left_out=left)
    changed = {f"vary.{factor}": vary[factor] for factor in absent}
    made = load_study(where, set={**laid, **changed}, **read) if absent else whole
    changed_words = spoken(part.changed) or spoken(source.changed if source else "")
    why = [say("claims.why.other_data", stand_in=found.stand_in)] if found.stand_in else []
    why += [say("claims.why.other_settings", changed=changed_words)] if changed_words else []
    return Part(
        name,
        title or made.question,
        made,
        found.said,
        own,
        {label: reason for levels in absent.values() for label, reason in levels.items()},
        " ".join(why),
        "; ".join(one for one in (found.stand_in, changed_words) if one),
        figure=part.figure,
    )


def _factors_first(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Order changes so that a factor is replaced before a setting that it varied until then is changed."""
    return dict(sorted(changes.items(), key=lambda item: not item[0].startswith("vary.")))


def _claim_problems(claims: Iterable[Claim], study: StudySettings) -> list[str]:
    factors = {factor.name: factor for factor in study.all_factors}
    table = task_of({"task": study.task}).load("metrics")
    problems = []
    for claim in claims:
        found = claim_problems(claim, factors, study.main)
        found += [f"unknown metric {name!r}{did_you_mean(name, table)}" for name in claim.unknown_metrics(table)]
        problems += [f"claim {spoken(claim.claim)!r}: {line}" for line in found]
    return problems


def _absent_levels(part: PartSettings, study: StudySettings) -> dict[str, dict[str, str]]:
    """Return for each factor the levels that are not run: encoders that are not here, and what the file leaves out."""
    found: dict[str, dict[str, str]] = {}
    for factor in study.factors:
        for level in factor.levels:
            reason = _no_encoder(level.label, level.changes.get("encoder.name"), study)
            reason = reason or spoken(part.leave_out.get(factor.name, {}).get(level.label, ""))
            if reason:
                found.setdefault(factor.name, {})[level.label] = reason
    return found


def _no_encoder(label: str, name: Any, study: StudySettings) -> str:
    from gatewise.encoders.find import find_encoder
    from gatewise.settings.classify import FROM_SCRATCH

    if name is None or name in FROM_SCRATCH or study.base.at("encoder.download"):
        return ""
    try:
        find_encoder(name)
    except GatewiseError:
        return say("claims.why.no_encoder", label=label, name=name)
    return ""


def _vary_without(absent: Mapping[str, Mapping[str, str]], study: StudySettings) -> dict[str, Any]:
    """Return the factors as the file has them, without some levels."""
    vary = dict(study.vary)
    for name, labels in absent.items():
        levels = vary[name]
        if isinstance(levels, Mapping):
            vary[name] = {label: changes for label, changes in levels.items() if label not in labels}
        else:
            kept = zip(levels, next(factor for factor in study.factors if factor.name == name).levels, strict=True)
            vary[name] = [value for value, level in kept if level.label not in labels]
    return vary
