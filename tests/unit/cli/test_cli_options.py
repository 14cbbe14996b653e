"""Options are made from the settings and nothing else."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewise.cli.check import forecast as check
from gatewise.cli.fit import forecast as fit
from gatewise.cli.options import dashed, settings_from, with_settings
from gatewise.errors import SettingsError
from gatewise.registry import CELLS
from gatewise.settings import ForecastDataSettings, ForecastSettings, TextSettings, flat_fields

NOT_OPTIONS = {"files", "task"}


def options_of(command: Any) -> dict[str, Any]:
    return dict(inspect.signature(command).parameters)


def test_fit_has_every_setting_and_its_sentence() -> None:
    made = options_of(fit)
    assert set(flat_fields(ForecastSettings)) - NOT_OPTIONS <= set(made)
    option = made["target_offset"].annotation.__metadata__[0]
    sentence = str(ForecastDataSettings.model_fields["target_offset"].description)
    assert sentence in option.help
    assert "default: 1]" in option.help
    assert option.default == "--target-offset"


def test_choices_come_from_registry_and_type() -> None:
    assert f"One of: {', '.join(CELLS.names())}." in options_of(fit)["cell"].annotation.__metadata__[0].help
    assert "One of: error, common." in options_of(fit)["align"].annotation.__metadata__[0].help
    assert "One of: auto, reference" in options_of(fit)["kernel"].annotation.__metadata__[0].help
    assert "One of: last_value" in options_of(fit)["baselines"].annotation.__metadata__[0].help


def test_a_cell_of_ones_own_is_a_choice() -> None:
    class Mine:
        pass

    CELLS.register("mine", Mine)
    try:
        made = with_settings("model")(lambda **options: None)
        assert "mine" in options_of(made)["cell"].annotation.__metadata__[0].help
        assert settings_from({"cell": "mine"}, ()).model.cell == "mine"
    finally:
        CELLS.unregister("mine")


def test_check_has_the_data_and_not_the_network() -> None:
    made = options_of(check)
    assert "gaps" in made
    assert "units" not in made


def test_what_is_typed_becomes_settings() -> None:
    typed = {
        "column": ["Close", r"a\,b,c"],
        "target_offset": "2",
        "split": "random",
        "split_seed": "42",
        "head": ["256,128", "64"],
        "learning_rate": "1e-4",
        "patience": "none",
        "bidirectional": True,
        "levels": ["none"],
        "cell_options": ["depth=3", "kind=slow"],
        "transform": "none",
        "units": None,
    }
    made = settings_from(typed, ["GOOG.csv"])
    assert made.data.files == ("GOOG.csv",)
    assert made.data.column == ("Close", "a,b", "c")
    assert made.data.target_offset == 2
    assert (made.split.kind, made.split.seed) == ("random", 42)
    assert made.model.head == (256, 128, 64)
    assert made.train.learning_rate == 1e-4
    assert made.train.patience is None
    assert made.model.bidirectional
    assert made.levels == ()
    assert made.model.cell_options == {"depth": 3, "kind": "slow"}
    assert made.data.transform == "none"
    assert made.model.units == ForecastSettings().model.units


@given(st.data())
@settings(deadline=None, max_examples=40)
def test_numbers_survive_being_typed(data: st.DataObject) -> None:
    rate = data.draw(st.floats(1e-12, 1e3))
    units = data.draw(st.integers(1, 10**6))
    head = data.draw(st.lists(st.integers(1, 999), min_size=1, max_size=4))
    made = settings_from({"learning_rate": repr(rate), "units": str(units), "head": [",".join(map(str, head))]}, ())
    assert (made.train.learning_rate, made.model.units, made.model.head) == (rate, units, tuple(head))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"window": "0"}, "--window: "),
        ({"horizon": "-1"}, "--horizon: "),
        ({"cell": "lstmm"}, "--cell: unknown cell 'lstmm': did you mean 'lstm'?"),
        ({"optimizer": "adm"}, "did you mean 'adam'?"),
        ({"split_seed": "x"}, "--split-seed: "),
        ({"gaps": "fil"}, "--gaps: "),
        ({"head": ["256,x"]}, "(found 'x')"),
        ({"cell_options": ["depth"]}, "not KEY=VALUE"),
    ],
)
def test_what_cannot_be_used_names_its_option(typed: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings_from(typed, ["a.csv"])
    assert said in str(caught.value)


def test_options_win_over_the_file_and_files_over_its_files(tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text(
        "data: {files: [a.csv], window: 20}\nmodel: {cell: gru, units: 7}\ntrain: {learning_rate: 1e-4}\n"
    )
    made = settings_from({"units": "9"}, ["b.csv"], config)
    assert (made.data.files, made.data.window, made.model.cell) == (("b.csv",), 20, "gru")
    assert (made.model.units, made.train.learning_rate) == (9, 1e-4)
    assert settings_from({}, (), config).data.files == ("a.csv",)


def test_a_json_file_is_a_settings_file_too(tmp_path: Path) -> None:
    config = tmp_path / "settings.json"
    config.write_text(json.dumps(ForecastSettings().model_dump(mode="json")))
    assert settings_from({}, (), config) == ForecastSettings()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("modle: {cell: gru}", "did you mean 'model'?"),
        ("model: {unit: 3}", "did you mean 'units'?"),
        ("- 1", "run.yaml"),
        ("model: {units: many}", "model.units"),
    ],
)
def test_a_wrong_settings_file_is_named(text: str, said: str, tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text(text)
    with pytest.raises(SettingsError) as caught:
        settings_from({}, (), config)
    assert said in str(caught.value)
    assert str(config) in str(caught.value)


def test_dashed() -> None:
    assert dashed("input_dropout_mask") == "--input-dropout-mask"


def test_a_flat_name_in_a_settings_file_is_told_where_it_belongs(tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text("window: 9\nsplit_seed: 3\n")
    with pytest.raises(SettingsError) as caught:
        settings_from({}, (), config)
    assert "window: unknown setting: did you mean 'data.window'?" in str(caught.value)
    assert "split_seed: unknown setting: did you mean 'split.seed'?" in str(caught.value)


def test_another_task_has_its_own_settings_and_choices(tmp_path: Path) -> None:
    made = options_of(with_settings(kind=TextSettings)(lambda **options: None))
    assert set(made) == set(flat_fields(TextSettings)) - NOT_OPTIONS
    assert "One of: characters, graphemes, bytes." in made["symbols"].annotation.__metadata__[0].help
    some = options_of(with_settings("data", "split", kind=TextSettings)(lambda **options: None))
    assert "normalize" in some
    assert "embedding" not in some

    config = tmp_path / "run.yaml"
    config.write_text("data: {window: 9, lower: true}\n")
    read = settings_from({"lower": False, "tied": True, "embedding": "384"}, ["book.txt"], config, kind=TextSettings)
    assert isinstance(read, TextSettings)
    assert (read.data.window, read.data.lower, read.data.files) == (9, False, ("book.txt",))
    assert read.model.tied
    with pytest.raises(SettingsError, match="--minimum-count: "):
        settings_from({"minimum_count": "0"}, (), kind=TextSettings)
    config.write_text("data: {gaps: ffill}\n")
    with pytest.raises(SettingsError, match="gaps: unknown setting"):
        settings_from({}, (), config, kind=TextSettings)
