"""Tables of classification runs: against baselines, class by class, operating points, agreement, the encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from gatewise.metrics.names import metric_label, metric_phrase
from gatewise.report.confusion import best_baseline, rank
from gatewise.report.evidence import Evidence, Level
from gatewise.report.figure import is_finite
from gatewise.report.table import Cell, Table, figure, grouped, head, heads_of, says, text
from gatewise.report.words import baseline_title, interval, number, p_value, percent, spread
from gatewise.wording import digits, listed, say

_MOST_CLASSES = 8  # with more of them, a class is one row
_COLUMNS = ("precision", "recall", "f1", "average_precision")


def baseline_tables(evidence: Evidence) -> list[Table]:
    """How much better than a baseline each level is, and what can be said of it: a table a baseline."""
    names = dict.fromkeys(str(row["baseline"]) for row in evidence.against_baseline if row.get("baseline"))
    made = (_baseline_table(evidence, name, f"against-{place}") for place, name in enumerate(names))
    return [table for table in made if table is not None]


def _baseline_table(evidence: Evidence, name: str, where: str) -> Table | None:
    by_label = {str(row.get("label")): row for row in evidence.against_baseline if row.get("baseline") == name}
    reference = evidence.baselines.get(name, {}).get(evidence.metric)

    def cells(level: Level) -> list[Cell]:
        row = by_label.get(level.label)
        theirs = (row or {}).get("value", reference)
        if row is None or not is_finite(theirs):
            return []
        ratios = [row.get("ratio"), *(row.get("interval") or (None, None))]
        gain, *bounds = (None if ratio is None else (ratio - 1) * theirs for ratio in ratios)
        p = row.get("p_holm") if row.get("p_holm") is not None else row.get("p")
        shown = spread(level.metrics.get(evidence.metric)), number(theirs), signed(gain), interval(bounds), p_value(p)
        return [*(figure(value) for value in shown), says(row.get("says"))]

    title = baseline_title(name)
    rest = heads_of("baselines", "difference", "interval", "p", "decision")
    heads = (*heads_of("setting"), metric_label(evidence.metric), *rest)
    rows = grouped(evidence, len(heads), cells)
    tested = " " + say("tables.against.test", test=evidence.test) if evidence.test else ""
    note = say("tables.against.difference", title=title) + tested
    return Table(where, say("tables.against.caption", title=title), heads, rows, note) if rows else None


def signed(value: float | None) -> str:
    """Write a difference with its sign."""
    return ("+" if value is not None and value > 0 else "") + number(value, 3)


def class_table(evidence: Evidence) -> Table | None:
    """Precision, recall, F1 and PR-AUC of each class: each level, the best one with thresholds, the best baseline."""
    ranked = [level for level in rank(evidence) if any(one.get("per_class") for one in level.results)]
    if not ranked:
        return None
    best, name = ranked[0], best_baseline(ranked[0])
    who: list[tuple[str, dict[str, dict[str, float]]]] = []
    for level in ranked:
        title = level.main if evidence.is_study else say("tables.classes.network")
        who.append((title, _of_classes([(one.get("per_class") or {}).get("test") for one in level.results])))
        if level is best:
            tuned = _of_classes([(one.get("tuned_per_class") or {}).get("test") for one in level.results])
            who += [(say("tables.classes.with_thresholds", title=title), tuned)] if tuned else []
    theirs = _of_classes([(one.get("baseline_per_class") or {}).get(name) for one in best.results]) if name else {}
    who += [(baseline_title(str(name)), theirs)] if theirs else []
    classes = list(who[0][1])
    if len(classes) > _MOST_CLASSES:
        return _short_class_table(classes, who)
    heads = (*heads_of("class"), *_columns())
    rows: list[list[Cell]] = []
    for one in classes:
        texts = number(round(who[0][1][one].get("support", 0)))
        rows.append([Cell(say("tables.classes.of", name=one, texts=texts), head=True, kind="group", span=len(heads))])
        known = [found[one]["f1"] for _, found in who if one in found and is_finite(found[one].get("f1"))]
        for title, found in who:
            figures = found.get(one, {})
            cells = [
                figure(number(figures.get(key), 3), "best" if key == "f1" and figures.get(key) == max(known) else "")
                for key in _COLUMNS
            ]
            rows.append([head(title), *cells])
    note = say("tables.classes.means" if evidence.is_study else "tables.classes.one")
    note = say("tables.classes.bold", note=note)
    return Table("classes-table", say("tables.classes.caption"), heads, rows, note)


def _columns() -> list[str]:
    """Return what the figures of a class are called."""
    return [metric_phrase(key) if key != "f1" else metric_label(key) for key in _COLUMNS]


def _short_class_table(classes: Sequence[str], who: Sequence[tuple[str, dict[str, dict[str, float]]]]) -> Table:
    """Make one row a class: the best level whole, of the others the F1."""
    (_, first), *others = who
    heads = (*heads_of("class", "texts"), *_columns(), *(say("tables.head.f1_of", title=title) for title, _ in others))
    rows = [
        [
            head(name),
            figure(number(round(first[name].get("support", 0)))),
            *(figure(number(first[name].get(key), 3)) for key in _COLUMNS),
            *(figure(number(found.get(name, {}).get("f1"), 3)) for _, found in others),
        ]
        for name in classes
    ]
    note = say("tables.classes.first", title=who[0][0])
    return Table("classes-table", say("tables.classes.caption"), heads, rows, note)


def _of_classes(seeds: Sequence[Mapping[str, Any] | None]) -> dict[str, dict[str, float]]:
    """Average each class's figures over seeds."""
    known = [one for one in seeds if one]
    return {
        name: means([one.get(name) for one in known]) for name in dict.fromkeys(key for one in known for key in one)
    }


def means(seeds: Sequence[Mapping[str, Any] | None]) -> dict[str, float]:
    """Average what is a number over the seeds that have it, key by key."""
    known = [one for one in seeds if one]
    keys = dict.fromkeys(key for one in known for key in one)
    values = {key: [float(one[key]) for one in known if is_finite(one.get(key))] for key in keys}
    return {key: fmean(found) for key, found in values.items() if found}


def points_table(evidence: Evidence) -> Table | None:
    """What a wanted recall or precision costs: the threshold from validation, and what it comes to on the test part."""
    columns = ("wanted", "threshold", "validation_precision", "recall", "test_precision", "recall", "called")
    heads = tuple(say(f"tables.points.{key}") for key in columns)
    rows: list[list[Cell]] = []
    level = next((one for one in rank(evidence) if any(two.get("operating_points") for two in one.results)), None)
    if level is None:
        return None
    missed = []
    for same in zip(*(one["operating_points"] for one in level.results if one.get("operating_points")), strict=False):
        first = same[0]
        wanted = say(f"tables.points.row_{first['wanted']}", name=first["class"], value=digits(f"{first['value']:g}"))
        missed += [wanted] if not all(one.get("reached", True) for one in same) else []
        parts = [means([one.get(part) for one in same]) for part in ("validation", "test")]
        shown = [number(part.get(key), 3) for part in parts for key in ("precision", "recall")]
        called = parts[1].get("called")
        threshold = means([{"threshold": one.get("threshold")} for one in same]).get("threshold")
        cells = [number(threshold, 3), *shown, number(None) if called is None else percent(called)]
        rows.append([head(wanted), *(figure(value) for value in cells)])
    note = say("tables.points.note")
    note += " " + say("tables.points.of", label=level.label) if evidence.is_study else ""
    note += " " + say("tables.points.missed", missed=listed(missed)) if missed else ""
    return Table("points-table", say("tables.points.caption"), heads, rows, note)


def agreement_table(evidence: Evidence) -> Table | None:
    """The scores on texts whose annotators agreed, and on those where they did not."""
    kinds, shown = ("unanimous", "contested"), ("accuracy", "f1_macro", "nats")

    def cells(level: Level) -> list[Cell]:
        found = {kind: means([(one.get("agreement") or {}).get(kind) for one in level.results]) for kind in kinds}
        if not any(found.values()):
            return []
        made = []
        for kind in kinds:
            texts = found[kind].get("texts", found[kind].get("n"))
            made.append(figure(number(None if texts is None else round(texts))))
            made += [figure(number(found[kind].get(key), 3)) for key in shown]
        return made

    heads = (*heads_of("setting"), *(say(f"tables.agreement.{key}") for kind in kinds for key in (kind, *shown)))
    rows = grouped(evidence, len(heads), cells)
    note = say("tables.agreement.note")
    return Table("agreement-table", say("tables.agreement.caption"), heads, rows, note) if rows else None


def encoder_table(evidence: Evidence) -> Table | None:
    """What the encoders are, how long they took, and what was cut off: one column an encoder."""
    found: dict[str, tuple[str, list[Mapping[str, Any]]]] = {}
    for level in evidence.levels:
        for one in level.results:
            facts = one.get("encoder")
            if facts:
                key = f"{facts.get('name')} {facts.get('digest')} {facts.get('layers')} {facts.get('width')}"
                found.setdefault(key, (level.main, []))[1].append(one)
    if not found:
        return None
    columns = [_encoder_column(results) for _, results in found.values()]
    names = list(dict.fromkeys(key for column in columns for key in column))
    titles = [name for name, _ in found.values()] if len(found) > 1 else heads_of("value")
    rows = [
        [head(say(f"tables.encoder.{name}")), *(Cell(column.get(name, "–"), number=False) for column in columns)]
        for name in names
    ]
    note = say("tables.encoder.note")
    return Table("encoder-table", say("tables.encoder.caption"), (*heads_of("what"), *titles), rows, note)


def _encoder_column(results: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    first = results[0]["encoder"]
    facts = [one["encoder"] for one in results]
    fresh, seconds = (sum(one.get(key) or 0 for one in facts) for key in ("fresh", "seconds"))
    speeds = [one["texts_per_second"] for one in facts if one.get("texts_per_second")]
    mixed = [one["mix"] for one in facts if one.get("mix")]
    layers = first.get("layers")
    column = {
        "name": text(first.get("name")),
        "architecture": text(first.get("architecture")),
        "revision": text(first.get("revision")),
        "digest": str(first.get("digest") or "–")[:12],
        "layers": ", ".join(map(str, layers)) if layers else say("tables.encoder.all"),
        "mix": _mix(mixed),
        "width": text(first.get("width")),
        "texts": text(first.get("texts")),
        "fresh": text(fresh),
        "seconds": number(seconds, 3) if fresh else "–",
        "speed": number(fmean(speeds), 3) if speeds else "–",
        "kept": f"{number((first.get('bytes') or 0) / 1e6, 3)} MB" if first.get("bytes") else "–",
        "cut": _cut(results[0].get("cut")),
    }
    return {name: value for name, value in column.items() if value != "–"}


def _mix(mixed: Sequence[Sequence[float]]) -> str:
    if not mixed:
        return "–"
    weights = [fmean(same) for same in zip(*mixed, strict=False)]
    return ", ".join(percent(weight, 0) for weight in weights) if len(weights) > 1 else "–"


def _cut(cut: Mapping[str, Any] | None) -> str:
    if not cut:
        return "–"
    if not cut.get("texts"):
        return say("tables.encoder.no_text")
    share = digits(f"{100 * float(cut.get('share') or 0):.2g}")
    return say("tables.encoder.cut_texts", texts=number(cut["texts"]), tokens=number(cut.get("tokens")), share=share)
