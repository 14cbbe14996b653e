"""`TextGenerator` as scikit-learn, and a person with a text, use it."""

import inspect
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score

from gatewise import TextGenerator, registry
from gatewise.errors import DataError, DivergedError, InputError, SettingsError
from text_samples import QUICK, sentences

TEXT = sentences(3000)


def quick(**changes):
    return TextGenerator(**{**QUICK, "epochs": 1, **changes})


@pytest.fixture(scope="module")
def trained():
    """Return a generator that learned a little; no test changes it."""
    return quick(epochs=3, units=16).fit(TEXT)


def weights(writer):
    return {name: weight.detach().clone() for name, weight in writer.model_.network.named_parameters()}


# --------------------------------------------------------------------------------------------------------- scikit-learn


def test_parameters_are_the_settings():
    names = list(inspect.signature(TextGenerator).parameters)
    assert {"cell", "units", "window", "split", "split_seed", "loss", "symbols", "seed", "regime"} <= set(names)
    assert not {"files", "name", "task"} & set(names)
    assert sorted(TextGenerator().get_params()) == sorted(names)
    assert repr(TextGenerator(units=5)) == "TextGenerator(units=5)"
    with pytest.raises(SettingsError, match=r"^unitz: unknown setting: did you mean 'units'"):
        TextGenerator(unitz=5)


def test_clone_and_set_params():
    first = quick(symbol_dropout=0.1, head=[8, 4])
    second = clone(first)
    assert second is not first
    assert second.get_params() == first.get_params()
    assert second.set_params(units=9).units == 9
    assert first.units == 6


def test_what_cannot_be_used_is_said_by_fit():
    for changes, said in [
        ({"window": 0}, "window: .*greater than or equal to 1"),
        ({"cell": "ltsm"}, "cell: unknown cell 'ltsm': did you mean 'lstm'"),
        ({"loss": "focl"}, "loss: unknown text loss 'focl': did you mean 'focal'"),
        ({"split": "windows"}, "set regime to windows"),
        ({"samplings": ("hot",)}, "'hot' is no way of writing"),
    ]:
        with pytest.raises(SettingsError, match=said):
            quick(**changes).fit(TEXT)


def test_cross_validation_and_search():
    parts = [sentences(400, seed) for seed in range(4)]
    scores = cross_val_score(quick(documents="file"), parts, cv=2)
    assert scores.shape == (2,)
    assert (scores < 0).all()
    alone = quick().fit(parts[2:]).score(parts[:2])
    assert scores[0] == pytest.approx(alone)
    search = GridSearchCV(quick(), {"learning_rate": [1e-6, 1e-2]}, cv=2).fit(np.array(parts))
    assert search.best_params_ == {"learning_rate": 1e-2}


def test_before_fit_nothing_can_be_asked(tmp_path):
    writer = TextGenerator()
    for ask in (
        writer.generate, writer.stream, writer.score, lambda: writer.predict(["a"]), lambda: writer.log_probs("a"),
        writer.next_probs, lambda: writer.save(tmp_path / "model"), lambda: writer.evaluate(TEXT),
    ):  # fmt: skip
        with pytest.raises(NotFittedError, match="not fitted yet"):
            ask()
    assert not hasattr(writer, "symbols_")
    assert not (tmp_path / "model").exists()


# ------------------------------------------------------------------------------------------------------ what fit takes


def test_texts_lists_and_files_are_the_same_text(tmp_path):
    halves = [TEXT[:1500], TEXT[1500:]]
    for name, half in zip("ab", halves, strict=True):
        (tmp_path / f"{name}.txt").write_text(half)
    whole = tmp_path / "whole.txt"
    whole.write_text(TEXT)
    one = weights(quick().fit(TEXT))
    for made in (
        quick().fit(whole), quick().fit(str(whole)), quick().fit([whole]), quick().fit(files=whole),
        quick().fit(files=[str(tmp_path / "who*.txt")]),
    ):  # fmt: skip
        assert all((weight == one[name]).all() for name, weight in weights(made).items())
    two = weights(quick().fit(halves))
    for made in (
        quick().fit([tmp_path / "a.txt", tmp_path / "b.txt"]), quick().fit(files=[str(tmp_path / "[ab].txt")]),
        quick().fit(np.array(halves)), quick().fit(str(one) for one in halves),
    ):  # fmt: skip
        assert all((weight == two[name]).all() for name, weight in weights(made).items())


def test_a_sample_by_its_name():
    writer = quick(window=64, batch_size=64).fit("sample:licence")
    assert {"P", "y", "t", "h", "o", "n", "."} <= set(writer.symbols_)
    assert sum(writer.result_["sizes"].values()) > 10_000


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({}, SettingsError, "give a text, or files"),
        ({"X": "a", "files": "b"}, SettingsError, "not both"),
        ({"X": ""}, DataError, "empty"),
        ({"X": "a" * 5}, DataError, "5 symbols"),
        ({"X": [1, 2]}, DataError, "found int"),
        ({"X": 3.5}, DataError, "found float"),
        ({"X": Path("absent.txt")}, DataError, "absent.txt"),
        ({"files": ["absent.txt"]}, DataError, r"^absent\.txt"),
        ({"X": "sample:bible"}, DataError, "no such sample"),
    ],
)
def test_what_is_no_text_is_refused(given, error, said):
    with pytest.raises(error, match=said):
        quick().fit(**given)


# ------------------------------------------------------------------------------------------------------- probabilities


def test_log_probs_are_the_carried_evaluation_of_the_held_out_text(trained):
    held_out = TEXT[-trained.result_["sizes"]["test"] :]
    found = trained.log_probs(held_out)
    assert found.shape == (len(held_out),)
    assert found.dtype == np.float64
    metric = trained.result_["metrics"]["test"]["carried_nats_per_char"]
    assert -found.mean() == pytest.approx(metric, rel=1e-6)
    assert trained.score() == pytest.approx(-metric)
    assert trained.score(held_out) == pytest.approx(-metric, rel=1e-6)
    np.testing.assert_allclose(found, trained.predictions_["log_prob"], atol=1e-5)
    evaluated = trained.evaluate(held_out)
    assert evaluated["symbols"] == len(held_out)
    assert evaluated["unseen"] == 0
    assert evaluated["metrics"]["carried_nats_per_char"] == pytest.approx(metric, rel=1e-6)
    assert "cold_nats_per_char" in evaluated["metrics"]


def test_each_log_prob_is_that_of_the_symbol_after_all_before_it(trained):
    text = "the cat sat"
    for place, symbol in enumerate(text):
        chances = trained.next_probs(text[:place])
        assert chances.shape == (len(trained.symbols_),)
        assert chances.sum() == pytest.approx(1, abs=1e-12)
        expected = np.log(chances[trained.symbols_.index(symbol)])
        assert trained.log_probs(text)[place] == pytest.approx(expected, abs=1e-5)
    assert trained.log_probs("").shape == (0,)


def test_a_symbol_that_training_never_saw(trained):
    n = trained.result_["sizes"]["train"]
    assert trained.log_probs("a☃")[1] == pytest.approx(-np.log(n + 1))
    assert trained.evaluate(TEXT[:300] + "☃☃")["unseen"] == 2


def test_predict_and_score_over_texts(trained):
    texts = ["the c", "th"]
    likeliest = [trained.symbols_[int(trained.next_probs(text).argmax())] for text in texts]
    assert trained.predict(texts) == likeliest
    assert trained.predict("th") == likeliest[1:]
    both = np.concatenate([trained.log_probs(text) for text in texts])
    assert trained.score(texts) == pytest.approx(both.mean())
    with pytest.raises(DataError, match="the text is empty"):
        trained.score([""])
    with pytest.raises(DataError, match="nothing was held out"):
        quick(test_size=0.0).fit(TEXT).score()


# -------------------------------------------------------------------------------------------------------------- writing


def test_generate_and_stream_agree(trained):
    (made,) = trained.generate("the ", length=30, seed=7)
    stream = trained.stream("the ", length=30, seed=7)
    assert "".join(stream) == made.text
    assert stream.result == made
    assert len(made.text) == len(made.log_probs) == 30
    whole = trained.log_probs("the " + made.text)[4:]
    np.testing.assert_allclose(made.log_probs, whole, atol=1e-4)
    assert len(trained.generate(["a", "the"], length=5, n=2)) == 4
    with pytest.raises(SettingsError, match="lenght: unknown"):
        trained.generate("a", lenght=5)
    with pytest.raises(InputError, match="'☃'"):
        trained.generate("☃")


def test_samples_are_kept():
    writer = quick(sample_length=9).fit(TEXT)
    assert writer.samples_[-1]["moment"] is None
    assert len(writer.samples_[-1]["text"]) == 9
    assert writer.history_[-1]["epoch"] == 1
    assert quick().fit(TEXT).samples_ == []


# ---------------------------------------------------------------------------------------------------------- partial_fit


@pytest.mark.parametrize("ngrams", [0, 3])
def test_going_on_learns_the_new_text(ngrams):
    other = "zebras zigzag; " * 100
    writer = quick(learning_rate=0.02, ngrams=ngrams).fit("zb;ig " * 3 + TEXT)
    before, known = writer.score(other), writer.symbols_
    assert writer.partial_fit(other, epochs=4) is writer
    assert writer.score(other) > before + 0.2
    assert writer.symbols_ == known
    assert writer.result_["epochs"]["run"] == 4
    assert not writer.result_["metrics"].get("test")


def test_before_fit_it_is_fit():
    one, other = quick().partial_fit(TEXT), quick().fit(TEXT)
    assert one.score() == other.score()


def test_new_characters(tmp_path):
    new = "ŽŽ top ☃ " * 30
    writer = quick().fit(TEXT)
    before = weights(writer)
    with pytest.raises(DataError, match=r"3 characters that the model has never seen .*'p', 'Ž', '☃'"):
        writer.partial_fit(new)
    with pytest.raises(SettingsError, match="new_characters: 'error', 'add' or 'unknown'"):
        writer.partial_fit(new, new_characters="skip")
    assert all((weight == before[name]).all() for name, weight in weights(writer).items())
    unknown = quick().fit(TEXT).partial_fit(new, new_characters="unknown")
    assert unknown.symbols_ == writer.symbols_
    known = writer.symbols_
    writer.partial_fit(new, new_characters="add", epochs=3)
    assert writer.symbols_ == (*known, "p", "Ž", "☃")
    assert writer.score(new) > unknown.score(new)
    assert writer.next_probs("ŽŽ").sum() == pytest.approx(1)
    writer.save(tmp_path / "model")
    assert TextGenerator.load(tmp_path / "model").score(new) == writer.score(new)


def test_a_model_with_an_unknown_symbol_has_one_for_new_characters():
    text = "QXZ " + TEXT
    writer = quick(minimum_count=3).fit(text)
    assert writer.partial_fit(text).symbols_[-1] == "\ufffd"


@pytest.mark.parametrize("form", [{}, {"embedding": 0}, {"units": 4, "tied": True}, {"head": (5,)}], ids=str)
@pytest.mark.parametrize("cell", registry.CELLS.names())
def test_room_for_new_characters_changes_nothing_that_was_known(cell, form):
    units = 4 if form else 6
    writer = quick(**{"cell": cell, "regime": "windows", "batch_size": 64, "units": units, "embedding": 4, **form})
    model = writer.fit(TEXT[:700]).model_
    made = model.extended(("☃", "Ž"))
    assert len(made.vocabulary) == len(model.vocabulary) + 2
    old, new = (TextGenerator(), TextGenerator())
    old.model_, new.model_ = model, made
    before, after = old.next_probs("the cat"), new.next_probs("the cat")
    np.testing.assert_allclose(after[:-2] / after[:-2].sum(), before, rtol=1e-4)
    assert after[-1] == pytest.approx(after[-2])
    assert after[-1] > 0
    assert old.model_ is not new.model_


def test_a_training_that_fails_leaves_the_model():
    writer = quick().fit(TEXT)
    before, score = weights(writer), writer.score("the cat")
    writer.set_params(optimizer="sgd", learning_rate=1e38, clip_norm=None)
    with pytest.raises(DivergedError):
        writer.partial_fit(TEXT, epochs=3)
    assert all((weight == before[name]).all() for name, weight in weights(writer).items())
    assert writer.score("the cat") == score


@pytest.mark.parametrize("change", [{"units": 7}, {"embedding": 5}, {"lower": True}, {"symbols": "bytes"}], ids=str)
def test_a_trained_network_cannot_become_another(change):
    writer = quick().fit(TEXT)
    with pytest.raises(SettingsError, match=f"{next(iter(change))}: the model was trained with .* fit anew"):
        writer.set_params(**change).partial_fit(TEXT)


def test_going_on_by_the_clock_ends_after_its_epochs():
    writer = quick(minutes=0.002).fit(TEXT)
    assert writer.partial_fit(TEXT, epochs=2).result_["epochs"]["run"] == 2
