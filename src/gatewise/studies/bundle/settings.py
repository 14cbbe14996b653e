"""The file of a study made of studies: what it reads, its parts, and the claims that are judged over all of them."""

from __future__ import annotations

import re
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from gatewise.errors import did_you_mean
from gatewise.settings import Settings
from gatewise.studies.claims_settings import Claim, Words


class OwnData(Settings):
    """How the report's own data are known: every file must be so."""

    rows: int
    """Rows of a table."""
    column: str | None = None
    """The column that `first` and `last` are of."""
    first: str | None = None
    """What stands first in the column."""
    last: str | None = None
    """What stands last in it."""


class SourceSettings(Settings):
    """Data that several parts read: what is looked for in the folder, and what stands in when it is not there."""

    title: Words
    """What it is."""
    names: tuple[str, ...] = ()
    """File names, all of them needed; case does not matter, and * stands for anything."""
    columns: tuple[str, ...] = ()
    """Otherwise by content: all tables that have these columns; or, with none, the largest file of that suffix."""
    suffix: str = ".csv"
    """How the files end that are looked at for their content."""
    own: OwnData | None = None
    """How the report's own data are known; never the report's own when absent."""
    stand_in: Words = ""
    """What is said when other data than the report's own were found."""
    otherwise: dict[str, Any] = Field(default_factory=dict)
    """Settings of all parts, data.files among them, when nothing is found; without it the parts are left out."""
    otherwise_is: Words = ""
    """What is said then."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Dotted settings of all parts that read it."""
    changed: Words = ""
    """How these settings differ from the report's, so that its figures cannot be compared."""


class PartSettings(Settings):
    """One study of several."""

    study: str | None = None
    """A study that comes along, or a study file beside this one; the part's own name when absent."""
    preset: str | None = None
    """Which of its presets; its first one when absent."""
    title: Words = ""
    """What the part is about; the study's question when absent."""
    data: str | None = None
    """Which of the data it reads; the study's own files when absent."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Dotted settings, laid over the preset."""
    changed: Words = ""
    """How its settings differ from the report's, so that its figures cannot be compared; else as its data say."""
    figure: Literal["seeds", "time"] = "seeds"
    """What the page shows of it: the result of every seed, or the seconds."""
    figures: bool = True
    """Judge the figures that the study's own file says the report prints; not where the part asks something else."""
    leave_out: dict[str, dict[str, Words]] = Field(default_factory=dict)
    """Factor to levels that are not run, each with the reason; encoders that are not on the machine are none either."""


class BundleSettings(Settings):
    """A study made of studies."""

    name: str
    """Name of the bundle and, by default, of its folder."""
    question: Words = ""
    """What it is to answer, in a sentence."""
    report: Words = ""
    """What is known of the report that is recreated."""
    language: Literal["en", "fa"] = "en"
    """Language of verdicts, findings and pages, of the parts too: English or Persian."""
    data: dict[str, SourceSettings] = Field(default_factory=dict)
    """Name to data that parts read."""
    studies: dict[str, PartSettings]
    """Name to part, in the order in which they run."""
    claims: tuple[Claim, ...] = ()
    """What the report states; each claim names its part."""

    @field_validator("name", "studies")
    @classmethod
    def _names_folders(cls, value: Any) -> Any:
        for name in [value] if isinstance(value, str) else value:
            if not re.fullmatch(r"\w[\w -]{0,99}", name):
                raise ValueError(f"a name is made of letters, digits, - and _ (found {name!r})")
        if not value:
            raise ValueError("a study made of studies needs one study at least")
        return value

    @model_validator(mode="after")
    def _parts_are_there(self) -> Self:
        """Refuse parts of unknown data and claims of unknown parts, all at once."""
        problems = [
            f"studies.{name}.data: {part.data!r} is not described{did_you_mean(part.data, self.data)}"
            for name, part in self.studies.items()
            if part.data is not None and part.data not in self.data
        ]
        for number, claim in enumerate(self.claims):
            if claim.part is None:
                problems.append(f"claims.{number}.part: name the study that the claim is about")
            elif claim.part not in self.studies:
                known = did_you_mean(claim.part, self.studies)
                problems.append(f"claims.{number}.part: no study is called {claim.part!r}{known}")
        if problems:
            raise ValueError("\n".join(problems))
        return self
