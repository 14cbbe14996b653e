"""The verdict and a small table as plain text, for a terminal."""

from __future__ import annotations

from pathlib import Path

from gatewise.report import words
from gatewise.report.bundle import bundle_lines
from gatewise.report.evidence import read_evidence
from gatewise.report.tables import baseline_rows
from gatewise.studies.folder import BundleFolder

_LEAKS = {
    "forecast": "The split leaks: neighbouring windows overlap, so test windows share rows with training windows.",
    "generate": "The split leaks: the network has read what stands right before and after each test window.",
    "classify": "The split leaks: texts that are nearly the same stand on both sides.",
}


def summary_lines(folder: Path) -> list[str]:
    """Return what a study or a run found as lines of text: the verdict, then each setting beside the baselines.

    Raises
    ------
    InputError
        As :func:`gatewise.report.make_report`.
    """
    if BundleFolder(folder).is_bundle:
        return bundle_lines(Path(folder))
    evidence = read_evidence(Path(folder))
    verdict = words.verdict(evidence)
    metric = evidence.metric
    lines = [verdict.headline, *verdict.sentences]
    if evidence.leaking:
        lines.append(_LEAKS.get(evidence.task, _LEAKS["forecast"]))
    decisions = {row.get("label"): str(row.get("says") or "") for row in evidence.against_baseline}
    rows = [
        (level.label, words.spread(level.metrics.get(metric)), decisions.get(level.label, ""))
        for level in evidence.levels
    ]
    rows += [(title, words.number(values.get(metric)), "baseline") for title, values in baseline_rows(evidence)]
    wide = max((len(row[0]) for row in rows), default=0), max((len(row[1]) for row in rows), default=0)
    lines += ["", f"{'setting':<{wide[0]}}  {'test ' + words.metric_title(metric):>{wide[1]}}"]
    lines += [f"{name:<{wide[0]}}  {value:>{wide[1]}}  {said}".rstrip() for name, value, said in rows]
    lines += ["", *(str(finding.get("text")) for finding in evidence.findings)] if evidence.findings else []
    return lines
