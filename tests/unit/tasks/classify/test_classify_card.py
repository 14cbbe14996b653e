"""The card of a classifier: what is found stands in it, what data say is shown as it stands, the warning always is."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from gatewise.settings.classify import ClassifySettings
from gatewise.tasks.classify.card import escape, model_card

NASTY = "ha|te`<script>\n# x"
SHOWN = r"ha\|te\`&lt;script&gt; \# x"


def config(encoder: str = "minilm", revision: str | None = "0.0.1", **result: Any) -> dict[str, Any]:
    settings = ClassifySettings.model_validate(
        {"name": "tweets", "data": {"files": ["data/secret/tweets.csv"]}, "encoder": {"name": encoder}}
    )
    metrics = {"loss": 0.3, "accuracy": 0.9125, "f1_macro": 0.75, "tuned_f1_macro": 0.776, "ece": None}
    one = {"precision": 0.5, "recall": 0.25, "f1": 0.333333, "support": 40, "average_precision": 0.4}
    found = {
        "classes": [NASTY, "neither"],
        "sizes": {"train": 600, "validation": 70, "test": 300},
        "metrics": {"train": metrics, "test": metrics},
        "baselines": {"majority": {"test": {"accuracy": 0.77, "f1_macro": 0.29}}},
        "verdict": {"metric": "f1_macro", "against": "tfidf_logistic", "says": "better", "ratio": 1.027,
                    "ours": {"value": 0.75}, "theirs": {"value": 0.73}, "interval": [0.01, 0.03],
                    "mcnemar": {"p": 0.004}},
        "tuned_verdict": {"metric": "tuned_f1_macro", "against": "tfidf_svm", "says": "undecided",
                          "ours": {"value": 0.776}, "theirs": {"value": 0.77}, "interval": [-0.01, 0.02]},
        "per_class": {"test": {NASTY: one, "neither": one | {"recall": 0.8}}},
        "tuned_per_class": {"test": {NASTY: one | {"recall": 0.6125}, "neither": one}},
        "thresholds": {"offsets": {NASTY: 0.5, "neither": -0.25}},
        "operating_points": [{"class": NASTY, "wanted": "recall", "value": 0.8, "threshold": 0.0625,
                              "validation": {"precision": 0.31, "recall": 0.81},
                              "test": {"precision": 0.29, "recall": 0.7875, "called": 90}}],
        "calibration": {"bins": [], "ece": 0.012, "temperature": 1.31, "ece_before": 0.041},
        "agreement": {"unanimous": {"texts": 200, "accuracy": 0.97, "f1_macro": 0.8},
                      "contested": {"texts": 1100, "accuracy": 0.66, "f1_macro": 0.5}},
        "fairness": {"sentences": [f"Harmless texts with the word {NASTY!r} are called harmful."]},
        "encoder": {"name": encoder, "digest": "ab12cd", "revision": revision, "layers": 4, "width": 384},
        "cut": {"texts": 37, "tokens": 412, "share": 0.01},
        "leaking": False,
    }  # fmt: skip
    return {
        "settings": settings.model_dump(mode="json"),
        "parameters": 1234567,
        "result": {**found, **result},
    }


def front(card: str) -> dict[str, Any]:
    assert card.startswith("---\n")
    return yaml.safe_load(card.split("\n---\n")[0].removeprefix("---\n"))


def test_what_was_found_stands_in_the_card() -> None:
    card = model_card(config())
    assert "It is **better** than the baseline tfidf_logistic" in card
    assert "Difference in f1_macro: +0.0200 (95 % interval +0.0100 to +0.0300)" in card
    assert "p = 0.004" in card
    assert "it is **undecided** beside tfidf_svm. Difference in tuned_f1_macro: +0.0060" in card
    assert "| this model | 0.9125 | 0.75 | 0.776 |" in card
    assert "| majority | 0.77 | 0.29 | - |" in card
    assert f"| {SHOWN} | tuned thresholds | 0.5 | 0.6125 | 0.333333 | 40 |" in card
    assert f"| {SHOWN} | recall 0.8 | 0.0625 | 0.31 | 0.81 | 0.29 | 0.7875 |" in card
    assert f"{SHOWN} +0.500, neither -0.250" in card
    assert "0.012; it was 0.041 before the logits were divided by the temperature 1.31" in card
    assert "| contested (1,100 texts) | 0.66 | 0.5 |" in card
    assert "encoder **minilm**, revision 0.0.1, digest ab12cd" in card
    assert "entities, normalize, retweets" in card
    assert "37 of these texts were longer, and 412 tokens were cut off" in card
    assert "train 600, validation 70, test 300" in card
    assert "leaks" not in card


def test_front_matter_is_what_a_hub_reads() -> None:
    found = front(model_card(config()))
    assert found["pipeline_tag"] == "text-classification"
    assert found["base_model"] == "sentence-transformers/all-MiniLM-L6-v2"
    result = found["model-index"][0]["results"][0]
    assert result["dataset"]["name"] == "tweets.csv"
    assert {"type": "f1_macro", "value": 0.29, "name": "test f1_macro of majority"} in result["metrics"]
    assert {"type": "accuracy", "value": 0.9125, "name": "test accuracy of this model"} in result["metrics"]


@pytest.mark.parametrize(
    ("name", "revision", "base"),
    [
        ("GroNLP/hateBERT", "f56d5", "GroNLP/hateBERT"),
        ("bert-base-uncased", "86b5e", "bert-base-uncased"),
        ("models/mine", None, None),
        ("/home/someone/mine", None, None),
        ("words", None, None),
    ],
)
def test_only_a_published_encoder_is_a_base_model(name: str, revision: str | None, base: str | None) -> None:
    card = model_card(config(name, revision))
    assert front(card).get("base_model") == base
    assert "/home/someone" not in card  # nor is the place of a folder told


def test_nothing_from_data_is_read_as_markdown_or_html() -> None:
    tree = config()
    tree["settings"]["name"] = "run|`<b>`\n---\nlicense: mit"
    card = model_card(tree)
    body = card.split("\n---\n", 1)[1]
    assert "<script>" not in body
    assert "<b>" not in body
    assert "\n# x" not in body
    assert front(card)["license"] == "other"
    assert "secret" not in card
    assert escape("a\x1b[31m\u202eb \\ *c*") == r"a\\x1b\[31m\\u202eb \\ \*c\*"


def test_the_warning_is_always_there() -> None:
    bare = copy.deepcopy(config("words", None))
    kept = {"classes", "metrics", "baselines"}
    bare["result"] = {name: value for name, value in bare["result"].items() if name in kept} | {
        "metrics": {},
        "leaking": True,
    }
    for card in (model_card(config()), model_card(bare)):
        assert "**Do not let it moderate or judge people unattended.**" in card
        assert "a person decides" in card
        assert "Labels are opinions" in card
        assert "Language drifts" in card
        assert "{" not in card.split("```")[0]
    assert "Nothing was held out" in card
    assert "No pretrained encoder: vectors of words" in card
    assert "Not looked at: name the harmless class" in card
    assert "**Its test part leaks**" in card
    assert "## Calibration" not in card
