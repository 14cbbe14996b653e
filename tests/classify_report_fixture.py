"""Make run and study folders of classification with plausible numbers, so that their report needs no training."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gatewise.runs import RunFolder
from gatewise.settings import ClassifySettings
from gatewise.studies.compare import compare_study
from gatewise.studies.file import resolve
from gatewise.studies.folder import StudyFolder
from gatewise.studies.plan import plan_study

CLASSES = ("hate", "offensive", "neither")
SUPPORT = (429, 5757, 1249)
ENVIRONMENT = {
    "python": "3.11.2",
    "packages": {"gatewise": "0.1.0", "torch": "2.13.0"},
    "platform": "Linux 6.1 x86_64",
    "cpu": {"model": "Example CPU", "cores": 2},
}
#: Texts that a reader of these files does not mind: label, predicted, text, words with their effects.
MISTAKES = (
    ("hate", "neither", "RT @anna: these people should all go back where they came from", "go back people"),
    ("neither", "offensive", "My dog is such a b****, she steals my socks every morning 😂", "b**** such 😂"),
    ("offensive", "neither", 'what a <clown> & a "fool" you are, honestly...', "clown fool honestly"),
    ("neither", "hate", "به این فیلم باید صد بار نگاه کرد", "باید فیلم"),
)


def matrix(recalls: Sequence[float], support: Sequence[int] = SUPPORT) -> list[list[int]]:
    """Return a confusion matrix whose misses go to the commonest other class, mostly."""
    rows = []
    for number, (recall, count) in enumerate(zip(recalls, support, strict=True)):
        hit = round(recall * count)
        others = [place for place in range(len(support)) if place != number]
        weights = np.array([support[place] for place in others], float)
        missed = np.floor((count - hit) * weights / weights.sum()).astype(int)
        missed[int(weights.argmax())] += count - hit - int(missed.sum())
        row = [0] * len(support)
        row[number] = hit
        for place, many in zip(others, missed, strict=True):
            row[place] = int(many)
        rows.append(row)
    return rows


def of_classes(rows: Sequence[Sequence[int]], classes: Sequence[str]) -> dict[str, dict[str, Any]]:
    table = np.array(rows, float)
    found = {}
    for number, name in enumerate(classes):
        hit, called, there = table[number, number], table[:, number].sum(), table[number].sum()
        precision, recall = (float(hit / whole) if whole else 0.0 for whole in (called, there))
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        area = 0.6 * max(precision, recall) + 0.3
        found[name] = {"precision": precision, "recall": recall, "f1": f1, "support": int(there),
                       "average_precision": area}  # fmt: skip
    return found


def metrics(rows: Sequence[Sequence[int]]) -> dict[str, float]:
    table = np.array(rows, float)
    each = of_classes(rows, [str(number) for number in range(len(rows))])
    right = float(np.trace(table) / table.sum())
    f1 = [one["f1"] for one in each.values()]
    share = table.sum(1) / table.sum()
    return {
        "accuracy": right, "f1_macro": float(np.mean(f1)), "f1_weighted": float(share @ f1),
        "average_precision": float(np.mean([one["average_precision"] for one in each.values()])),
        "matthews": 2 * right - 1.05, "nats": 1.1 * (1 - right) + 0.17, "brier": 1.4 * (1 - right), "ece": 0.011,
    }  # fmt: skip


def tuned(found: Mapping[str, float], rows: Sequence[Sequence[int]]) -> dict[str, float]:
    known = metrics(rows)
    return {**found, **{f"tuned_{name}": known[name] for name in ("accuracy", "f1_macro", "f1_weighted", "matthews")}}


def bins(gap: float) -> list[dict[str, Any]]:
    sure = [0.42 + 0.04 * step for step in range(15)]
    right = [max(0.0, x - gap * (1.02 - x) * 4) for x in sure]
    return [
        {"from": x - 0.02, "to": x + 0.02, "n": 490, "confidence": x, "accuracy": y}
        for x, y in zip(sure, right, strict=True)
    ]


def mistakes(rows: Sequence[tuple[str, str, str, str]] = MISTAKES) -> list[dict[str, Any]]:
    made = []
    for number, (label, predicted, text, words) in enumerate(rows):
        effects = []
        for place, word in enumerate(words.split()):
            start = text.index(word)
            effects.append([start, start + len(word), (2.1 - 0.5 * place) * (-1) ** (place == 2)])
        made.append({
            "file": "tweets.csv", "row": 100 + number, "text": text, "label": label, "predicted": predicted,
            "prob": 0.98 - 0.01 * number, "words": effects, "votes": [2.0, 1.0, 0.0],
        })  # fmt: skip
    return made


def alarms(name: str, n: int, share: float, says: str) -> dict[str, Any]:
    others = {"n": 1249 - n, "alarms": 90, "share": 0.08, "interval": [0.06, 0.1]}
    return {
        "name": name, "n": n, "alarms": round(n * share), "share": share, "interval": [share - 0.05, share + 0.06],
        "others": others, "difference": share - 0.08, "difference_interval": [share - 0.13, share - 0.01],
        "says": says, "few": n < 30,
    }  # fmt: skip


def fairness() -> dict[str, Any]:
    swapped = [("women", 3, 0.21), ("muslims", 9, 0.48), ("teachers", 1, 0.09)]
    cases = [
        {"kind": "neutral", "sentence": "I had lunch with two {} from work today.",
         "probabilities": {"women": 0.1, "muslims": 0.6, "teachers": 0.05}, "called": ["muslims"]},
        {"kind": "positive", "sentence": "{} are a great part of this team.",
         "probabilities": {"women": 0.1, "muslims": 0.3, "teachers": 0.05}, "called": []},
    ]  # fmt: skip
    return {
        "harmless": "neither", "overall": {"n": 1249, "alarms": 112, "share": 0.09, "interval": [0.075, 0.107]},
        "groups": [alarms("north", 600, 0.13, "worse"), alarms("south", 620, 0.05, "better")],
        "terms": [alarms("women", 60, 0.09, "undecided"), alarms("muslims", 21, 0.3, "worse")],
        "templates": {
            "language": "English", "depends": 8, "cases": cases,
            "terms": [{"term": name, "called": called, "share": called / 20, "interval": [0.02, 0.4],
                       "probability": mean} for name, called, mean in swapped],
            "gap": {"high": "muslims", "low": "teachers", "difference": 0.39, "interval": [0.2, 0.58], "says": "worse"},
        },
        "sentences": ["Harmless texts of the group 'north' draw more false alarms: 13.0 % of 600.",
                      "This says how this model behaves on these texts, not why."],
    }  # fmt: skip


def encoder(name: str = "minilm", **more: Any) -> dict[str, Any]:
    return {
        "name": name, "architecture": "bert", "digest": name.encode().hex().ljust(64, "0"), "revision": None,
        "layers": [-4, -3, -2, -1], "mix": [0.18, 0.22, 0.27, 0.33], "width": 384, "texts": 24_783, "fresh": 24_783,
        "seconds": 61.2, "texts_per_second": 405.0, "bytes": 512_000_000, **more,
    }  # fmt: skip


def result(
    recalls: Sequence[float] = (0.38, 0.955, 0.87), seed: int = 0, *, classes: Sequence[str] = CLASSES,
    support: Sequence[int] = SUPPORT, base: Sequence[float] = (0.45, 0.92, 0.86), **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """Return the result of a run whose classes are found with these recalls."""
    plain = matrix(recalls, support)
    by_threshold = matrix([min(0.97, recalls[0] + 0.16), *(recall - 0.015 for recall in recalls[1:])], support)
    other = matrix(base, support)
    low = matrix([0.0] * (len(support) - 1) + [1.0], support)
    test, theirs = tuned(metrics(plain), by_threshold), tuned(metrics(other), other)
    ours, value = test["f1_macro"], theirs["f1_macro"]
    says = "better" if ours > value + 0.01 else "worse" if ours < value - 0.01 else "undecided"
    judged = {
        "metric": "f1_macro", "against": "tfidf_balanced", "ratio": ours / value, "says": says, "p": 0.004,
        "interval": [ours - value - 0.012, ours - value + 0.012],
        "ours": {"value": ours, "interval": [ours - 0.02, ours + 0.02]},
        "theirs": {"value": value, "interval": [value - 0.02, value + 0.02]},
        "test": "Paired bootstrap over 7,435 texts",
        "mcnemar": {"ours_alone": 341, "theirs_alone": 262, "statistic": 10.1, "p": 0.0015, "exact": False},
    }  # fmt: skip
    sure, doubtful = ([min(0.99, scale * recall) for recall in recalls] for scale in (1.1, 0.75))
    gap = test["tuned_f1_macro"] - theirs["tuned_f1_macro"]
    points = [{
        "class": classes[0], "wanted": "recall", "value": 0.8, "threshold": 0.084, "reached": True,
        "validation": {"precision": 0.31, "recall": 0.81, "called": 0.157},
        "test": {"precision": 0.29, "recall": 0.79, "called": 0.157},
    }]  # fmt: skip
    return {
        "format_version": 1, "status": "finished", "task": "classify", "name": f"run {seed}", "parameters": 913_027,
        "classes": list(classes), "sizes": {"train": 15_613, "validation": 1_735, "test": sum(support)},
        "leaking": False, "trained": 1, "epochs": {"run": 5, "best": 4},
        "seconds": {"total": 130.0, "data": 64.0, "train": 41.0, "per_epoch": 8.2, "per_step_median": 0.016},
        "exclusive": True, "threads": 2, "kernel": "native",
        "metrics": {"test": {"loss": 0.26, **test}, "validation": {"loss": 0.25, **test}},
        "baselines": {
            "majority": {"test": tuned(metrics(low), low)},
            "tfidf_logistic": {"test": {**theirs, "f1_macro": value - 0.028}},
            "tfidf_balanced": {"test": theirs},
        },
        "verdict": judged,
        "intervals": {"f1_macro": [0.741, 0.776]},
        "tuned_verdict": {
            **judged, "metric": "tuned_f1_macro", "interval": [gap - 0.012, gap + 0.012],
            "ours": {"value": test["tuned_f1_macro"]}, "theirs": {"value": theirs["tuned_f1_macro"]},
        },
        "per_class": {"test": of_classes(plain, classes)},
        "tuned_per_class": {"test": of_classes(by_threshold, classes)},
        "baseline_per_class": {"tfidf_balanced": of_classes(other, classes), "majority": of_classes(low, classes)},
        "confusion": {"test": plain, "tuned": by_threshold, "baseline": {"name": "tfidf_balanced", "matrix": other}},
        "calibration": {"temperature": 1.32, "ece": 0.011, "ece_before": 0.047, "bins": bins(0.01),
                        "bins_before": bins(0.06)},
        "thresholds": {"chosen_on": "validation", "offsets": dict(zip(classes, (0.9, -0.2, 0.0), strict=False))},
        "operating_points": points,
        "agreement": {"unanimous": {"texts": 5_310, **metrics(matrix(sure, support))},
                      "contested": {"texts": 2_125, **metrics(matrix(doubtful, support))}},
        "mistakes": mistakes(), "fairness": fairness(), "encoder": encoder(),
        "cut": {"texts": 12, "tokens": 88, "share": 0.0002}, "empty": 0,
        "notes": ["the text was taken from the column tweet, the label from the column class"], **more,
    }  # fmt: skip


def write_run(folder: Path, content: dict[str, Any], *, seed: int = 0, **settings: Any) -> Path:
    run = RunFolder(folder)
    folder.mkdir(parents=True)
    tree = {"name": "small", "seed": seed, "data": {"files": ["tweets.csv"]}, "encoder": {"name": "minilm"}, **settings}
    run.write_settings(ClassifySettings.model_validate(tree).model_dump(mode="json"))
    run.write_environment(ENVIRONMENT)
    nats, score = (content["metrics"]["test"][name] for name in ("nats", "f1_macro"))
    run.write_log([
        {"epoch": epoch, "train_loss": nats + 0.5 * 0.6**epoch - 0.02 * epoch,
         "validation_loss": nats + 0.3 * 0.5**epoch, "validation_accuracy": 0.91 - 0.1 * 0.5**epoch,
         "validation_f1_macro": score - 0.2 * 0.5**epoch}
        for epoch in range(1, 6)
    ])  # fmt: skip
    run.write_result(content)
    return folder


def make_classify_run(folder: Path, recalls: Sequence[float] = (0.38, 0.955, 0.87), **more: Any) -> Path:
    """Write a run folder that stands alone."""
    return write_run(folder, result(recalls, **more))


def make_classify_study(folder: Path, score: Any, *, seeds: int = 3, **tree: Any) -> Path:
    """Write a study folder; ``score(levels, seed)`` gives a result."""
    file = {"name": "tweets-small", "task": "classify", "question": "Which is best?", "data": {"files": ["tweets.csv"]}}
    planned = plan_study(resolve({**file, "seeds": seeds, **tree}), lambda data: "digest")
    place = StudyFolder(folder)
    folder.mkdir(parents=True)
    place.write_study(planned.to_json())
    for run in planned.runs:
        write_run(place.run(run.fingerprint).path, score(run.levels, run.seed), seed=run.seed)
    compare_study(folder)
    return folder


def encoders_study(folder: Path, **more: Any) -> Path:
    """Encoders, of which one never finds the rare class, with claims about single classes."""
    found = {"BERT": (0.24, 0.96, 0.84), "HateBERT": (0.36, 0.957, 0.89), "T5 decoder": (0.0, 0.90, 0.95)}

    def score(levels: dict[str, Any], seed: int) -> dict[str, Any]:
        hate, *others = found[levels["encoder"]]
        moved = [
            hate + 0.01 * math.sin(5 * seed) if hate else 0.0,
            *(one + 0.003 * math.sin(3 * seed) for one in others),
        ]
        facts = encoder({"BERT": "bert-base-uncased", "HateBERT": "GroNLP/hateBERT"}.get(levels["encoder"], "t5-small"))
        return result(moved, seed, encoder=facts)

    names = ("bert-base-uncased", "GroNLP/hateBERT", "t5-small")
    levels = {label: {"encoder.name": name} for label, name in zip(found, names, strict=True)}
    claims = [
        {"claim": "HateBERT, F1 of hate", "report": 0.41, "metric": "f1", "of_class": "hate",
         "where": {"encoder": "HateBERT"}},
        {"claim": "T5-small, F1 of hate", "report": 0.0, "metric": "f1", "of_class": "hate",
         "where": {"encoder": "T5 decoder"}},
        {"claim": "HateBERT finds most classes right", "report": "HateBERT", "metric": "accuracy"},
    ]  # fmt: skip
    return make_classify_study(folder, score, vary={"encoder": levels}, claims=claims, also=["accuracy"], **more)


def size_study(folder: Path, **more: Any) -> Path:
    """Ever more training texts; the network overtakes the baselines."""

    def score(levels: dict[str, Any], seed: int) -> dict[str, Any]:
        much = math.log10(levels["split.train_size"]) / 4
        moved = [0.42 * much, 0.93 + 0.02 * much, 0.45 + 0.42 * much + 0.01 * math.sin(seed)]
        return result(moved, seed, base=(0.3 * much + 0.05, 0.93, 0.6 + 0.2 * much), encoder=None)

    sizes = [100, 300, 1000, 4000, 15000]
    return make_classify_study(folder, score, vary={"split.train_size": sizes}, encoder={"name": "words"}, **more)


def many_classes(folder: Path) -> Path:
    """Twenty classes with long names."""
    names = [f"a topic with a long name {number}" for number in range(20)]
    recalls = [0.3 + 0.03 * number for number in range(20)]
    support = [40 + 10 * number for number in range(20)]
    more = {"mistakes": [], "fairness": None, "agreement": None, "encoder": None}
    return write_run(folder, result(recalls, classes=names, support=support, base=recalls, **more))


if __name__ == "__main__":  # to look at: python tests/classify_report_fixture.py FOLDER
    import sys

    from gatewise.report import make_report

    home = Path(sys.argv[1])
    make_report(make_classify_run(home / "run"))
    make_report(make_classify_run(home / "worse", (0.2, 0.95, 0.8)))
    for make in (encoders_study, size_study, many_classes):
        make_report(make(home / make.__name__.removesuffix("_study")))
