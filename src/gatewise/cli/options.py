"""Options made from the settings: a field's sentence is its help, its type and registry its choices.

A field added to the settings is an option at once; nothing is listed here a second time.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, overload

import typer
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from gatewise.errors import SettingsError
from gatewise.registry import Registered
from gatewise.settings import ForecastSettings, Settings, field_names, flat_fields, laid, parse
from gatewise.settings.base import Verbatim

Made = TypeVar("Made", bound=Settings)

_PANELS = {"data": "Data", "split": "Split", "encoder": "Encoder", "model": "Network", "train": "Training", "": "Run"}
_WORDS = {int: "INTEGER", float: "NUMBER", str: "TEXT"}
#: Fields that another part of the command line gives: the files stand alone, the task is the command's second word.
_ELSEWHERE = ("data.files", "task")


class Kind(NamedTuple):
    """What a field takes: its choices, whether several, key=value pairs, none, or texts as they stand."""

    word: str
    choices: tuple[str, ...] = ()
    many: bool = False
    pairs: bool = False
    optional: bool = False
    verbatim: bool = False


def with_settings(
    *rooms: str, kind: type[Settings] = ForecastSettings
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command every setting of some rooms of a task's settings (all rooms by default) as an option.

    The command's ``**options`` receives what was typed; :func:`settings_from` checks it with the same `kind`.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True)
        kept = [value for value in own.parameters.values() if value.kind is not inspect.Parameter.VAR_KEYWORD]
        kept = [value.replace(kind=inspect.Parameter.KEYWORD_ONLY) for value in kept]
        made = [_option(flat, path, field) for flat, path, field in _fields(kind, rooms)]
        command.__signature__ = own.replace(parameters=[*kept, *made])  # type: ignore[attr-defined]
        return command

    return decorate


@overload
def settings_from(options: Mapping[str, Any], files: Sequence[str], config: Path | None = None) -> ForecastSettings: ...
@overload
def settings_from(
    options: Mapping[str, Any],
    files: Sequence[str],
    config: Path | None = None,
    *,
    kind: type[Made],
    base: Mapping[str, Any] | None = None,
) -> Made: ...
def settings_from(
    options: Mapping[str, Any],
    files: Sequence[str],
    config: Path | None = None,
    *,
    kind: type[Settings] = ForecastSettings,
    base: Mapping[str, Any] | None = None,
) -> Settings:
    """Check what was typed as a whole, over what a settings file says.

    Parameters
    ----------
    kind
        The task's settings, e.g. ``TextSettings``.
    base
        Dotted settings under everything else, e.g. those of a preset.

    Raises
    ------
    SettingsError
        Naming each option or key that cannot be used.
    """
    tree = laid({}, base or {})
    if config is not None:
        from gatewise.yaml12 import load_yaml

        said = parse(kind, load_yaml(config) or {}, where=str(config)).model_dump(mode="json", exclude_unset=True)
        tree = laid(tree, dict(_leaves(said)))
    paths, kinds = flat_fields(kind), {flat: _kind_of(field) for flat, _, field in _fields(kind, ())}
    given = {paths[flat]: _value(flat, kinds[flat], value) for flat, value in options.items() if value is not None}
    if files:
        given["data.files"] = list(files)
    return parse(kind, laid(tree, given), names={path: dashed(flat) for flat, path in paths.items()})


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value of the rooms of a settings tree by its dotted path."""
    for name, value in tree.items():
        if not prefix and isinstance(value, Mapping):
            yield from _leaves(value, f"{name}.")
        else:
            yield f"{prefix}{name}", value


def dashed(flat: str) -> str:
    """Return a flat name as it is typed on the command line.

    Examples
    --------
    >>> dashed("target_offset")
    '--target-offset'
    """
    return "--" + flat.replace("_", "-")


def _fields(settings: type[Settings], rooms: Sequence[str]) -> list[tuple[str, str, FieldInfo]]:
    """Return flat name, dotted path and field of every setting that is an option."""
    flats = {path: flat for flat, path in flat_fields(settings).items()}
    return [
        (flats[path], path, field)
        for path, field in field_names(settings)
        if path not in _ELSEWHERE and (not rooms or path.split(".")[0] in rooms)
    ]


def _option(flat: str, path: str, field: FieldInfo) -> inspect.Parameter:
    kind = _kind_of(field)
    name, sentence = dashed(flat), (field.description or "").rstrip(".")
    choices = f" One of: {', '.join(kind.choices)}." if kind.choices else ""
    text = f"{sentence}.{choices}{_default_text(field)}".replace("[", r"\[")
    room = path.split(".")[0] if "." in path else ""
    details: dict[str, Any] = {"help": text, "rich_help_panel": _PANELS[room], "show_default": False}
    annotation: Any = str | None
    if field.annotation is bool:
        annotation, name = bool | None, f"{name}/--no-{flat.replace('_', '-')}"
    else:
        details |= {"metavar": f"{kind.word},..." if kind.many and not kind.verbatim else kind.word}
        details |= {"autocompletion": lambda incomplete: [one for one in kind.choices if one.startswith(incomplete)]}
        annotation = list[str] | None if kind.many or kind.pairs else str | None
    return inspect.Parameter(
        flat,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[annotation, typer.Option(name, **details)],
    )


def _default_text(field: FieldInfo) -> str:
    value = field.default
    if value is PydanticUndefined or value is None or value == ():
        return ""
    if isinstance(value, tuple):
        value = ", ".join(str(one) for one in value)
    return f" [default: {'yes' if value is True else 'no' if value is False else value}]"


def _kind_of(field: FieldInfo) -> Kind:
    for check in field.metadata:
        if isinstance(registered := getattr(check, "func", None), Registered):
            return Kind("NAME", tuple(registered.choices()))
    verbatim = any(isinstance(check, Verbatim) for check in field.metadata)
    return _kind(field.annotation)._replace(verbatim=verbatim)


def _kind(annotation: Any) -> Kind:
    """Read a type: its word or choices."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        for check in args[1:]:
            if isinstance(registered := getattr(check, "func", None), Registered):
                return Kind("NAME", tuple(registered.choices()))
        return _kind(args[0])
    if origin in (Union, types.UnionType):
        inner = next(one for one in args if one is not type(None))
        return _kind(inner)._replace(optional=True)
    if origin is Literal:
        return Kind("NAME", tuple(str(one) for one in args))
    if origin is tuple:
        return _kind(args[0])._replace(many=True)
    if origin is dict:
        return Kind("KEY=VALUE", pairs=True)
    return Kind(_WORDS.get(annotation, "TEXT"))


def _value(flat: str, kind: Kind, typed: Any) -> Any:
    """Turn what was typed into what the settings check: lists split at commas, none where nothing is a value."""
    if kind.pairs:
        return pairs(flat, typed)
    if kind.verbatim:
        return [_unescaped(text) for text in typed]
    if kind.many:
        parts = [part.replace(r"\,", ",").strip() for text in typed for part in re.split(r"(?<!\\),", text)]
        return [] if parts == ["none"] else parts
    return None if kind.optional and typed == "none" else typed


def _unescaped(text: str) -> str:
    r"""Read \n, \t and \\ in what was typed."""
    written = {"n": "\n", "t": "\t", "\\": "\\"}
    return re.sub(r"\\([nt\\])", lambda found: written[found[1]], text)


def pairs(flat: str, typed: Sequence[str]) -> dict[str, Any]:
    """Read every KEY=VALUE that was typed for an option.

    Raises
    ------
    SettingsError
        If there is no ``=`` or no key before it.

    Examples
    --------
    >>> pairs("cell_option", ["reset=before", "rounds=2"])
    {'reset': 'before', 'rounds': 2}
    >>> pairs("names", ["0=hate,1=offensive"])
    {'0': 'hate', '1': 'offensive'}
    """
    parts = (part for text in typed for part in re.split(r",(?=[^,=]+=)", text))
    return dict(_pair(flat, part) for part in parts)


def _pair(flat: str, text: str) -> tuple[str, Any]:
    """Read key=value, the value as in a settings file."""
    from gatewise.yaml12 import parse_yaml

    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise SettingsError(f"{dashed(flat)}: {text!r} is not KEY=VALUE")
    return key.strip(), parse_yaml(value, where=f"{dashed(flat)} {key.strip()}")
