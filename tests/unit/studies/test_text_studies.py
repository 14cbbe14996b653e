"""Studies of text: their files, and how what their runs measured is compared."""

import json
from math import log

import pytest

from gatewise.errors import SettingsError
from gatewise.registry import TASKS, task_of
from gatewise.studies import words
from gatewise.studies.compare import compare_study
from gatewise.studies.file import resolve
from gatewise.studies.folder import StudyFolder
from gatewise.studies.library import load_study
from gatewise.studies.plan import plan_study
from gatewise.studies.settings import TextStudy

STEPS = (0.0, 0.03, -0.02, 0.05, 0.01, -0.04, 0.02, 0.015, -0.01, 0.005)
NATS = "carried_nats_per_char"


def result(nats, *, memory=None, sampling=None):
    metrics = {NATS: nats, "cold_nats_per_char": nats + 0.1, "carried_accuracy": 1 - nats / 4, "loss": nats}
    return {
        "format_version": 1, "status": "finished", "name": "run", "task": "generate", "parameters": 99,
        "leaking": False, "epochs": {"run": 2, "best": 2}, "exclusive": False, "threads": 1,
        "seconds": {"per_epoch": 1.0, "per_step_median": 0.001}, "metrics": {"test": metrics},
        "baselines": {
            "uniform": {"test": {NATS: 4.6, "cold_nats_per_char": 4.6}},
            "ngram": {"test": {NATS: 1.5, "cold_nats_per_char": 1.6}},
            "xz": {"test": {"carried_bits_per_byte": 2.1}},
        },
        "notes": [], **({"memory": memory} if memory else {}), **({"sampling": sampling} if sampling else {}),
    }  # fmt: skip


def make(folder, score, **tree):
    """Write a study folder whose runs have the results that ``score(levels, seed)`` gives."""
    file = {"name": "small", "task": "generate", "question": "Which?", "data": {"files": ["sample:A"]}, "seeds": 7}
    planned = plan_study(
        resolve({**file, "vary": {"model.cell": ["rnn", "gru", "lstm"]}, **tree}), lambda data: "digest"
    )
    place = StudyFolder(folder)
    folder.mkdir()
    place.write_study(planned.to_json())
    told = {}
    for run in planned.runs:
        made = score(run.levels, run.seed)
        if made is None:
            told[run.fingerprint] = f"training diverged at epoch {run.seed}"
            continue
        place.run(run.fingerprint).path.mkdir(parents=True)
        place.run(run.fingerprint).write_result(made)
    place.write_failures(told, told)
    return place


def by_cell(rnn, gru, lstm):
    return lambda levels, seed: result({"rnn": rnn, "gru": gru, "lstm": lstm}[levels["model.cell"]] + STEPS[seed])


def texts(tree):
    return [finding["text"] for finding in tree["findings"]]


def test_every_task_names_what_is_there():
    for name, task in TASKS.items():
        assert task.name == name == task.load("settings").model_fields["task"].default
        assert task.load("study").model_fields["task"].default == name
        assert task.load("study").model_fields["metric"].default in task.load("metrics")
        assert callable(task.load("digest"))


def test_a_file_that_names_no_task_is_about_forecasts():
    assert task_of({}).name == "forecast"
    assert isinstance(resolve({"name": "a", "task": "generate"}), TextStudy)


def test_a_study_of_text_is_held_against_the_n_grams(tmp_path):
    tree = compare_study(make(tmp_path / "s", by_cell(1.9, 1.6, 1.3)).path)
    rows = {row["label"]: row for row in tree["against_baseline"] if row["baseline"] == "ngram"}
    assert [rows[cell]["says"] for cell in ("rnn", "gru", "lstm")] == ["worse", "worse", "better"]
    assert texts(tree)[0].startswith(
        "One of three settings beats the best n-gram: the nearest, lstm, has a mean test carried nats/char of "
    )
    assert json.loads((tmp_path / "s" / "comparison.json").read_text()) == tree


@pytest.mark.parametrize(("bits", "does"), [(1.3, "beats the best n-gram"), (1.9, "does not beat the best n-gram")])
def test_a_single_setting_is_not_one_of_several(tmp_path, bits, does):
    tree = compare_study(make(tmp_path / "s", by_cell(bits, bits, bits), vary={"model.cell": ["gru"]}).path)
    assert texts(tree)[0].startswith(f"The only setting, gru, {does}: it has a mean test carried nats/char of ")


def test_two_losses_that_are_the_same_function_are_said_to_be_the_same(tmp_path):
    vary = {"train.loss": ["cross_entropy", "kl_divergence", "focal"]}

    def score(levels, seed):
        return result((1.6 if levels["train.loss"] == "focal" else 1.4) + STEPS[seed])

    tree = compare_study(make(tmp_path / "s", score, vary=vary).path)
    assert "Loss cross_entropy and loss kl_divergence give the same test carried nats/char with every seed." in texts(
        tree
    )


def test_training_that_diverges_is_a_finding_and_no_failure(tmp_path):
    vary = {"train.learning_rate": [1e-3, 0.1, 1.0]}

    def score(levels, seed):
        rate = levels["train.learning_rate"]
        return None if rate == 1.0 or (rate == 0.1 and seed < 2) else result(1.4 + rate + STEPS[seed])

    tree = compare_study(make(tmp_path / "s", score, vary=vary).path)
    assert (
        "Training diverges at learning rate 1 with every seed, and at learning rate 0.1 (2 of 7 seeds); these runs are "
        "in no mean." in texts(tree)
    )
    assert [(row["label"], row["runs"], row["of"]) for row in tree["diverged"]] == [
        ("learning rate 0.1", 2, 7),
        ("learning rate 1", 7, 7),
    ]
    assert len(tree["failed"]) == 9
    assert not [text for text in texts(tree) if "failed" in text]


def test_contexts_are_compared_within_every_run(tmp_path):
    def score(levels, seed):
        gains = {"rnn": 0.3, "gru": 0.5}[levels["model.cell"]]
        return result(1.5, memory={str(n): 2.5 + STEPS[seed] - gains * log(n) / log(10) for n in (1, 10, 100)})

    tree = compare_study(
        make(
            tmp_path / "s", score, vary={"model.cell": ["rnn", "gru"]}, memory_contexts=[1, 10, 100], within="memory",
            metric="cold_nats_per_char",
        ).path
    )  # fmt: skip
    assert (tree["main"], tree["factors"]["context"]) == ("context", [1, 10, 100])
    assert [level["label"] for level in tree["levels"]] == [
        "rnn, context 1", "rnn, context 10", "rnn, context 100", "gru, context 1", "gru, context 10",
        "gru, context 100",
    ]  # fmt: skip
    means = {level["label"]: level["metrics"]["cold_nats_per_char"]["mean"] for level in tree["levels"]}
    assert means["gru, context 100"] == pytest.approx(1.5 + 0.05 / 7)
    said = {(row["condition"]["model.cell"], row["a"], row["b"]): row["says"] for row in tree["comparisons"]}
    assert said["gru", 1, 10] == "worse"
    assert any(text.startswith("Cell gru: context 100 has the lowest mean test cold nats/char") for text in texts(tree))


def test_samplings_are_compared_with_each_other_and_with_real_text(tmp_path):
    def score(levels, seed):
        words_of = {"greedy": 0.99, "temperature=1": 0.8, "held_out": 0.93}
        return result(
            1.5,
            sampling={
                name: {"known_words": value + STEPS[seed] / 10 * (name != "held_out"), "text": "a b"}
                for name, value in words_of.items()
            },
        )

    tree = compare_study(
        make(
            tmp_path / "s", score, vary={}, samplings=["greedy", "temperature=1"], within="sampling",
            metric="known_words",
        ).path
    )  # fmt: skip
    assert [level["label"] for level in tree["levels"]] == ["greedy", "temperature=1"]
    assert tree["levels"][0]["metrics"].keys() == {"known_words"}
    assert [(row["label"], row["baseline"], row["says"]) for row in tree["against_baseline"]] == [
        ("greedy", "held_out", "better"),
        ("temperature=1", "held_out", "worse"),
    ]
    assert "real text" in texts(tree)[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "no way of writing"), ("temprature=1", "did you mean 'temperature'"), ("temperature=0", "above 0")],
)
def test_a_wrong_sampling_is_refused(text, message):
    with pytest.raises(SettingsError, match=message):
        resolve({"name": "a", "task": "generate", "samplings": [text]})


def sizes(study, cell):
    factor = next(factor for factor in study.factors if factor.name == "budget")
    return factor.find("equal parameters").changes["model.units"].values[cell]


@pytest.mark.parametrize("name", ["text-cells", "text-cells-modern"])
@pytest.mark.parametrize("preset", ["quick", "paper"])
@pytest.mark.parametrize("symbols", [39, 110])
def test_equal_parameters_are_equal_to_a_hundredth(name, preset, symbols):
    from gatewise.models import TextNetwork

    study = load_study(name, preset=preset, files=["A.txt"])
    cells = [level.value for level in next(one for one in study.factors if one.name == "model.cell").levels]
    counts = []
    for cell in cells:
        settings = study.model.model_copy(update={"cell": cell, "units": sizes(study, cell)})
        network = TextNetwork(settings, symbols)
        counts.append(sum(weight.numel() for weight in network.parameters()))
    assert max(counts) / min(counts) < 1.01


def test_the_paper_presets_ask_what_the_report_asked():
    paper = load_study("text-losses", preset="paper", files=["A.txt"])
    assert (paper.data.window, paper.data.stride, paper.data.lower) == (250, 251, True)
    assert (paper.split.kind, paper.split.test, paper.split.seed, paper.train.regime) == ("windows", 0.1, 42, "windows")
    assert (paper.model.cell, paper.model.units, paper.model.embedding, paper.model.head) == (
        "lstm",
        1024,
        64,
        (256, 128),
    )
    assert (paper.train.learning_rate, paper.train.batch_size, paper.train.epochs) == (1e-3, 8, 10)
    assert (paper.train.clip_norm, paper.train.schedule, paper.train.patience) == (None, "constant", 3)
    assert paper.claims[0].report == 1.2015


def test_baselines_of_text_have_names():
    assert words.baseline_name("ngram") == "the best n-gram"
    assert words.baseline_name("held_out") == "real text"
