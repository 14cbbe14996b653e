"""The verdict and a small table as plain text, for a terminal."""

from __future__ import annotations

from pathlib import Path

from gatewise.registry import spoken
from gatewise.report import words
from gatewise.report.bundle import bundle_lines
from gatewise.report.evidence import Evidence, read_evidence
from gatewise.report.tables import baseline_rows
from gatewise.report.translate import spoken_in, translated
from gatewise.studies.folder import BundleFolder
from gatewise.wording import say, speaking


def summary_lines(folder: Path, *, language: str | None = None) -> list[str]:
    """Return what a study or a run found as lines of text: the verdict, then each setting beside the baselines.

    Raises
    ------
    InputError
        As :func:`gatewise.report.make_report`.
    """
    folder = Path(folder)
    with speaking(language or spoken_in(folder)):
        if BundleFolder(folder).is_bundle:
            return bundle_lines(folder)
        return _lines(translated(read_evidence(folder), folder))


def _lines(evidence: Evidence) -> list[str]:
    verdict = words.verdict(evidence)
    metric = evidence.metric
    lines = [verdict.headline, *verdict.sentences]
    if evidence.leaking:
        lines.append(say(f"verdict.leaks.{spoken(evidence.task)}"))
    decisions = {row.get("label"): words.decision(row.get("says")) for row in evidence.against_baseline}
    rows = [
        (level.label, words.spread(level.metrics.get(metric)), decisions.get(level.label, ""))
        for level in evidence.levels
    ]
    rows += [
        (title, words.number(values.get(metric)), say("verdict.summary.baseline"))
        for title, values in baseline_rows(evidence)
    ]
    wide = max((len(row[0]) for row in rows), default=0), max((len(row[1]) for row in rows), default=0)
    heads = say("verdict.summary.setting"), say("verdict.summary.test", metric=words.metric_title(metric))
    lines += ["", f"{heads[0]:<{wide[0]}}  {heads[1]:>{wide[1]}}"]
    lines += [f"{name:<{wide[0]}}  {value:>{wide[1]}}  {said}".rstrip() for name, value, said in rows]
    lines += ["", *(str(finding.get("text")) for finding in evidence.findings)] if evidence.findings else []
    return lines
