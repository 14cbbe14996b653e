"""What labelled texts are made of and what would be refused, before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from gatewise.data.labelled.labelled import Labelled
from gatewise.data.labelled.look import (
    Tokenize,
    agreement,
    cleaning_report,
    duplicates,
    excerpt,
    text_lengths,
)
from gatewise.data.labelled.reading import read_labelled
from gatewise.data.labelled.splits import LabelledSplit, split_labelled
from gatewise.data.labelled.words import Giveaway, count_words, giveaways, typical
from gatewise.errors import InputError
from gatewise.harmless import harmless
from gatewise.registry import cleaning_steps
from gatewise.settings import ClassifyDataSettings, ClassifySplitSettings

#: Share of one class from which accuracy says next to nothing.
_LOPSIDED = 0.95


@dataclass(frozen=True)
class LabelledReport:
    """What `check_labelled` found.

    Attributes
    ----------
    rows
        Texts; 0 where reading would be refused, and then nothing else is known.
    columns
        The columns of text and label that were taken.
    classes
        For each class its code, count and share.
    parts
        Texts of each part, and of each class in it; empty where the split would be refused.
    lengths
        Mean, median, 95th percentile and longest in characters and in tokens (words without an encoder), and the share
        of texts that is cut off at several lengths.
    typical
        Words and pairs of words that are typical of each class, by log-odds.
    giveaways
        Single words that give a class away: a leak of the label, or a filter by which the texts were gathered.
    duplicates
        Texts that are the same or nearly the same, and those of them whose labels differ.
    agreement
        Share of texts on which the annotators agree, where votes are given.
    cleaning
        For each step how many texts it changes, with examples.
    warnings
        What is no reason to refuse and should be known.
    notes
        What reading guessed and did.
    problems
        What would be refused.
    """

    rows: int = 0
    columns: dict[str, str | None] = field(default_factory=dict)
    classes: dict[str, dict[str, Any]] = field(default_factory=dict)
    parts: dict[str, dict[str, int]] = field(default_factory=dict)
    lengths: dict[str, Any] = field(default_factory=dict)
    typical: dict[str, list[str]] = field(default_factory=dict)
    giveaways: tuple[Giveaway, ...] = ()
    duplicates: dict[str, Any] = field(default_factory=dict)
    agreement: dict[str, Any] | None = None
    cleaning: dict[str, dict[str, Any]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether training on these texts would be refused."""
        return bool(self.problems)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        found = [
            {"word": one.word, "class": one.class_, "texts": one.texts, "share": one.share} for one in self.giveaways
        ]
        return {**asdict(self), "giveaways": found, "refused": self.refused}

    def to_text(self) -> str:
        """Return the report as lines for a person; nothing in it can move a terminal's cursor."""
        lines = (
            [*self._counts(), *self._lengths(), *self._words(), *self._doubtful(), *self._cleaning()]
            if self.rows
            else []
        )
        lines += [f"warning: {warning}" for warning in self.warnings]
        lines += [f"note: {note}" for note in self.notes]
        lines += [f"refused: {problem}" for problem in self.problems]
        return "\n".join(_one_line(line) for line in lines)

    def _counts(self) -> Iterator[str]:
        yield f"{self.rows:,} texts in column {self.columns['text']!r}, classes in column {self.columns['label']!r}"
        width = max(len(name) for name in self.classes)
        for name, found in self.classes.items():
            code = "" if found["code"] == name else f"  (label {found['code']})"
            yield f"  {name:<{width}}  {found['count']:>9,}  {found['share']:>6.2%}{code}"
        if self.parts:
            sizes = ", ".join(f"{part} {sum(counts.values()):,}" for part, counts in self.parts.items())
            yield f"parts: {sizes}"

    def _lengths(self) -> Iterator[str]:
        for what, found in (("characters", self.lengths["characters"]), (self.lengths["unit"], self.lengths["tokens"])):
            middle, most = f"median {found['median']:.0f}", f"95 % have at most {found['p95']:.0f}"
            yield f"{what}: {middle}, {most}, the longest {found['longest']:,}"
        cut = ", ".join(f"{length}: {share:.1%}" for length, share in self.lengths["cut"].items())
        yield f"texts cut off at so many {self.lengths['unit']}: {cut}"

    def _words(self) -> Iterator[str]:
        for name, words in self.typical.items():
            yield f"typical of {name}: {', '.join(words) or 'nothing that chance could not give'}"
        for one in self.giveaways:
            yield f"gives {one.class_} away: {one.word} ({one.share:.0%} of the {one.texts:,} texts with it)"

    def _doubtful(self) -> Iterator[str]:
        found = self.duplicates
        yield (
            f"duplicates: {found['same']:,} texts are there already ({found['same_cleaned']:,} after cleaning); "
            f"{found['near']:,} are nearly the same as others, in {found['groups']:,} groups"
        )
        if found["conflicts"]:
            yield f"labels differ within {found['conflicts']:,} of these groups, such as"
            for texts in found["examples"]:
                for one in texts:
                    yield f"  {one['class']}: {excerpt(one['text'])}  ({one['where']})"
        if self.agreement is not None:
            shares = ", ".join(f"{name} {share:.1%}" for name, share in self.agreement["by_class"].items())
            yield f"annotators agree on {self.agreement['unanimous']:.1%} of the texts ({shares})"
            if self.agreement["outvoted"]:
                yield f"of {self.agreement['outvoted']:,} texts the label is not the one with the most votes"

    def _cleaning(self) -> Iterator[str]:
        for step, found in self.cleaning.items():
            yield f"cleaning {step}: changes {found['changed']:,} texts"
            for one in found["examples"]:
                yield f"  - {one['before']}"
                yield f"  + {one['after']}"


def _one_line(text: str) -> str:
    return harmless(text).replace("\n", "\\n").replace("\t", "\\t")


def check_labelled(
    settings: ClassifyDataSettings, split: ClassifySplitSettings | None = None, tokenize: Tokenize | None = None
) -> LabelledReport:
    """Read labelled texts as training would, and report what they are made of and what would be refused.

    Parameters
    ----------
    split
        How the texts would be divided; as the settings' defaults do when absent.
    tokenize
        An encoder's way from texts to tokens; words are counted without it.

    Examples
    --------
    >>> report = check_labelled(ClassifyDataSettings(files="sample:python-docstrings"))
    >>> report.refused, report.rows > 1500, "socket" in report.typical["network"]
    (False, True, True)
    """
    split = split or ClassifySplitSettings()
    try:
        labelled = read_labelled(settings, split.column)
    except InputError as error:
        return LabelledReport(problems=(str(error),))
    divided: LabelledSplit | None = None
    problems: tuple[str, ...] = ()
    try:
        divided = split_labelled(labelled, split)
    except InputError as error:
        problems = (str(error),)
    found = count_words(labelled.clean, labelled.labels, len(labelled.classes))
    lengths = text_lengths(labelled, tokenize, settings.max_tokens)
    counts, shares = labelled.counts().tolist(), (labelled.counts() / max(len(labelled), 1)).tolist()
    return LabelledReport(
        rows=len(labelled),
        columns={"text": labelled.columns.text, "label": labelled.columns.label},
        classes={
            name: {"code": code, "count": count, "share": share}
            for name, code, count, share in zip(labelled.classes, labelled.codes, counts, shares, strict=True)
        },
        parts=_parts(labelled, divided),
        lengths=lengths,
        typical=typical(found, labelled.classes),
        giveaways=tuple(giveaways(found, labelled.classes)),
        duplicates=duplicates(labelled),
        agreement=agreement(labelled),
        cleaning=cleaning_report(labelled.texts, cleaning_steps(settings.cleaning)),
        warnings=_warnings(labelled, shares, lengths, settings, divided),
        notes=labelled.notes + (divided.notes if divided else ()),
        problems=problems,
    )


def _parts(labelled: Labelled, divided: LabelledSplit | None) -> dict[str, dict[str, int]]:
    if divided is None:
        return {}
    made = {}
    for part, rows in divided.parts().items():
        of_class = labelled.labels[rows]
        made[part] = {name: int((of_class == number).sum()) for number, name in enumerate(labelled.classes)}
    return made


def _warnings(
    labelled: Labelled,
    shares: list[float],
    lengths: dict[str, Any],
    settings: ClassifyDataSettings,
    divided: LabelledSplit | None,
) -> tuple[str, ...]:
    made = []
    largest = max(shares)
    if largest > _LOPSIDED:
        name = labelled.classes[shares.index(largest)]
        made.append(f"{largest:.1%} of the texts are {name}: always saying so has that accuracy, so look at macro-F1")
    too_long = lengths["cut"][str(settings.max_tokens)]
    if lengths["unit"] == "tokens" and too_long > 0.01:
        made.append(f"{too_long:.1%} of the texts have more than {settings.max_tokens} tokens and are cut off there")
    if divided is not None and divided.leaks:
        made.append("near-duplicates stand in the test part and in the training part: the scores will be too good")
    return tuple(made)
