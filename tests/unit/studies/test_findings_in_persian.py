"""What a study found, in Persian: said so from the start, or said again from the folder of an English study."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from gatewise.studies.compare import compare_study
from gatewise.studies.folder import StudyFolder
from gatewise.studies.retold import retold_findings
from gatewise.wording import speaking

HELP = SimpleNamespace(**runpy.run_path(str(Path(__file__).parent / "test_compare.py")))
VARY = {
    "model.cell": ["rnn", "gru", "lstm"],
    "schedule": {"five epochs": {"train.epochs": 5}, "early stopped": {"train.epochs": 100, "train.patience": 3}},
    "model.input_dropout": [0.0, 0.1],
}
#: What may stand in Latin letters: cells, metrics, p, F1, file names, errors.
NAMES = {"RNN", "GRU", "LSTM", "MSE", "p", "F", "rnn", "gru", "lstm", "class", "hate"}


def score(levels, seed):
    step = {"rnn": 30.0, "gru": 12.0, "lstm": 10.0}[levels["model.cell"]] + HELP.STEPS[seed % 7]
    return step * (2 if levels["schedule"] == "five epochs" else 1) * (1 + levels["model.input_dropout"])


def timing(levels):
    return HELP.result(1.0, exclusive=True, per_epoch={"rnn": 1.0, "gru": 2.5, "lstm": 1300.0}[levels["model.cell"]])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = HELP.make(tmp_path_factory.mktemp("persian") / "study", score, timing=timing, vary=VARY)
    compare_study(place.path)
    return place


def words_in_latin(text: str) -> set[str]:
    return set(re.findall("[A-Za-z]+", text))


def test_findings_are_said_again_from_the_folder_with_the_same_evidence_and_runs(folder):
    tree = folder.read_comparison()
    with speaking("fa"):
        found = retold_findings(folder, tree)
    assert len(found) == len(tree["findings"]) > 3
    for ours, theirs in zip(found, tree["findings"], strict=True):
        assert not words_in_latin(ours["text"]) - NAMES, ours["text"]
        assert len(ours["evidence"]) == len(theirs["evidence"])
        assert all(not words_in_latin(one) - NAMES for one in ours["evidence"]), ours["evidence"]
        assert ours.get("runs") == theirs.get("runs")
        assert ours.get("see") == theirs.get("see")
        assert not re.search("[0-9]", re.sub("F1", "", ours["text"]))
    assert retold_findings(folder, tree) == tree["findings"]


def test_every_finding_names_its_table_and_runs_that_there_are(folder):
    tree = folder.read_comparison()
    planned = {run["fingerprint"] for run in folder.read_study()["runs"]}
    assert all(finding["see"] for finding in tree["findings"])
    named = [finding["runs"] for finding in tree["findings"] if "runs" in finding]
    assert named
    assert all(set(runs) <= planned and runs for runs in named)


def test_a_study_may_be_persian_from_the_start(tmp_path):
    place = HELP.make(tmp_path / "study", HELP.by_cell(30.0, 12.0, 10.0), language="fa", skip={("gru", 0)})
    tree = compare_study(place.path)
    assert tree["language"] == "fa"
    assert "بهتر" in tree["findings"][0]["text"]
    assert tree["notes"] == ["۱ اجرا از ۲۱ اجرا در این اعداد نیست."]
    assert {row["says"] for row in tree["comparisons"]} <= {"better", "worse", "undecided"}  # words of the format stay
    english = retold_findings(place, tree)
    assert english[0]["text"].endswith(".")
    assert "beat" in english[0]["text"]


def test_sentences_of_a_folder_without_its_plan_are_known_again(folder, tmp_path):
    tree = json.loads(json.dumps(folder.read_comparison()))
    with speaking("fa"):
        found = retold_findings(StudyFolder(tmp_path), tree)
    known = [finding for finding in found if re.search("[\u0620-\u064a]", finding["text"])]
    assert 2 * len(known) > len(found)  # a sentence that is mostly names is left as it is
