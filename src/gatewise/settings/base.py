"""What all settings share: strict typed trees, flat names, one run's settings, and errors that say what was meant.

The sentence under a field is its help on the command line and in the documentation. Flat names (``units``,
``split_seed``) are what a person types on the command line or gives to an estimator; each field has exactly one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from gatewise import registry
from gatewise.errors import SettingsError, did_you_mean
from gatewise.registry.outside import code_digest, outside_names

Model = TypeVar("Model", bound=BaseModel)

#: Changes when the code would give other numbers for the same settings and data: a study then trains again.
RESULTS_VERSION = 2


class Settings(BaseModel):
    """Base of all settings: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _listed(value: Any) -> Any:
    """Take one text where a list of texts is wanted."""
    return (value,) if isinstance(value, str) else value


class Verbatim:
    r"""Marks texts of which every character counts: the command line neither splits nor trims them, and reads \\n."""


def registered(table: registry.Registry, *also: str) -> BeforeValidator:
    """Return the check that a name stands in a registry."""
    return BeforeValidator(registry.Registered(table, also))


Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Rate = Annotated[float, Field(ge=0.0, lt=1.0)]
Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]


class RunSettings(Settings):
    """One training: one setting, one seed. Each task has a subclass with its rooms (data, split, model, train)."""

    #: Flat names that differ from the field's own name, because that name alone would not say what it is.
    FLAT: ClassVar[Mapping[str, str]] = {
        "split.kind": "split",
        "split.seed": "split_seed",
        "split.test": "test_size",
        "split.validation": "validation_size",
    }

    name: str = "run"
    """Name shown in reports."""
    task: str
    """Which of the jobs."""
    seed: Seed = 0
    """Seed of start weights, data order and dropout, unless one of the three is set on its own."""
    init_seed: Seed | None = None
    """Seed of the start weights."""
    order_seed: Seed | None = None
    """Seed of the order of the batches."""
    dropout_seed: Seed | None = None
    """Seed of the dropout masks."""
    metrics: tuple[Annotated[str, registered(registry.METRICS)], ...] = ()
    """Metrics of your own beside the task's, module:NAME."""

    @classmethod
    def from_flat(cls, values: Mapping[str, Any]) -> Self:
        """Make settings from flat names, e.g. ``{"cell": "gru", "window": 20}``.

        Raises
        ------
        SettingsError
            Naming every flat name that does not exist or whose value cannot be used.
        """
        paths = flat_fields(cls)
        problems = [f"{key}: unknown setting{did_you_mean(key, paths)}" for key in values if key not in paths]
        if problems:
            raise SettingsError("\n".join(problems))
        tree = laid({}, {paths[key]: value for key, value in values.items()})
        return parse(cls, tree, names={path: flat for flat, path in paths.items()})

    def to_flat(self) -> dict[str, Any]:
        """Return every setting by its flat name."""
        return {flat: self.at(path) for flat, path in flat_fields(type(self)).items()}

    def at(self, path: str) -> Any:
        """Return the setting at a dotted `path` such as ``model.units``."""
        value: Any = self
        for part in path.split("."):
            value = getattr(value, part)
        return value

    def plain_at(self, path: str) -> Any:
        """Return the setting at a dotted `path` as JSON has it: a list for a tuple."""
        value: Any = self.model_dump(mode="json")
        for part in path.split("."):
            value = value[part]
        return value

    def replace(self, changes: Mapping[str, Any]) -> Self:
        """Return a copy with other values at some dotted paths, checked again as a whole."""
        known = list(flat_fields(type(self)).values())
        for path in changes:
            if path not in known:
                raise SettingsError(f"{path}: unknown setting{did_you_mean(path, known)}")
        return parse(type(self), laid(self.model_dump(mode="json"), changes))

    def fingerprint(self, data_digest: str) -> str:
        """Return 16 hex digits that are equal exactly when settings, data and result version are.

        Names and places do not count: the run's name, the files' paths, the seconds between checkpoints.
        """
        return fingerprint_of(self.what_counts(), data_digest)

    def what_counts(self) -> dict[str, Any]:
        """Return the plain tree of all settings that make a run what it is."""
        places = {"files", "validation_files", "test_files"}
        return self.model_dump(mode="json", exclude={"name": True, "data": places, "train": {"checkpoint_seconds"}})


def fingerprint_of(tree: Mapping[str, Any], data_digest: str) -> str:
    """Return the fingerprint of a run from what counts of its settings; see :meth:`RunSettings.fingerprint`."""
    code = code_digest(outside_names(tree))  # a user's own code counts as the settings do
    text = json.dumps([RESULTS_VERSION, data_digest, tree, *filter(None, [code])], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def laid(tree: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tree with values at their dotted paths; the branches that none of them touches are shared.

    Examples
    --------
    >>> laid({"model": {"cell": "gru", "units": 8}}, {"model.units": 64, "seed": 3})
    {'model': {'cell': 'gru', 'units': 64}, 'seed': 3}
    """
    found, own = dict(tree), set[str]()
    for path, value in values.items():
        *rooms, leaf = path.split(".")
        branch, here = found, ""
        for room in rooms:
            here = f"{here}.{room}"
            if here not in own:  # copied once
                branch[room] = dict(branch.get(room, {}))
                own.add(here)
            branch = branch[room]
        branch[leaf] = value
    return found


def leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value of a tree with its dotted path; an empty mapping is a value.

    Examples
    --------
    >>> dict(leaves({"model": {"cell": "gru", "cell_options": {}}, "seed": 3}))
    {'model.cell': 'gru', 'model.cell_options': {}, 'seed': 3}
    """
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def field_names(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield every leaf of a settings tree as its dotted path and its field."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from field_names(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def flat_fields(model: type[BaseModel]) -> dict[str, str]:
    """Return the dotted path of every flat name of a settings class, e.g. ``units`` -> ``model.units``."""
    own = getattr(model, "FLAT", {})
    return {own.get(path, path.rsplit(".", 1)[-1]): path for path, _ in field_names(model)}


def parse(model: type[Model], tree: Any, *, where: str = "", names: Mapping[str, str] | None = None) -> Model:
    """Check a plain tree as a whole.

    Parameters
    ----------
    where
        What is being read, e.g. a file's path; begins the message.
    names
        How to call a dotted path in a message; itself by default.

    Raises
    ------
    SettingsError
        With one line for every problem.
    """
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        lines = [_explain(model, problem, names or {}) for problem in error.errors()]
        raise SettingsError("\n".join([f"{where}:", *lines] if where else lines)) from None


def _explain(model: type[BaseModel], problem: Any, names: Mapping[str, str]) -> str:
    """Turn one of pydantic's findings into a line: where, what was found, what to do."""
    steps = [str(step) for step in problem["loc"] if not str(step).startswith("function-")]
    path = ".".join(steps)
    where = names.get(path, path)
    if problem["type"] == "extra_forbidden":
        elsewhere = flat_fields(model).get(path, path)  # a flat name, at the top of a file whose settings have rooms
        if elsewhere != path:
            return f"{where}: unknown setting: did you mean {elsewhere!r}?"
        return f"{where}: unknown setting{did_you_mean(steps[-1], _siblings(model, steps[:-1]))}"
    if "error" in problem.get("ctx", {}):
        text = str(problem["ctx"]["error"])
        return f"{where}: {text}" if where else text
    found = "" if isinstance(problem["input"], dict) else f" (found {problem['input']!r})"
    text = problem["msg"][0].lower() + problem["msg"][1:]
    return f"{where}: {text}{found}"


def _siblings(model: type[BaseModel], steps: list[str]) -> list[str]:
    """Return the names that stand beside a wrong one."""
    for step in steps:
        field = model.model_fields.get(step)
        kind = field.annotation if field else None
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            return []
        model = kind
    return list(model.model_fields)
