"""Nothing that a classification run fits may know a text or a label of the test part: corrupt them, nothing moves."""

import json

import numpy as np
import polars as pl
import pytest

from class_samples import QUICK, labelled_texts
from encoder_folders import make_encoder
from gatewise import registry
from gatewise.data.labelled import read_labelled
from gatewise.runs.atomic import to_json
from gatewise.settings import ClassifySettings
from gatewise.tasks.classify import run
from gatewise.tasks.classify.beside import answer_all

COUNT = 90


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GATEWISE_CACHE", str(tmp_path / "cache"))


def table(path, *, test=True, votes=False, longer=True):
    """Write texts of which a third judges; without `test` these have other words, labels, votes, and lengths if asked.

    A text's states differ in their last bits where the texts that are encoded beside it have other lengths.
    """
    texts, labels = labelled_texts(COUNT)
    parts = ["test" if row % 10 < 3 else "validation" if row % 10 == 3 else "train" for row in range(COUNT)]
    bad = [not test and part == "test" for part in parts]
    other = [
        f"zzz{row} awful lovely " * 9 if longer else " ".join(text.split()[::-1]) for row, text in enumerate(texts)
    ]
    texts = [other[row] if bad[row] else text for row, text in enumerate(texts)]
    labels = [0 if wrong else label for label, wrong in zip(labels, bad, strict=True)]
    given = np.eye(3, dtype=int)[labels] * 3 + (np.arange(COUNT) % 2)[:, None]
    frame = {"text": texts, "label": labels, "part": parts}
    if votes:
        frame |= {f"votes{number}": given[:, number] for number in range(3)}
    pl.DataFrame(frame).write_csv(path)
    return path


def fitted(path, *, votes, **flat):
    """Return everything that was fitted, as plain values, and the outcome."""
    flat |= {"votes": [f"votes{number}" for number in range(3)] if votes else ()}
    columns = {"text": "text", "label": "label", "split_column": "part"}
    settings = ClassifySettings.from_flat({**QUICK, "files": [str(path)], **columns, "epochs": 2, **flat})
    prepared = run.prepare(settings, read_labelled(settings.data, settings.split.column))
    outcome = run.fit_classify(settings, prepared)
    model, result = outcome.model, outcome.result
    found = {
        "weights": {name: tensor.tolist() for name, tensor in model.network.named_parameters() if tensor.requires_grad},
        "vocabulary": model.reader.tokens.to_json() if hasattr(model.reader, "tokens") else None,
        "temperature": model.temperature,
        "offsets": model.offsets.tolist(),
        "prior": model.prior.tolist(),
        "operating points": [
            {key: value for key, value in point.items() if key != "test"} for point in result["operating_points"]
        ],
        "metrics": {part: result["metrics"][part] for part in ("train", "validation")},
        "log": [
            {k: v for k, v in row.items() if "loss" in k or "validation" in k or k == "best"} for row in outcome.log
        ],
        "validation": outcome.predictions.filter(part="validation").drop("file").write_json(),
        "baselines": baselines_of(settings, prepared),
    }
    return {name: json.loads(to_json(value)) for name, value in found.items()}, outcome


def baselines_of(settings, prepared):
    """Return what each baseline was settled to, and what it says of texts that are the same in both tables."""
    labelled, split = prepared.labelled, prepared.split
    judged = type(split)(split.train, split.validation, split.validation, split.kind)
    inputs = prepared.reader.read(labelled.clean, keep=True)
    answers = answer_all(settings.baselines, labelled, judged, inputs.features)
    return {name: [one.offsets.tolist(), one.log_probs.tolist()] for name, one in answers.items()}


def compare(tmp_path, *, votes=False, longer=True, **flat):
    """Corrupt all rows of the test part, and ask that nothing fitted moves but what is said of the test part does."""
    before, outcome = fitted(table(tmp_path / "a.csv", votes=votes), votes=votes, **flat)
    after, changed = fitted(table(tmp_path / "b.csv", votes=votes, test=False, longer=longer), votes=votes, **flat)
    assert before["weights"]
    for name, value in before.items():
        assert after[name] == value, f"{name} has seen the test part"
    tests = [one.result["metrics"]["test"] for one in (outcome, changed)]
    assert tests[0] != tests[1]
    return before


def test_words_and_every_baseline(tmp_path):
    scratch = [name for name in registry.CLASS_BASELINES.names() if name != "encoder_logistic"]
    before = compare(tmp_path, baselines=scratch, wanted_recall={"1": 0.8}, wanted_precision={"2": 0.5})
    assert set(before["baselines"]) == set(scratch)
    assert len(before["operating points"]) == 2
    assert before["temperature"] != 1.0


@pytest.mark.parametrize("loss", registry.CLASS_LOSSES.names())
def test_every_loss_with_weights_of_classes(tmp_path, loss):
    compare(tmp_path, loss=loss, class_weight="balanced")


def test_votes(tmp_path):
    compare(tmp_path, votes=True, vote_share=0.5)


def test_fewer_texts_to_train_on(tmp_path):
    compare(tmp_path, train_size=30)


@pytest.mark.parametrize("more", [{"encoder_layers": (-2, -1)}, {"tune_layers": 1}, {"token_embedding": 3}])
def test_an_encoder(tmp_path, more):
    encoder = make_encoder(tmp_path / "bert", positions=80)
    before = compare(tmp_path, longer=False, encoder=str(encoder), baselines=("encoder_logistic",), **more)
    assert ("encoder_logistic" in before["baselines"]) == ("tune_layers" not in more)


def test_a_test_part_that_is_seen_would_be_caught(tmp_path, monkeypatch):
    real = run.split_labelled

    def leaky(labelled, settings):
        split = real(labelled, settings)
        return type(split)(np.sort(np.concatenate([split.train, split.test])), split.validation, split.test, "given")

    monkeypatch.setattr(run, "split_labelled", leaky)
    with pytest.raises(AssertionError, match="has seen the test part"):
        compare(tmp_path)
