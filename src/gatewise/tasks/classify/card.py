"""The model card of a classifier: what it is, how good, for whom it is unfair, and what it must not be used for."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from gatewise import registry
from gatewise.harmless import harmless
from gatewise.settings.classify import FROM_SCRATCH
from gatewise.tasks.card import front_matter, metric_rows, number, title, verdict_sentence

__all__ = ["escape", "model_card"]

_SHOWN = (
    "accuracy", "f1_macro", "f1_weighted", "average_precision", "matthews", "nats", "ece", "tuned_accuracy",
    "tuned_f1_macro",
)  # fmt: skip
#: Encoders under a short name of ours, and where they were published.
_PUBLISHED = {"minilm": "sentence-transformers/all-MiniLM-L6-v2"}
_AGREED = ("unanimous", "contested")

_CARD = """---
{front}---

# {title}

{verdict}

**Do not let it moderate or judge people unattended.** It may sort what a person looks at first; a person decides, sees
the text and its context, and can be asked again.

{rows}

{facts}

## What it must not be used for

To remove, hide, report or punish by its prediction alone, to rate people by what they write, or to read one text as
proof of what somebody is. Because:

- False alarms fall on some people more than on others. Models trained on labels of offence called tweets in African
  American English offensive up to twice as often as others (Sap et al. 2019), and a word for a group can be enough.
- Labels are opinions. Annotators disagree, and other instructions give other labels: the figures above are agreement
  with those who labelled these texts.
- Language drifts. What it learned is as old as its training texts, and as one-sided as the way they were gathered.

Instead: let it put texts in an order for people to read, choose a threshold for the mistake that is worse, look at the
false alarms of the groups that it will meet, and measure again on new texts.
{sections}
## Use

```python
from gatewise import TextClassifier

model = TextClassifier.load("FOLDER")
model.predict(["a text"])
```
"""


def model_card(config: Mapping[str, Any]) -> str:
    """Return the card of a model folder's ``config.json`` as Markdown with YAML front matter.

    Whatever comes from data or from the user (names of classes, files, groups, words) is shown as it stands: nothing in
    it is read as Markdown or HTML.
    """
    settings, result = config["settings"], config["result"]
    test = result["metrics"].get("test") or {}
    shown = [name for name in _SHOWN if test.get(name) is not None]
    rows = {"this model": test} | {name: entry["test"] for name, entry in result["baselines"].items()}
    front = front_matter(
        config, rows, shown, kind="text-classification",
        dataset={"name": _files(settings), "type": "text"}, tags=("text-classification",),
        base_model=_base_model(settings, result),
    )  # fmt: skip
    sections = {
        "Class by class": _classes(result),
        "Thresholds": _thresholds(result),
        "Calibration": _calibration(result),
        "Agreement of the annotators": _agreement(result),
        "Fairness": _fairness(result),
    }
    return _CARD.format(
        front=front,
        title=escape(title(config)),
        verdict=_verdict(result),
        rows=metric_rows(rows, shown) if shown else "",
        facts="\n".join(f"- {fact}" for fact in _facts(config)),
        sections="".join(f"\n## {head}\n\n{text}\n" for head, text in sections.items() if text),
    )


def escape(text: object) -> str:
    r"""Return text on one line in which nothing is read as Markdown, HTML or a control character.

    Examples
    --------
    >>> print(escape("a|b\n`<i>`"))
    a\|b \`&lt;i&gt;\`
    """
    line = " ".join(harmless(" ".join(str(text).split())).split())
    return re.sub(r"([\\`*_{}\[\]#|~$])", r"\\\1", html.escape(line, quote=False))


def _files(settings: Mapping[str, Any]) -> str:
    return ", ".join(PurePath(file).name for file in settings["data"]["files"]) or "texts given in Python"


def _base_model(settings: Mapping[str, Any], result: Mapping[str, Any]) -> str | None:
    """Return the encoder's name on the hub; a folder of the user has none."""
    name = settings["encoder"]["name"]
    found = result.get("encoder") or {}
    on_hub = re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name) and found.get("revision") and name not in FROM_SCRATCH
    return _PUBLISHED.get(name) or (name if on_hub else None)


def _verdict(result: Mapping[str, Any]) -> str:
    """Say whether it beats the best baseline, by the likeliest class and by thresholds."""
    verdict, tuned = result.get("verdict"), result.get("tuned_verdict")
    said = verdict_sentence(result) + _difference(verdict)
    if tuned:
        said += (
            f"\n\nBoth decided by thresholds from validation, it is **{tuned['says']}** beside {tuned['against']}."
            f"{_difference(tuned)}"
        )
    return said


def _difference(verdict: Mapping[str, Any] | None) -> str:
    said = ""
    if verdict and verdict.get("interval"):
        low, high = verdict["interval"]
        said += (
            f" Difference in {verdict['metric']}: {verdict['ours']['value'] - verdict['theirs']['value']:+.4f} (95 % "
            f"interval {low:+.4f} to {high:+.4f})."
        )
    if verdict and verdict.get("mcnemar"):
        said += f" McNemar's test on the same texts: p = {verdict['mcnemar']['p']:.3g}."
    return said


def _facts(config: Mapping[str, Any]) -> list[str]:
    """Say what it is made of and what it needs."""
    settings, result = config["settings"], config["result"]
    model, data = settings["model"], settings["data"]
    ways = "both directions" if model["bidirectional"] else "one direction"
    steps = registry.cleaning_steps(data["cleaning"])
    sizes = result.get("sizes") or {}
    facts = [
        f"Classes: {', '.join(escape(name) for name in result['classes'])}.",
        f"Network: {model['cell']}, {model['layers']} x {model['units']} units, {ways}, pooling "
        f"{', '.join(model['pooling'])}, {config['parameters']:,} weights of its own.",
        _encoder(settings, result.get("encoder")),
        f"Cleaning, done in the same way at prediction: {', '.join(steps) or 'none'}.",
        f"Trained on {escape(_files(settings))}; texts: "
        f"{', '.join(f'{part} {count:,}' for part, count in sizes.items()) or 'not counted'}. Split: "
        f"{settings['split']['kind']}.",
    ]
    if result.get("leaking"):
        facts.append("**Its test part leaks**: texts nearly like those of the training part may be in it.")
    if cut := result.get("cut"):
        facts.append(
            f"It reads {data['max_tokens']} tokens of a text: {cut['texts']:,} of these texts were longer, and "
            f"{cut['tokens']:,} tokens were cut off."
        )
    return facts


def _encoder(settings: Mapping[str, Any], found: Mapping[str, Any] | None) -> str:
    name = settings["encoder"]["name"]
    if not found:
        return f"No pretrained encoder: vectors of {escape(name)} that training found."
    shown = name if _base_model(settings, {"encoder": found}) else PurePath(name).name
    revision = f", revision {escape(found['revision'])}" if found.get("revision") else ""
    return (
        f"It needs the encoder **{escape(shown)}**{revision}, digest {escape(found['digest'])}; another one is refused."
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    cells = ([cell if isinstance(cell, str) else number(cell) for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def _classes(result: Mapping[str, Any]) -> str:
    parts = {"likeliest class": result.get("per_class"), "tuned thresholds": result.get("tuned_per_class")}
    rows = [
        [escape(name), how, *(one.get(what) for what in ("precision", "recall", "f1", "support"))]
        for how, by_part in parts.items()
        for name, one in ((by_part or {}).get("test") or {}).items()
    ]
    return _table(("class", "decided by", "precision", "recall", "F1", "support"), rows) if rows else ""


def _thresholds(result: Mapping[str, Any]) -> str:
    said = []
    if offsets := (result.get("thresholds") or {}).get("offsets"):
        listed = ", ".join(f"{escape(name)} {value:+.3f}" for name, value in offsets.items())
        said.append(f"Added to the log-probabilities by `predict(texts, tuned=True)`, chosen on validation: {listed}.")
    rows = [
        [
            escape(point["class"]), f"{escape(point['wanted'])} {number(point['value'])}", point["threshold"],
            *((point.get(part) or {}).get(what) for part in ("validation", "test") for what in ("precision", "recall")),
        ]
        for point in result.get("operating_points") or []
    ]  # fmt: skip
    if rows:
        heads = ("class", "wanted", "threshold", "precision, validation", "recall, validation", "precision", "recall")
        said.append(_table(heads, rows))
    return "\n\n".join(said)


def _calibration(result: Mapping[str, Any]) -> str:
    found = result.get("calibration")
    if not found:
        return ""
    return (
        f"Mean distance of confidence from accuracy (ECE, 15 bins): {number(found.get('ece'))}; it was "
        f"{number(found.get('ece_before'))} before the logits were divided by the temperature "
        f"{number(found.get('temperature'))}, which was found on validation."
    )


def _agreement(result: Mapping[str, Any]) -> str:
    found = result.get("agreement") or {}
    rows = {f"{kind} ({found[kind]['texts']:,} texts)": found[kind] for kind in _AGREED if found.get(kind)}
    shown = [name for name in _SHOWN if any(values.get(name) is not None for values in rows.values())]
    said = "On test texts about which all annotators agreed, and on those about which they did not:"
    return f"{said}\n\n{metric_rows(rows, shown)}" if shown else ""


def _fairness(result: Mapping[str, Any]) -> str:
    found = result.get("fairness")
    if not found:
        return (
            "Not looked at: name the harmless class (`harmless`), and words for people (`terms`) or a column of groups "
            "(`fairness`), before anybody is affected by what it says."
        )
    return "\n".join(f"- {escape(sentence)}" for sentence in found["sentences"])
