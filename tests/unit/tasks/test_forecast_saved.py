"""Model folders: the same forecasts after a round trip, and a clear word about everything that is wrong with one."""

import json
import re
from contextlib import suppress
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from safetensors.numpy import load_file, save_file

from gatewise import Forecaster, registry
from gatewise.errors import ModelFolderError, OutputError
from gatewise.runs import atomic
from gatewise.tasks.forecast import fit_forecast, run_forecast, saved

FILES = ["README.md", "config.json", "history.safetensors", "intervals.json", "model.safetensors", "scaler.json"]
SETTINGS = {
    "plain": {},
    "deep": {"layers": 2, "bidirectional": True, "initial_state": "learned", "horizon": 2, "target_offset": 2},
    "wide": {"column": ("a", "b"), "transform": "log_return", "loss": "quantile", "horizon": 3},
    "double": {"precision": "float64", "transform": "standard", "loss": "student_t"},
    "covariates": {
        "column": "a", "past_covariates": "b", "calendar": ("month", "day_of_week"), "transform": "last_value",
    },
}  # fmt: skip


@pytest.fixture
def folder(tmp_path, walks, make_settings, series_of):
    """Return a model folder, with a model of 6 inputs and two known levels."""
    settings = make_settings(name="mine", levels=(80,), validation_size=0.2, epochs=1)
    outcome = fit_forecast(settings, series_of(settings, walks(90)))
    return saved.save(outcome.model, tmp_path / "model", outcome.result)


def change(folder, name, edit):
    """Edit one of the folder's JSON files."""
    path = folder / name
    tree = json.loads(path.read_text())
    edit(tree)
    path.write_text(json.dumps(tree))


# ---------------------------------------------------------------------------------------------------------- round trip


@pytest.mark.parametrize("case", SETTINGS)
@pytest.mark.parametrize("cell", registry.CELLS.names())
def test_predictions_are_unchanged_after_a_round_trip(tmp_path, walks, make_settings, cell, case):
    data = walks(90, ("a", "b")) if len(SETTINGS[case]) and "column" in SETTINGS[case] else walks(90)
    parameters = make_settings(cell=cell, epochs=1, **SETTINGS[case]).to_flat()
    names = Forecaster().get_params()
    before = Forecaster(**{key: value for key, value in parameters.items() if key in names}).fit(data)
    before.save(tmp_path / "model")
    after = Forecaster.load(tmp_path / "model")
    steps = None if case == "covariates" else 7
    assert before.predict(horizon=steps).equals(after.predict(horizon=steps))
    assert before.predict(data).equals(after.predict(data))
    assert after.get_params() == before.get_params()
    assert after.result_["metrics"] == json.loads(atomic.to_json(before.result_["metrics"]))
    after.save(tmp_path / "again")
    for name in ("model.safetensors", "history.safetensors", "scaler.json"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "model" / name).read_bytes()


def test_many_series_and_static_covariates_after_a_round_trip(tmp_path, long_walks, make_settings):
    static = tmp_path / "static.csv"
    pl.DataFrame({"unique_id": ["s0", "s1", "s2"], "size": [1.0, 2.0, 3.5]}).write_csv(static)
    keep = Forecaster().get_params()
    flat = make_settings(static_file=str(static), transform="standard", horizon=2).to_flat()
    before = Forecaster(**{name: flat[name] for name in keep}).fit(long_walks())
    before.save(tmp_path / "model")
    static.unlink()
    assert before.predict().equals(Forecaster.load(tmp_path / "model").predict())


def test_a_run_folder_loads_its_model(tmp_path, walks, make_settings):
    walks(90).write_csv(tmp_path / "data.csv")
    run_forecast(make_settings(files=str(tmp_path / "data.csv"), column="y"), tmp_path / "run")
    one, other = Forecaster.load(tmp_path / "run"), Forecaster.load(tmp_path / "run" / "model")
    assert one.predict().equals(other.predict())
    assert one.score() == one.result_["metrics"]["test"]["skill"]


def test_nothing_is_pickled(folder):
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert len({path.stat().st_mode for path in folder.iterdir()}) == 1  # who may read one file may read all
    for path in folder.iterdir():
        content = path.read_bytes()
        assert not content.startswith((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK"))
        if path.suffix == ".json":
            assert atomic.to_json(json.loads(content)) == atomic.to_json(json.loads(content, parse_constant=str))


def test_saving_with_a_scale_that_is_not_known(tmp_path, long_walks, make_settings, series_of):
    settings = make_settings(epochs=1)
    outcome = fit_forecast(settings, series_of(settings, long_walks((60, 5))))
    assert np.isnan(outcome.model.scales[1]).all()
    saved.save(outcome.model, tmp_path / "model", outcome.result)
    model, _ = saved.load(tmp_path / "model")
    np.testing.assert_array_equal(model.scales, outcome.model.scales)


# ------------------------------------------------------------------------------------------------------ damaged folders


def test_not_a_model_folder(tmp_path):
    for place in (tmp_path, tmp_path / "absent"):
        with pytest.raises(
            ModelFolderError, match=re.escape(f"{place} is not a model folder: it holds no config.json")
        ):
            Forecaster.load(place)


@pytest.mark.parametrize("name", ["model.safetensors", "scaler.json", "history.safetensors"])
def test_a_missing_file(folder, name):
    (folder / name).unlink()
    with pytest.raises(ModelFolderError, match=f"{name} is missing; copy it again"):
        Forecaster.load(folder)


@pytest.mark.parametrize("name", [name for name in FILES if name != "README.md"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.97])
def test_a_truncated_file(folder, name, share):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelFolderError, match=r"copy (it|the folder) again or train again"):
        Forecaster.load(folder)


def test_another_task(folder):
    change(folder, "config.json", lambda tree: tree.update(task="classify"))
    with pytest.raises(ModelFolderError, match="holds a model of the task 'classify', not 'forecast'"):
        Forecaster.load(folder)


def test_a_newer_format(folder):
    change(folder, "config.json", lambda tree: tree.update(format_version=2, gatewise_version="9.1"))
    with pytest.raises(ModelFolderError, match=r"format 2, made by gatewise 9\.1; .* up to 1: upgrade gatewise"):
        Forecaster.load(folder)


@pytest.mark.parametrize("version", [None, "one", [], 1e999, 0, -3])
def test_a_format_that_is_none(folder, version):
    change(folder, "config.json", lambda tree: tree.update(format_version=version))
    with pytest.raises(ModelFolderError):
        Forecaster.load(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", '{"a": 1}', "\x00\x01", "[" * 100_000])
@pytest.mark.parametrize("name", ["config.json", "scaler.json", "intervals.json"])
def test_bad_json(folder, name, text):
    (folder / name).write_text(text)
    with pytest.raises(ModelFolderError):
        Forecaster.load(folder)


@pytest.mark.parametrize("key", ["settings", "channels", "frequency", "times", "season", "result", "past_covariates"])
@pytest.mark.parametrize("value", ["absent", None, 7, [], {}])
def test_a_key_of_the_configuration_that_is_wrong(folder, key, value):
    change(folder, "config.json", lambda tree: tree.pop(key) if value == "absent" else tree.update({key: value}))
    with suppress(ModelFolderError):  # some of these values are as good as the right one
        Forecaster.load(folder).predict()


def test_settings_that_this_version_does_not_know(folder):
    change(folder, "config.json", lambda tree: tree["settings"]["model"].update(cell="s4"))
    with pytest.raises(ModelFolderError, match="unknown cell 's4'"):
        Forecaster.load(folder)


@pytest.mark.parametrize("edit", ["drop", "shape", "name"])
def test_a_changed_tensor(folder, edit):
    tensors = load_file(folder / "model.safetensors")
    name = next(iter(tensors))
    tensor = tensors.pop(name)
    if edit != "drop":
        tensors["other" if edit == "name" else name] = tensor if edit == "name" else np.zeros((3, 3), np.float32)
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(ModelFolderError, match="incomplete or was changed"):
        Forecaster.load(folder)


@pytest.mark.parametrize("name", ["target", "offsets", "times", "past", "static"])
def test_a_changed_history(folder, name):
    tensors = load_file(folder / "history.safetensors")
    tensors[name] = np.zeros((2, 2), tensors[name].dtype)
    save_file(tensors, folder / "history.safetensors")
    with pytest.raises(ModelFolderError):
        Forecaster.load(folder)


# -------------------------------------------------------------------------------------------------------------- writing


def test_a_failure_in_the_middle_leaves_the_old_folder_whole(folder, monkeypatch):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    model, result = saved.load(folder)

    def full(path, tree):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "write_json", full)
    with pytest.raises(OutputError, match="disk is full"):
        saved.save(model, folder, result)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_a_model_replaces_an_older_one_and_nothing_else(folder, tmp_path):
    forecaster = Forecaster.load(folder)
    forecaster.save(folder)
    assert sorted(path.name for path in folder.iterdir()) == FILES
    other = tmp_path / "letters"
    other.mkdir()
    (other / "a.txt").write_text("dear")
    with pytest.raises(OutputError, match="holds something else"):
        forecaster.save(other)
    assert (other / "a.txt").read_text() == "dear"


# ----------------------------------------------------------------------------------------------------------------- card


def front_matter(folder):
    _, front, body = (folder / "README.md").read_text().split("---\n", 2)
    return yaml.safe_load(front), body


def test_the_card_shows_model_and_baselines(folder):
    front, body = front_matter(folder)
    result = json.loads((folder / "config.json").read_text())["result"]
    assert front["library_name"] == "gatewise"
    assert front["tags"] == ["forecasting", "recurrent-neural-network", "gru"]
    (found,) = front["model-index"][0]["results"]
    values = {metric["name"]: metric["value"] for metric in found["metrics"]}
    assert values["test mse of this model"] == pytest.approx(result["metrics"]["test"]["mse"], rel=1e-5)
    for name, entry in result["baselines"].items():
        assert values[f"test mse of {name}"] == pytest.approx(entry["test"]["mse"], rel=1e-5)
        assert f"| {name} |" in body
    assert "worse" in body
    assert "use the baseline" in body
    assert "Frequency: 1d." in body


@pytest.mark.parametrize(
    "name", ['a "quoted": name', "---\nkey: value", "# heading | pipe", "قیمت 😀", "yes", "1e5", "{x}"]
)
def test_the_card_survives_any_name(tmp_path, walks, make_settings, series_of, name):
    settings = make_settings(name=name, epochs=1)
    outcome = fit_forecast(settings, series_of(settings, walks(60).with_columns(pl.col("y") * 1e-6)))
    saved.save(outcome.model, tmp_path / "model", outcome.result)
    front, _ = front_matter(tmp_path / "model")
    assert front["model-index"][0]["name"] == " ".join(name.split())
    metrics = front["model-index"][0]["results"][0]["metrics"]
    assert all(isinstance(metric["value"], float) for metric in metrics)


def test_the_card_of_a_leaking_run_says_so(tmp_path, walks, make_settings, series_of):
    settings = make_settings(split="random", epochs=1)
    outcome = fit_forecast(settings, series_of(settings, walks()))
    saved.save(outcome.model, tmp_path / "model", outcome.result)
    assert "It leaks" in (tmp_path / "model" / "README.md").read_text()


# --------------------------------------------------------------------------------------------------------------- golden


@pytest.mark.parametrize("version", range(1, saved.FORMAT_VERSION + 1))
def test_a_folder_of_every_format_gives_its_forecasts(version):
    golden = Path(__file__).parents[2] / "golden" / f"forecast_model_v{version}"
    expected = json.loads((golden / "expected.json").read_text())
    forecaster = Forecaster.load(golden)
    made = forecaster.predict().with_columns(pl.col("ds").cast(pl.String)).to_dicts()
    assert len(made) == len(expected["forecast"])
    for row, kept in zip(made, expected["forecast"], strict=True):
        for name, value in kept.items():
            assert row[name] == (value if isinstance(value, str) else pytest.approx(value, rel=1e-5))
    assert forecaster.result_["metrics"]["test"] == expected["test"]
    assert (golden / "README.md").is_file()
