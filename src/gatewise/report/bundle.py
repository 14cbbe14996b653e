"""The page of a study made of studies: first the claims, then a short section a part; one file, without scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gatewise.metrics.names import NAMES
from gatewise.report import figures, style
from gatewise.report.evidence import Evidence, Level, read_evidence
from gatewise.report.figure import Figure
from gatewise.report.table import (
    VERDICTS,
    Cell,
    Table,
    claim_verdict,
    figure,
    figures_text,
    group,
    grouped,
    head,
    text,
)
from gatewise.report.tables import baseline_rows, claims_table, machine_table
from gatewise.report.translate import translated
from gatewise.report.words import metric_title, number, spread
from gatewise.studies.folder import BundleFolder, StudyFolder
from gatewise.wording import digits, direction, language, say, speaking

#: More findings of a part stand on the part's own page.
_MOST_FINDINGS = 4


@dataclass(frozen=True)
class ClaimView:
    """One claim as it stands on the page."""

    claim: str
    verdict: str
    kind: str
    report: str
    ours: str
    interval: str
    why: str
    part: str


@dataclass(frozen=True)
class PartView:
    """One part as it stands on the page."""

    name: str
    title: str
    data: str
    remarks: list[str]
    page: str
    findings: list[str]
    more: int
    table: Table | None
    figure: Figure | None
    still: str
    figures: Table | None


def render_bundle(folder: Path) -> str:
    """Return the page of a study made of studies as text, in its language."""
    place = BundleFolder(folder)
    tree = place.read()
    with speaking(tree.get("language") or "en"):
        return _render(place, tree)


def _render(place: BundleFolder, tree: Mapping[str, Any]) -> str:
    from gatewise.report.page import asset, policy, template

    folders = [(part, place.part(part["name"])) for part in tree["parts"]]
    read = [
        translated(read_evidence(folder.path), folder.path) if folder.is_compared else None for _, folder in folders
    ]
    parts = [_part(folder, part, evidence) for (part, folder), evidence in zip(folders, read, strict=True)]
    early = asset("early.js")
    page: str = template("bundle.html").render(
        tree=tree,
        headline=headline(tree),
        counts=[(say(f"claims.verdict.{word}"), digits(str(count))) for word, count in counted(tree).items()],
        stands_in=_stand_ins(tree),
        groups=[(part, [_claim(row) for row in tree["claims"] if row["part"] == part.name]) for part in parts],
        parts=parts,
        machine=next((machine_table(evidence) for evidence in read if evidence), None),
        command=_command(tree),
        say=say,
        language=language(),
        direction=direction(),
        colours=style.COLOURS,
        css=asset("page.css"),
        early=early,
        policy=policy([early]),
    )
    return page


def bundle_lines(folder: Path) -> list[str]:
    """Return what came of the claims as lines of text, for a terminal."""
    tree = BundleFolder(folder).read()
    with speaking(tree.get("language") or "en"):
        return _lines(tree)


def _lines(tree: Mapping[str, Any]) -> list[str]:
    wide = max(len(say(f"claims.verdict.{word}")) for word in VERDICTS)
    lines = [headline(tree)]
    for part in tree["parts"]:
        rows = [_claim(row) for row in tree["claims"] if row["part"] == part["name"]]
        if rows:
            lines += ["", part["title"]]
        for row in rows:
            lines.append(f"  {row.verdict:<{wide + 2}}  {row.claim}")
            lines.append(f"  {'':<{wide + 2}}  {say('bundle.report')}: {row.report}  {say('bundle.ours')}: {row.ours}")
    return lines


def counted(tree: Mapping[str, Any]) -> dict[str, int]:
    """Count the report's claims by verdict; those that are ours say nothing of it."""
    theirs = [row for row in tree["claims"] if row["report"] is not None]
    return {word: sum(row["verdict"] == word for row in theirs) for word in VERDICTS}


def headline(tree: Mapping[str, Any]) -> str:
    """Say in a sentence what came of the claims."""
    counts = counted(tree)
    return say("bundle.headline", all=sum(counts.values()), **{key.replace(" ", "_"): n for key, n in counts.items()})


def _claim(row: Mapping[str, Any]) -> ClaimView:
    cell = claim_verdict(row["verdict"])
    return ClaimView(
        claim=row["claim"],
        verdict=cell.text,
        kind=cell.kind,
        report=figures_text(row["report"]),
        ours=text(row["ours"]),
        interval=_range(row["interval"], row["interval_of"]) if row.get("interval") else "",
        why=row["why"],
        part=str(row.get("part") or ""),
    )


def _range(bounds: list[float], of: str) -> str:
    low, high = (number(bound, 3) for bound in bounds)
    return say("bundle.range_of", low=low, high=high, of=of) if of else say("bundle.range", low=low, high=high)


def _part(folder: StudyFolder, part: Mapping[str, Any], evidence: Evidence | None) -> PartView:
    remarks = [part["left_out"], part["error"], part["no_figures"], *part["absent"].values()]
    of_time = part.get("figure") == "time"
    made = (figures.time_figure if of_time else figures.seeds_figure)(evidence) if evidence else None
    if made is not None:  # names are of the page, and every part has a figure of this one
        name = f"{part['name']}-{made.name}"
        made = replace(made, name=name, table=replace(made.table, name=f"{name}-table"))
    findings = [str(finding["text"]) for finding in evidence.findings] if evidence and not of_time else []
    own = claims_table(replace(evidence, claims=tuple(part["claims"]))) if evidence else None
    return PartView(
        name=part["name"],
        title=part["title"],
        data=part["data"],
        remarks=[remark for remark in remarks if remark],
        page=f"{part['folder']}/page.html" if evidence else "",
        findings=findings[:_MOST_FINDINGS],
        more=max(0, len(findings) - _MOST_FINDINGS),
        table=_table(evidence, part, _metrics(folder.read_study(), part)) if evidence else None,
        figure=made,
        still=made.still() if made else "",
        figures=replace(own, name=f"{part['name']}-claims", caption=say("bundle.figures")) if own else None,
    )


def _metrics(study: Mapping[str, Any], part: Mapping[str, Any]) -> list[str]:
    """Return the metrics that the part is about: those that it compares by, and those that the report prints."""
    named = [study["metric"], *study.get("also", ()), *(claim.get("metric") for claim in part["claims"])]
    return [name for name in dict.fromkeys(named) if name in NAMES]


def _table(evidence: Evidence, part: Mapping[str, Any], metrics: list[str]) -> Table:
    """Make the table of a part: what it compares by, and what it costs."""
    names = [name for name in metrics if any(name in level.metrics for level in evidence.levels)]
    heads = (
        say("bundle.setting"),
        *(metric_title(name) for name in names),
        say("bundle.parameters"),
        say("bundle.epochs"),
        say("bundle.seconds"),
    )

    def cells(level: Level) -> list[Cell]:
        epochs = [value for value in level.epochs.get("run") or () if value is not None]
        costs = (
            number(level.parameters),
            number(sum(epochs) / len(epochs), 3) if epochs else text(None),
            number(level.seconds.get("per_epoch"), 3),
        )
        return [*(figure(spread(level.metrics.get(name))) for name in names), *(figure(cost) for cost in costs)]

    rows = grouped(evidence, len(heads), cells)
    base = [
        [head(title), *(figure(number(values.get(name))) for name in names), *[figure(text(None), "quiet")] * 3]
        for title, values in baseline_rows(evidence)
        if any(values.get(name) is not None for name in names)
    ]
    rows += [group(say("bundle.baselines"), len(heads)), *base] if base else []
    return Table(f"{part['name']}-table", say("bundle.table"), heads, rows, say("bundle.spread"))


def _stand_ins(tree: Mapping[str, Any]) -> list[str]:
    """Say what is not the report's own, each with the parts that it is about."""
    titles: dict[str, list[str]] = {}
    for part in tree["parts"]:
        if part["stand_in"]:
            titles.setdefault(part["stand_in"], []).append(part["title"])
    return [f"{stand_in[:1].upper()}{stand_in[1:]} ({'; '.join(names)})." for stand_in, names in titles.items()]


def _command(tree: Mapping[str, Any]) -> str:
    preset = f" --preset {tree['preset']}" if tree["preset"] else ""
    return f"gatewise study {tree['name']} --data FOLDER{preset}"
