"""What a classifier is worth: metrics by part, baselines treated the same way, and a verdict in one word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.data.labelled import Labelled
from gatewise.metrics.classify import TUNED_METRICS, class_metrics, per_class, reliability_bins
from gatewise.metrics.confusion import DECISIONS, confusion
from gatewise.metrics.decisions import bootstrap_metric, compare_metric, mcnemar
from gatewise.metrics.own import measure
from gatewise.metrics.table import Metric
from gatewise.tasks.classify.calibration import at_temperature, fit_temperature
from gatewise.tasks.classify.thresholds import at_threshold, choose_offsets, decide, operating_point

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: What a verdict is about: accuracy alone is high for whoever always says the commonest class.
METRIC = "f1_macro"


@dataclass(frozen=True)
class Answers:
    """What one model said of one part.

    Attributes
    ----------
    target : (n,) true classes.
    log_probs : (n, C)
    offsets : (C,) of the decision by thresholds; None where no validation part could choose them.
    own : metrics of the user's own.
    """

    target: Ints
    log_probs: Floats
    offsets: Floats | None = None
    own: tuple[Metric, ...] = ()

    @property
    def predicted(self) -> Ints:
        """The likeliest class of each text."""
        return decide(self.log_probs)

    @property
    def tuned(self) -> Ints:
        """The class of each text by the thresholds; the likeliest where there are none."""
        return decide(self.log_probs, self.offsets)

    @cached_property
    def metrics(self) -> dict[str, float | None]:
        """Return every metric, those of the decision by thresholds with ``tuned_`` before their name."""
        probs = np.exp(self.log_probs)
        found = class_metrics(self.target, probs, self.predicted)
        given = {"target": self.target, "probs": probs, "predicted": self.predicted}
        found |= measure(self.own, given)
        if self.offsets is None:
            return found
        tuned = class_metrics(self.target, probs, self.tuned)
        return found | {name: tuned[name.removeprefix("tuned_")] for name in TUNED_METRICS}

    def intervals(self) -> dict[str, list[float] | None]:
        """Return the 95 % interval of each metric of a decision, by the bootstrap over the texts."""
        decided = dict.fromkeys(DECISIONS, self.predicted)
        if self.offsets is not None:
            decided |= dict.fromkeys((f"tuned_{name}" for name in DECISIONS), self.tuned)
        count = self.log_probs.shape[1]
        found = {
            name: bootstrap_metric(self.target, said, name.removeprefix("tuned_"), classes=count)
            for name, said in decided.items()
        }
        return {name: list(ends) if ends else None for name, ends in found.items()}


@dataclass(frozen=True)
class Settled:
    """What the validation part decided for one model: its temperature and its offsets."""

    temperature: float = 1.0
    offsets: Floats | None = None

    @classmethod
    def on(cls, log_probs: Floats, target: Ints) -> Settled:
        """Choose both on the validation part; an empty one decides nothing."""
        if not len(target):
            return cls()
        temperature = fit_temperature(log_probs, target)
        return cls(temperature, choose_offsets(at_temperature(log_probs, temperature), target))

    def answers(self, log_probs: Floats, target: Ints, own: tuple[Metric, ...] = ()) -> Answers:
        """Return what the model says of a part with what was decided."""
        return Answers(target, at_temperature(log_probs, self.temperature), self.offsets, own)


@dataclass
class Judged:
    """A network and its baselines over the parts of a run.

    Attributes
    ----------
    classes : their names.
    parts : the network's answers by part.
    baselines : each baseline's answers on the test part.
    wanted : class, "recall" or "precision", and the share that is wanted.
    """

    classes: tuple[str, ...]
    parts: Mapping[str, Answers]
    baselines: Mapping[str, Answers]
    wanted: Sequence[tuple[str, str, float]] = ()
    temperature: float = 1.0
    uncalibrated: Floats | None = None  # the test part's, for the picture before the temperature
    losses: Mapping[str, float] = field(default_factory=dict)

    def figures(self) -> dict[str, Any]:
        """Return the part of ``result.json`` that says how good the network is."""
        metrics = {part: {"loss": self.losses.get(part)} | one.metrics for part, one in self.parts.items()}
        found: dict[str, Any] = {
            "classes": list(self.classes),
            "metrics": metrics,
            "baselines": {name: {"test": one.metrics} for name, one in self.baselines.items()},
            "verdict": None,
            "per_class": {},
            "tuned_per_class": {},
            "confusion": {},
            "calibration": None,
            "thresholds": self._thresholds(),
            "operating_points": self._operating_points(),
        }
        for part, one in self.parts.items():
            probs = np.exp(one.log_probs)
            found["per_class"][part] = per_class(one.target, one.predicted, probs, self.classes)
            if one.offsets is not None:
                found["tuned_per_class"][part] = per_class(one.target, one.tuned, probs, self.classes)
        if "test" in self.parts:
            best = self._best_baseline()
            found["verdict"] = verdict(self.parts["test"], self.baselines, METRIC)
            found["tuned_verdict"] = verdict(self.parts["test"], self.baselines, METRIC, tuned=True)
            found["confusion"] = self._confusion(best)
            found["baseline_per_class"] = {
                name: per_class(one.target, one.predicted, np.exp(one.log_probs), self.classes)
                for name, one in self.baselines.items()
            }
            found["calibration"] = self._calibration(metrics["test"])
            found["intervals"] = self.parts["test"].intervals()
        return found

    def _best_baseline(self) -> str | None:
        return max(self.baselines, key=lambda name: self.baselines[name].metrics[METRIC] or 0.0, default=None)

    def _confusion(self, best: str | None) -> dict[str, Any]:
        test, count = self.parts["test"], len(self.classes)
        found: dict[str, Any] = {"test": confusion(test.target, test.predicted, count).tolist()}
        if test.offsets is not None:
            found["tuned"] = confusion(test.target, test.tuned, count).tolist()
        if best is not None:
            theirs = self.baselines[best]
            found["baseline"] = {"name": best, "matrix": confusion(theirs.target, theirs.predicted, count).tolist()}
        return found

    def _calibration(self, metrics: Mapping[str, float | None]) -> dict[str, Any]:
        test = self.parts["test"]
        before = test.log_probs if self.uncalibrated is None else self.uncalibrated
        return {
            "temperature": self.temperature,
            "ece": metrics["ece"],
            "ece_before": class_metrics(test.target, np.exp(before))["ece"],
            "bins": reliability_bins(test.target, np.exp(test.log_probs)),
            "bins_before": reliability_bins(test.target, np.exp(before)),
        }

    def _thresholds(self) -> dict[str, Any] | None:
        offsets = next((one.offsets for one in self.parts.values() if one.offsets is not None), None)
        if offsets is None:
            return None
        return {"chosen_on": "validation", "offsets": dict(zip(self.classes, offsets.tolist(), strict=True))}

    def _operating_points(self) -> list[dict[str, Any]]:
        """Return the threshold of each wanted recall or precision, and what it comes to on the test part."""
        if "validation" not in self.parts:
            return []
        validation, rows = self.parts["validation"], []
        for name, what, value in self.wanted:
            number = self.classes.index(name)
            if not (validation.target == number).any():
                continue
            point = operating_point(validation.log_probs, validation.target, number, **{what: value})
            row = {"class": name, "wanted": what, "value": value, "threshold": point.threshold}
            row |= {"reached": point.reached, "note": point.note}
            for part in ("validation", "test"):
                if part in self.parts:
                    one = self.parts[part]
                    row[part] = at_threshold(one.log_probs, one.target, number, point.threshold).to_json()
            rows.append(row)
        return rows


def verdict(
    ours: Answers, baselines: Mapping[str, Answers], metric: str, *, tuned: bool = False
) -> dict[str, Any] | None:
    """Compare with the best baseline on the test part: it is given every advantage.

    The metric by a paired bootstrap over the texts; how often each is right by McNemar's test.

    Parameters
    ----------
    tuned
        Compare the decisions by thresholds, which every model chose on the same validation part.
    """
    if not baselines or not len(ours.target) or (tuned and ours.offsets is None):
        return None
    name = f"tuned_{metric}" if tuned else metric
    reached = {who: one.metrics.get(name) or 0.0 for who, one in baselines.items()}
    against = max(reached, key=lambda who: reached[who])
    theirs = baselines[against]
    mine, other = (ours.tuned, theirs.tuned) if tuned else (ours.predicted, theirs.predicted)
    found = compare_metric(ours.target, mine, other, metric=metric, classes=ours.log_probs.shape[1])
    right = mcnemar(mine == ours.target, other == ours.target)
    value, best = ours.metrics[name], reached[against]
    return {
        "metric": name,
        "against": against,
        "ratio": value / best if value is not None and best else None,
        "says": found.says,
        "p": found.p,
        "interval": list(found.interval) if found.interval else None,
        "ours": {"value": value, "interval": list(found.ours_interval) if found.ours_interval else None},
        "theirs": {"value": best, "interval": list(found.theirs_interval) if found.theirs_interval else None},
        "test": f"Paired bootstrap over {found.n:,} texts",
        "note": found.note,
        "mcnemar": right.to_json(),
    }


def agreement(labelled: Labelled, rows: Ints, ours: Answers) -> dict[str, Any] | None:
    """Return the metrics on texts whose annotators agreed and on those where they did not; None without votes."""
    if labelled.votes is None:
        return None
    votes = labelled.votes[rows]
    same = votes.max(axis=1) >= votes.sum(axis=1)
    probs, found = np.exp(ours.log_probs), {}
    for name, some in (("unanimous", same), ("contested", ~same)):
        if some.any():
            metrics = class_metrics(ours.target[some], probs[some], ours.predicted[some])
            found[name] = {"texts": int(some.sum()), **metrics}
    return found
