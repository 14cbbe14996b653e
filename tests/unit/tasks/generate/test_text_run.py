"""Text runs: what a run folder holds, and when it is refused, gone on with, or found finished."""

import json

import numpy as np
import pytest
import torch

from gatewise.data.text import Vocabulary, corpus_of, split_text
from gatewise.errors import DataError, DivergedError, ModelFolderError, OutputError, SettingsError
from gatewise.runs import RunFolder
from gatewise.settings import ForecastSettings, TextSettings
from gatewise.tasks.forecast import run_forecast
from gatewise.tasks.generate import TextGenerator, judge, run_text, saved
from gatewise.tasks.generate.reading import log_probs
from gatewise.tasks.generate.run import _part, fit_text
from text_samples import QUICK, sentences

TEXT = sentences(4000)
KEYS = {
    "format_version", "status", "task", "name", "folder", "parameters", "symbols", "sizes", "leaking", "trained",
    "epochs", "seconds", "exclusive", "threads", "processes", "kernel", "gradient_norm", "metrics", "baselines",
    "verdict", "by_position", "words", "calibration", "copying", "memory", "sampling", "notes",
}  # fmt: skip
NAMES = (
    "nats_per_char", "bits_per_char", "bits_per_byte", "perplexity", "accuracy", "calibration_error",
)  # fmt: skip


@pytest.fixture
def settings(tmp_path):
    """Return settings of a run over a small file; keywords are flat names."""
    (tmp_path / "book.txt").write_text(sentences(6000))

    def make(**flat):
        return TextSettings.from_flat({**QUICK, "files": [str(tmp_path / "book.txt")], "epochs": 1, **flat})

    return make


def test_what_a_run_leaves_behind(tmp_path, settings):
    shown = []
    made = settings(
        sample_length=12, sample_prompt="the Q", name="mine", memory_contexts=(1, 5), samplings=("greedy",),
        sampling_texts=2, sampling_length=60, dynamic_evaluation=1e-3, prequential=True,
    )  # fmt: skip
    result = run_text(made, tmp_path / "run", exclusive=True, progress=Watching(shown))
    place = RunFolder(tmp_path / "run")
    files = {path.name for path in place.path.iterdir()}
    assert files >= {"result.json", "settings.json", "environment.json", "log.jsonl", "samples.jsonl", "model"}
    assert any(name.startswith("predictions") for name in files)
    assert not any("checkpoint" in name for name in files)
    assert json.loads((place.path / "result.json").read_text()) == place.read_result()
    assert result.keys() >= KEYS
    assert (result["status"], result["task"], result["name"], result["exclusive"]) == (
        "finished", "generate", "mine", True,
    )  # fmt: skip
    assert set(result["metrics"]) == {"train", "validation", "test"}
    for part, metrics in result["metrics"].items():
        for protocol in ("carried", "cold"):
            assert {f"{protocol}_{name}" for name in NAMES} <= set(metrics), part
        assert metrics["loss"] == pytest.approx(metrics["cold_nats_per_char"], rel=1e-4)
        nats = metrics["carried_nats_per_char"]
        assert metrics["carried_bits_per_char"] == pytest.approx(nats / np.log(2))
        assert metrics["carried_perplexity"] == pytest.approx(np.exp(nats))
    assert "dynamic_nats_per_char" in result["metrics"]["test"]
    assert "prequential_nats_per_char" in result["metrics"]["train"]
    assert set(result["baselines"]) == {"uniform", "unigram"}
    known = result["symbols"]
    assert result["baselines"]["uniform"]["test"]["carried_nats_per_char"] == pytest.approx(np.log(known))
    assert result["verdict"]["metric"] == "carried_nats_per_char"
    assert list(result["memory"]) == ["1", "5"]
    assert set(result["sampling"]) == {"greedy", "held_out"}
    assert len(result["copying"]["texts"]) == 8
    assert result["copying"]["held_out"]["longest"] > 0
    assert sum(result["sizes"].values()) == len(sentences(6000))

    rows = place.read_samples()
    assert {"moment", "step", "epoch", "seconds", "prompt", "text", "symbols", "log_probs"} == set(rows[-1])
    assert rows[-1]["moment"] is None
    assert rows[-1]["prompt"] == "the Q"  # Q was never seen, and does not end a run
    assert len(rows[-1]["text"]) == len(rows[-1]["log_probs"]) == 12
    assert all(value <= 0 for value in rows[-1]["log_probs"])
    assert shown[-1] == f"at the end (step {rows[-1]['step']:,}): the Q{rows[-1]['text']}"

    predictions = place.read_predictions()
    assert predictions.columns == ["position", "symbol", "log_prob", "right", "confidence"]
    held_out = sentences(6000)[-result["sizes"]["test"] :]
    assert "".join(predictions["symbol"]) == held_out
    assert -predictions["log_prob"].mean() == pytest.approx(result["metrics"]["test"]["carried_nats_per_char"])
    assert predictions["right"].mean() == pytest.approx(result["metrics"]["test"]["carried_accuracy"])
    own = TextGenerator.load(place.path).log_probs(held_out)
    np.testing.assert_allclose(own, predictions["log_prob"], atol=1e-4)


class Watching:
    """Progress that keeps what it is shown."""

    def __init__(self, shown):
        self.show = shown.append

    def start(self, **place):
        """Say nothing."""

    step = start

    def end_epoch(self, row):
        """Say nothing."""

    def stop(self):
        """Say nothing."""


def numbers(folder):
    result = RunFolder(folder).read_result()
    return result["metrics"], RunFolder(folder).read_predictions().rows()


def test_the_same_seed_gives_the_same_bits_and_another_does_not(tmp_path, settings):
    for name, seed in {"a": 3, "b": 3, "c": 4}.items():
        run_text(settings(seed=seed, symbol_dropout=0.2), tmp_path / name)
    assert numbers(tmp_path / "a") == numbers(tmp_path / "b")
    assert numbers(tmp_path / "a") != numbers(tmp_path / "c")
    weights = [(tmp_path / name / "model" / "model.safetensors").read_bytes() for name in "ab"]
    assert weights[0] == weights[1]


def test_a_finished_run_is_shown_and_another_one_is_refused(tmp_path, settings):
    first = run_text(settings(), tmp_path / "run")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*") if path.is_file()}
    again = run_text(settings(name="another name"), tmp_path / "run")
    assert again["seconds"] == first["seconds"]
    with pytest.raises(OutputError, match=r"other settings \(units 6 there, 7 here\).*--overwrite"):
        run_text(settings(units=7), tmp_path / "run")
    (tmp_path / "book.txt").write_text(sentences(6000, seed=1))
    with pytest.raises(OutputError, match="the data have other content now"):
        run_text(settings(), tmp_path / "run")
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_the_folder_of_another_task_is_refused(tmp_path, settings):
    run_text(settings(), tmp_path / "run")
    (tmp_path / "data.csv").write_text("y\n" + "\n".join(str(n % 7 + n / 50) for n in range(60)))
    forecast = ForecastSettings.from_flat(
        {"files": [str(tmp_path / "data.csv")], "column": "y", "window": 4, "units": 2, "head": (), "epochs": 1}
    )
    with pytest.raises(OutputError, match="holds a run of the task 'generate'"):
        run_forecast(forecast, tmp_path / "run")
    run_forecast(forecast, tmp_path / "other")
    with pytest.raises(OutputError, match="holds a run of the task 'forecast'"):
        run_text(settings(), tmp_path / "other")


@pytest.mark.parametrize(
    ("flat", "error"),
    [
        ({"window": 9000}, DataError),
        ({"loss": "focal", "label_smoothing": 0.1}, SettingsError),
        ({"device": "gpu"}, SettingsError),
        ({"minimum_count": 99_999}, DataError),
        ({"cell_options": {"resets": 1}}, SettingsError),
    ],
    ids=["text too short", "loss", "device", "vocabulary", "cell"],
)
def test_what_cannot_be_used_is_refused_before_anything_is_written(tmp_path, settings, flat, error):
    with pytest.raises(error):
        run_text(settings(**flat), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_training_that_diverges_says_where(tmp_path, settings):
    with pytest.raises(DivergedError, match="training diverged at epoch 1, step"):
        run_text(settings(optimizer="sgd", learning_rate=1e38, clip_norm=None), tmp_path / "run")
    assert not (tmp_path / "run" / "result.json").exists()


FORMS = {
    "bytes": {"symbols": "bytes", "baselines": ("gzip", "ppm"), "lower": True},
    "graphemes": {"symbols": "graphemes"},
    "one-hot, deep": {"embedding": 0, "layers": 2, "head": (8,)},
    "tied": {"units": 4, "tied": True},
    "float64": {"precision": "float64", "sample_length": 8},
    "bfloat16": {"precision": "bfloat16", "sample_length": 8},
    "documents": {"documents": "blank_line", "split": "document"},
    "drawn windows": {"split": "windows", "regime": "windows", "stride": 12},
    "no parts": {"test_size": 0.0, "validation_size": 0.0},
    "averaged by the clock": {"averaging": 0.9, "minutes": 0.003, "validation_size": 0.0},
    "unknown symbol": {"minimum_count": 5},
    "binary focal": {"loss": "binary_focal"},
    "n-grams": {"ngrams": 3},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_run_ends_with_a_model_that_loads(tmp_path, settings, form):
    made = settings(**FORMS[form])
    text = "سلام é\u0301 🙂 Ж\n\n".join(sentences(150, seed) for seed in range(18))
    (tmp_path / "book.txt").write_text(text, encoding="utf-8")
    result = run_text(made, tmp_path / "run")
    assert result["status"] == "finished"
    writer = TextGenerator.load(tmp_path / "run")
    assert np.isfinite(writer.log_probs("the cat é 🙂 ☃")).all()
    assert writer.next_probs("a").sum() == pytest.approx(1)
    assert len(writer.generate("the ", length=20, seed=0)[0].symbols) == 20
    metrics, split = result["metrics"], made.split
    assert ("carried_nats_per_char" in metrics["train"]) == (split.kind != "windows")
    assert ("test" in metrics) == (split.test > 0)
    assert result["leaking"] == (split.kind == "windows")
    if form == "averaged by the clock":
        assert not any("chose the epoch and ended" in note for note in result["notes"])
        assert result["seconds"]["train"] >= 0.18


def test_compressors_get_the_bytes_of_a_part_that_begins_within_a_letter(settings):
    made = settings(symbols="bytes")
    corpus = corpus_of("aéb", made.data)
    ids = Vocabulary.fit(corpus, np.array([[0, 4]]), made.data).ids(corpus)
    part = _part(corpus, ids, np.array([[2, 4]]), made)
    assert part.text == "aéb".encode()[2:]
    assert part.ids.tolist() == ids[2:4].tolist()


def test_carried_metrics_are_those_of_log_probs_and_drawn_windows_stand_alone(tmp_path, settings):
    made = settings(split="windows", regime="windows", baselines=("unigram", "ngram", "gzip"))
    result = run_text(made, tmp_path / "run")
    test = result["metrics"]["test"]
    predictions = RunFolder(tmp_path / "run").read_predictions()
    assert len(predictions) == result["sizes"]["test"] // 9 * 8  # the first symbol of a window is only read
    assert -predictions["log_prob"].mean() == pytest.approx(test["cold_nats_per_char"])
    assert test["loss"] == pytest.approx(test["cold_nats_per_char"], rel=1e-4)
    assert result["verdict"]["metric"] == "cold_nats_per_char"
    assert any("split windows" in note for note in result["notes"])


def test_ngrams_stand_beside_the_network_and_are_told_apart(tmp_path):
    settings = TextSettings.from_flat({**QUICK, "epochs": 1, "ngrams": 3, "ngram_share": 0.5})
    outcome = fit_text(settings, corpus_of(TEXT, settings.data))
    network = outcome.model.network
    assert network.mixture.ngrams.order == 3
    alone = outcome.result["baselines"]["network alone"]["test"]
    mixed = outcome.result["metrics"]["test"]
    assert alone["carried_nats_per_char"] != mixed["carried_nats_per_char"]
    assert outcome.result["verdict"]["against"] != "network alone"
    with network.alone():
        found = judge.gather(settings, network, outcome.model.vocabulary.ids(corpus_of(TEXT, settings.data)),
                             split_text(corpus_of(TEXT, settings.data), settings.split, settings.data),
                             training_symbols=outcome.model.vocabulary.total)  # fmt: skip
    assert -found["test"]["carried"].log_probs.mean() == pytest.approx(alone["carried_nats_per_char"])
    folder = saved.save(outcome.model, tmp_path / "model", outcome.result)
    again, _ = saved.load(folder)
    text = TEXT[:50]
    np.testing.assert_array_equal(
        log_probs(again.network, again.vocabulary, text), log_probs(network, outcome.model.vocabulary, text)
    )
    assert "ngrams.safetensors" in (folder / "README.md").read_text()
    (folder / "ngrams.safetensors").unlink()
    with pytest.raises(ModelFolderError, match=r"ngrams\.safetensors"):
        saved.load(folder)


def test_going_on_keeps_the_ngrams_and_trains_the_network_alone():
    settings = TextSettings.from_flat({**QUICK, "epochs": 1, "ngrams": 3})
    corpus = corpus_of(TEXT, settings.data)
    first = fit_text(settings, corpus).model
    kept = first.network.mixture
    again = fit_text(settings, corpus, begin_with=first).model
    assert again.network.mixture is kept
    plain = TextSettings.from_flat({**QUICK, "epochs": 1})
    alone = fit_text(plain, corpus, begin_with=fit_text(plain, corpus).model).model
    for mine, theirs in zip(again.network.parameters(), alone.network.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_a_large_text_is_judged_by_parts_of_it_and_it_is_said(settings, monkeypatch):
    for module in ("run", "afterwards"):
        monkeypatch.setattr(f"gatewise.tasks.generate.{module}.MOST_COUNTED", 700)
    monkeypatch.setattr("gatewise.tasks.generate.run.MOST_SCORED", 100)
    monkeypatch.setattr("gatewise.tasks.generate.judge.MOST_SYMBOLS", 100)
    result = run_text(settings(baselines=("unigram", "xz"), samplings=("greedy",), ngrams=2), None)
    notes = " | ".join(result["notes"])
    assert "last 700 symbols" in notes
    assert "first 100 symbols" in notes
    assert result["verdict"] is not None
    drawn = run_text(settings(baselines=("unigram",), split="windows", regime="windows"), None)
    assert "symbols of" not in " | ".join(drawn["notes"])
    assert drawn["verdict"] is not None
