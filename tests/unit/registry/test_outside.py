"""Parts of a user's own by their import path: found, checked, counted in the fingerprint, refused from strangers."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gatewise import Forecaster
from gatewise.data.labelled import read_labelled
from gatewise.data.series import read_series
from gatewise.data.text import read_corpus
from gatewise.errors import DataError, ModelFolderError, SettingsError, UnknownNameError
from gatewise.metrics import names
from gatewise.registry import (
    BASELINES,
    CELLS,
    CLEANING_STEPS,
    KERNELS,
    READERS,
    cleaning_steps,
    outside,
    read_task,
    task_of,
)
from gatewise.runs import RunFolder
from gatewise.settings import ClassifySettings, ForecastSettings, TextSettings

EXAMPLE = Path(__file__).parents[3] / "examples" / "yours"


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module of the user's own into the working folder and forget it afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(outside.VARIABLE, "")
    monkeypatch.setattr(sys, "path", [*sys.path])
    names = []

    def write(name, text):
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        names.append(name)
        return name

    yield write
    for name in names:
        sys.modules.pop(name, None)
        for table in (CELLS, BASELINES, READERS, CLEANING_STEPS):
            for known in [one for one in table._objects if one.startswith(f"{name}:")]:
                del table._objects[known]
        outside._imported.difference_update({one for one in outside._imported if one.startswith(f"{name}:")})


CELL = """
from gatewise.cells.rnn import SimpleRNN

class Mine(SimpleRNN):
    '''A cell of mine.'''

NUMBER = 3
class Other: pass
"""


def test_a_cell_is_known_by_its_path_everywhere(module):
    module("my_cell_a", CELL)
    assert "my_cell_a:Mine" in CELLS
    assert CELLS.load("my_cell_a:Mine").__name__ == "Mine"
    assert CELLS.entry("my_cell_a:Mine").summary == "A cell of mine."
    for settings in (ForecastSettings, TextSettings, ClassifySettings):
        assert settings.from_flat({"cell": "my_cell_a:Mine"}).at("model.cell") == "my_cell_a:Mine"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nowhere_b:Mine", "there is no module 'nowhere_b'"),
        ("my_cell_b:Nothing", "has no 'Nothing'"),
        ("my_cell_b:NUMBER", "a gatewise.cells.base.Cell is expected"),
        ("my_cell_b:Other", "a gatewise.cells.base.Cell is expected"),
        ("my_broken_b:Mine", "importing my_broken_b fails: ZeroDivisionError"),
        ("os:system", "a gatewise.cells.base.Cell is expected"),
    ],
)
def test_what_is_no_cell_is_said(module, name, says):
    module("my_cell_b", CELL)
    module("my_broken_b", "1 / 0")
    with pytest.raises(SettingsError, match=says):
        ForecastSettings.from_flat({"cell": name})


def test_tables_that_have_no_parts_of_ones_own_take_no_path(module):
    module("my_cell_c", CELL)
    assert "my_cell_c:Mine" not in KERNELS
    with pytest.raises(SettingsError, match="kernel"):
        ForecastSettings.from_flat({"kernel": "my_cell_c:Mine"})


def test_changed_code_is_another_run(module, tmp_path):
    module("my_cell_d", CELL)
    plain = ForecastSettings().fingerprint("data")
    before = ForecastSettings.from_flat({"cell": "my_cell_d:Mine"})
    first = before.fingerprint("data")
    assert first == before.fingerprint("data") != plain
    (tmp_path / "my_cell_d.py").write_text(CELL + "\n# changed\n", encoding="utf-8")
    assert before.fingerprint("data") != first
    assert ForecastSettings.from_flat({"column": "os:system"}).fingerprint("data") != plain  # a column may be called so


def test_a_model_folder_imports_nothing_by_itself(module, tmp_path, monkeypatch):
    module("my_cell_e", CELL)
    wave = np.sin(np.arange(120) / 8)
    Forecaster(cell="my_cell_e:Mine", units=4, window=8, epochs=1).fit(wave).save(tmp_path / "model")
    assert Forecaster.load(tmp_path / "model").get_params()["cell"] == "my_cell_e:Mine"
    del sys.modules["my_cell_e"], CELLS._objects["my_cell_e:Mine"]
    with pytest.raises(ModelFolderError, match="import my_cell_e first, or set GATEWISE_TRUST_CODE=1"):
        Forecaster.load(tmp_path / "model")
    assert "my_cell_e" not in sys.modules
    monkeypatch.setenv("GATEWISE_TRUST_CODE", "1")
    assert Forecaster.load(tmp_path / "model").get_params()["cell"] == "my_cell_e:Mine"


READER = """
import polars as pl

def prices(file):
    return {"ds": list(range(60)), "y": [float(i % 7) for i in range(60)]}

def texts(file):
    return ["abc" * 20, "cab" * 20]

def rows(file):
    return pl.DataFrame({"text": ["good day", "bad day"] * 10, "label": ["g", "b"] * 10})

def number(file):
    return 3

def broken(file):
    raise RuntimeError("no such table")

def shout(text):
    return text + "!"
"""


def test_readers_give_tables_and_texts(module):
    module("my_reader_f", READER)
    data = ForecastSettings.from_flat({"files": "db://prices", "reader": "my_reader_f:prices"}).data
    assert read_series(data).target.shape == (60, 1)
    text = TextSettings.from_flat({"files": "any", "reader": "my_reader_f:texts"}).data
    corpus = read_corpus(text)
    assert corpus.documents.tolist() == [0, 60, 120]
    classes = ClassifySettings.from_flat({"files": "any", "reader": "my_reader_f:rows"}).data
    assert read_labelled(classes).classes == ("b", "g")


@pytest.mark.parametrize(
    ("kind", "reader", "says"),
    [
        (ForecastSettings, "broken", "my_reader_g:broken fails: RuntimeError: no such table"),
        (ForecastSettings, "number", "is no table"),
        (TextSettings, "number", "gives a int"),
        (TextSettings, "broken", "no such table"),
        (ClassifySettings, "number", "is no table"),
    ],
)
def test_a_reader_that_fails_is_said(module, kind, reader, says):
    module("my_reader_g", READER)
    read = {ForecastSettings: read_series, TextSettings: read_corpus, ClassifySettings: read_labelled}[kind]
    settings = kind.from_flat({"files": "any", "reader": f"my_reader_g:{reader}"})
    with pytest.raises(DataError, match=says):
        read(settings.data)


def test_a_step_of_cleaning_comes_after_the_others(module):
    module("my_reader_h", READER)
    steps = cleaning_steps(["my_reader_h:shout", "lower"])
    assert steps == ("lower", "my_reader_h:shout")
    data = ClassifySettings.from_flat({"files": "any", "cleaning": ["lower", "my_reader_h:shout"]}).data
    from gatewise.data.labelled import Cleaner

    assert Cleaner(cleaning_steps(data.cleaning))("Good") == "good!"


def test_a_task_is_a_task(module):
    module("my_cell_i", CELL)
    with pytest.raises(SettingsError, match=r"gatewise.registry.Task is expected"):
        task_of({"task": "my_cell_i:Mine"})


def test_modules_are_found_beside_the_study_file(monkeypatch, tmp_path):
    monkeypatch.setenv(outside.VARIABLE, "")
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    from gatewise.studies import load_study

    (tmp_path / "prices.txt").write_text("2024-01-01;1,5\n", encoding="utf-8")
    study = load_study(EXAMPLE / "study.yaml", files=["prices.txt"])
    assert study.metrics == ("my_parts:NEAR",)
    assert [level.label for level in study.factors[0].levels] == ["gru", "LeakyCell"]
    assert isinstance(READERS.load("my_parts:read_prices")(str(tmp_path / "prices.txt")), pl.DataFrame)


def test_what_was_read_from_a_folder_imports_nothing(module):
    """A page or a comparison is made of folders that may be anybody's."""
    module("my_task_j", "raise RuntimeError('was imported')")
    task = read_task({"task": "my_task_j:TASK"})
    assert (task.name, task.baseline, task.study) == ("my_task_j:TASK", "", "")
    assert "my_task_j" not in sys.modules
    assert read_task({"task": "generate"}) is task_of({"task": "generate"})
    with pytest.raises(UnknownNameError):
        read_task({"task": "forcast"})


def test_a_study_of_ones_own_task_is_shown_where_its_module_is_not(tmp_path):
    result = {
        "format_version": 1, "status": "finished", "task": "nowhere_k:TASK", "name": "one", "folder": None,
        "parameters": 3, "epochs": {"run": 1, "best": 1}, "seconds": {"total": 1.0}, "exclusive": False, "kernel": None,
        "metrics": {"test": {"mse": 0.25}}, "baselines": {"always_one": {"test": {"mse": 0.5}}}, "verdict": None,
        "own_metrics": [{"name": 3}, {"name": "near", "label": "Near", "unit": "", "direction": "up", "summary": ""}],
    }  # fmt: skip
    run = RunFolder.create(tmp_path / "one")
    run.write_settings({"task": "nowhere_k:TASK", "name": "one", "model": {"cell": "gru"}})
    run.write_environment({})
    run.write_result(result)
    from gatewise.report import make_report

    assert "0.25" in make_report(tmp_path / "one").read_text(encoding="utf-8")
    assert not names.is_own("near")
