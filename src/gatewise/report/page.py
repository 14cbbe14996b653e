"""One page out of one folder: a single HTML file that needs no network, the same bytes from the same numbers."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from gatewise.errors import InputError
from gatewise.metrics.names import is_higher_better
from gatewise.report import style, words
from gatewise.report.bundle import render_bundle
from gatewise.report.evidence import Evidence, read_evidence
from gatewise.report.figure import Figure, pack
from gatewise.report.paper import Paper, paper
from gatewise.report.parts import Parts, parts_of
from gatewise.report.table import Table
from gatewise.report.tables_decide import families_note
from gatewise.report.translate import spoken_in, translated
from gatewise.runs import atomic
from gatewise.studies.folder import BundleFolder
from gatewise.wording import direction, say, speaking
from gatewise.wording import language as spoken

_PAGE = "page.html"
#: What the page says of a stretch of time that is shown, and the ends that a script fills in.
_SHOWN = {"part": ("first", "last"), "whole": ()}


def make_report(folder: Path, out: Path | None = None, *, language: str | None = None) -> Path:
    """Write the page of a study folder or of one run folder.

    Parameters
    ----------
    folder
        What ``gatewise study`` or ``gatewise fit --out`` wrote. Only its files are read; no model is loaded.
    out
        Where the page goes; ``page.html`` inside `folder` when absent.
    language
        ``en`` or ``fa``; that of the study when absent, English for a run.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    InputError
        If the folder holds neither a study (of studies) nor a run, or a file in it cannot be read.
    UnknownNameError
        If there is no such language.
    OutputError
        If the page cannot be written.

    Examples
    --------
    >>> make_report(Path("runs/stocks-cells"))  # doctest: +SKIP
    PosixPath('runs/stocks-cells/page.html')
    """
    folder = Path(folder)
    with speaking(language or spoken_in(folder)):
        if BundleFolder(folder).is_bundle:
            recorded = BundleFolder(folder).read()["language"]
            if language not in (None, recorded):
                raise InputError(
                    f"{folder}: its claims were judged in the language {recorded!r}: call `gatewise study` again with "
                    f"--language {language}; what is trained stays"
                )
            page = render_bundle(folder)
        else:
            page = render(translated(read_evidence(folder), folder))
    path = Path(out) if out is not None else folder / _PAGE
    atomic.make_folder(path.parent)
    atomic.write_text(path, page)
    return path


def render(evidence: Evidence) -> str:
    """Return the page as text."""
    parts = parts_of(evidence)
    made = paper(evidence)
    every = [figure for group in parts.figures.values() for figure in group]
    scripts = {"early": asset("early.js"), "vega": _vega(), "page": asset("page.js")}
    page: str = template().render(
        evidence=evidence,
        verdict=words.verdict(evidence),
        glance=_glance(evidence),
        parts=parts,
        figures=parts.figures,
        stills={figure.name: figure.still() for figure in every},
        tables=parts.tables,
        levels=parts.levels,
        families=families_note(evidence),
        **parts.extra,
        payload=_payload(every),
        colours=style.COLOURS,
        css=asset("page.css"),
        scripts=scripts,
        policy=policy(scripts.values()),
        language=spoken(),
        direction=direction(),
        paper=made,
        paper_parts=_paper_parts(made),
        anchors={table.name for table in _tables(parts, every)},
    )
    return page


def _paper_parts(made: Paper) -> list[tuple[str, str, str]]:
    """Return what can be copied: name, heading and text of each."""
    return [
        ("methods", say("methods.page.methods"), made.methods),
        ("table", say("methods.page.table"), made.table),
        ("references", say("methods.page.references"), made.references),
        ("again", say("methods.page.again"), "\n".join(made.again)),
    ]


def _tables(parts: Parts, every: list[Figure]) -> Iterator[Table]:
    """Yield every table that stands on the page."""
    for made in parts.tables.values():
        yield from made if isinstance(made, list) else [made] * (made is not None)
    yield from (figure.table for figure in every)


def _glance(evidence: Evidence) -> list[tuple[str, str]]:
    """Return the few numbers that a reader wants first."""
    metric, title = evidence.metric, words.metric_heading(evidence.metric)
    runs = len({run.path for level in evidence.levels for run in level.runs})
    facts = [(say("page.glance.trainings"), words.number(runs))] if evidence.is_study else []
    known = [level for level in evidence.levels if (level.metrics.get(metric) or {}).get("mean") is not None]
    reference = evidence.reference(metric)
    if reference is not None:
        facts.append(
            (
                say("page.glance.test_of", metric=title, name=words.baseline_title(evidence.baseline)),
                words.number(reference),
            )
        )
    if known:
        pick = max if is_higher_better(metric) else min
        best = pick(known, key=lambda level: level.metrics[metric]["mean"])
        facts.append((say("page.glance.test_of", metric=title, name=best.label), words.spread(best.metrics[metric])))
    timed = [level for level in evidence.levels if level.seconds.get("per_epoch")]
    if timed:
        fast = min(timed, key=lambda level: level.seconds["per_epoch"])
        form = "epoch_fastest" if len(timed) > 1 else "epoch"
        seconds = say("page.glance.seconds", seconds=words.number(fast.seconds["per_epoch"], 3))
        facts.append((say(f"page.glance.{form}", name=fast.main), seconds))
    return facts


def _payload(every: list[Figure]) -> str:
    """Return specs and data for the live figures as JSON that cannot end the script element it stands in."""
    data = {name: pack(rows) for figure in every for name, rows in figure.data.items()}
    specs = {figure.name: {key: value for key, value in figure.spec.items() if key != "config"} for figure in every}
    shown = {key: say(f"page.shown.{key}", **{end: f"<{end}>" for end in ends}) for key, ends in _SHOWN.items()}
    tree = {
        "config": style.config(),
        "data": data,
        "specs": specs,
        "shown": shown,
        "copied": say("methods.page.copied"),
        **style.locales(),
    }
    text = json.dumps(tree, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return (
        text.replace("&", "\\u0026")
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )


def policy(scripts: Any) -> str:
    """Return a content security policy: only these scripts run, and nothing is fetched."""
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    rest = "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    return f"default-src 'none'; script-src {allowed}; {rest}"


@lru_cache(maxsize=1)
def _vega() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script, from the package that also draws the still pictures."""
    import vl_convert

    bundle = str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))
    if "</script" in bundle.lower() or "<!--" in bundle:
        raise RuntimeError(
            "the Vega bundle of this vl-convert-python cannot stand inside a page: install another version"
        )
    return bundle


def asset(name: str) -> str:
    """Return a file of this room as text."""
    return files("gatewise.report").joinpath(name).read_text(encoding="utf-8")


@lru_cache
def template(name: str = "template.html") -> Any:
    """Return a template of this room."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(asset), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["say"] = say
    return environment.get_template(name)
