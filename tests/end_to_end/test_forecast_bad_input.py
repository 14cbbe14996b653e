"""Whatever a user gives: a forecast, or one clear message and nothing written."""

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatewise import Forecaster
from gatewise.cli.main import run
from gatewise.data.series import read_series
from gatewise.errors import (
    DataError,
    DivergedError,
    GatewiseError,
    InputError,
    ModelFolderError,
    OutputError,
    SettingsError,
)
from gatewise.settings import ForecastSettings
from gatewise.tasks.forecast import fit_forecast, run_forecast

QUICK = {
    "cell": "rnn", "units": 2, "head": (4,), "window": 4, "epochs": 1, "batch_size": 64, "patience": None,
    "baselines": ("last_value",),
}  # fmt: skip
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def lines(rows=60, start=date(2024, 1, 1)):
    """Return a good file's lines; the first is the header, line k + 1 of the file is lines[k]."""
    values = 50 + np.random.default_rng(0).normal(size=rows).cumsum()
    days = [start + timedelta(days=k) for k in range(rows)]
    return [
        "Date,Close,Volume",
        *(f"{day},{value:.4f},{k + 1}" for k, (day, value) in enumerate(zip(days, values, strict=True))),
    ]


def with_line(number, text):
    made = lines()
    made[number] = text
    return made


#: What is in data.csv, which settings, and what the message must name.
FILES = {
    "empty file": ([], {}, r"data\.csv: the file is empty"),
    "header only": (lines()[:1], {}, r"data\.csv.*(no rows|header)"),
    "no such column": (lines(), {"column": "Closs"}, r"data\.csv.*'Closs'.*'Close'.*Volume"),
    "text in a number column": (with_line(5, "2024-01-05,abc,5"), {}, r"data\.csv.*(row|line) 6.*'Close'.*'abc'"),
    "infinity": (with_line(5, "2024-01-05,inf,5"), {}, r"data\.csv.*(row|line) 6.*'Close'.*inf"),
    "a blank": (with_line(5, "2024-01-05,,5"), {}, r"data\.csv.*(row|line) 6.*'Close'.*missing"),
    "a date that is none": (with_line(5, "2024-13-45,1,5"), {}, r"data\.csv.*(row|line) 6.*'Date'.*2024-13-45"),
    "a date twice": (with_line(5, "2024-01-03,1,5"), {}, r"data\.csv.*(4.*6|6.*4).*2024-01-03|2024-01-03.*4.*6"),
    "a gap": (lines()[:9] + lines()[14:], {}, r"data\.csv.*gap|missing.*dates|dates.*missing"),
    "shorter than the window": (lines()[:4], {"window": 30}, r"data\.csv: series 'data' has 3 rows.*at least 31"),
    "constant": (
        [lines()[0], *(re.sub(r",.*,", ",7.5,", x) for x in lines()[1:])], {},
        r"data\.csv: series 'data' is 7\.5 in every row",
    ),
    "zero with mape": (with_line(5, "2024-01-05,0,5"), {"loss": "mape"}, r"data\.csv.*6.*'Close'.*0.*mape"),
    "negative with log return": (
        with_line(5, "2024-01-05,-3,5"), {"transform": "log_return"}, r"data\.csv.*6.*'Close'.*-3.*log_return",
    ),
    "no such covariate": (lines(), {"past_covariates": "Volum"}, r"data\.csv.*'Volum'.*Volume"),
    "ragged rows": (with_line(5, "2024-01-05,1,5,9,9"), {}, r"data\.csv.*(row|line) 6"),
    "a calendar feature that is none": (lines(), {"calendar": "weekday"}, r"calendar: unknown feature 'weekday'"),
    "a device that is none": (lines(), {"device": "gpu"}, r"device: 'gpu'"),
    "an option that the cell does not have": (lines(), {"cell_options": {"rest": 1}}, r"'rnn' has no option 'rest'"),
}  # fmt: skip


@pytest.mark.parametrize("case", FILES)
def test_a_bad_file_is_named_and_nothing_is_written(tmp_path, monkeypatch, case):
    content, changes, says = FILES[case]
    monkeypatch.chdir(tmp_path)
    Path("data.csv").write_text("".join(line + "\n" for line in content))
    flat = {**QUICK, "files": "data.csv", "column": "Close", **changes}
    with pytest.raises(InputError, match=re.compile(says, re.DOTALL)) as caught:
        run_forecast(ForecastSettings.from_flat(flat), tmp_path / "out")
    assert caught.value.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["data.csv"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"window": 0}, "window: .*1"),
        ({"horizon": -1}, "horizon: .*1"),
        ({"cell": "ltsm"}, "did you mean 'lstm'"),
        ({"loss": "mes"}, "did you mean 'mse'"),
        ({"optimizer": "adan"}, "did you mean 'adam'"),
        ({"learning_rate": "fast"}, "learning_rate.*'fast'"),
        ({"widnow": 3}, "widnow.*did you mean 'window'"),
    ],
)
def test_a_bad_setting_is_named(changes, says):
    with pytest.raises(SettingsError, match=says):
        ForecastSettings.from_flat({**QUICK, **changes})


def test_a_missing_file(tmp_path):
    (tmp_path / "GOOG.csv").write_text("x")
    with pytest.raises(DataError, match=r"GOOOG\.csv: there is no such file.*'GOOG\.csv'"):
        run_forecast(ForecastSettings.from_flat({"files": str(tmp_path / "GOOOG.csv")}), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_files_that_do_not_share_dates(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("A.csv").write_text("\n".join(lines()))
    Path("B.csv").write_text("\n".join(lines(start=date(2024, 1, 3))))
    flat = ForecastSettings.from_flat({**QUICK, "files": ("A.csv", "B.csv"), "column": "Close"})
    with pytest.raises(DataError, match=r"2024-01-01.*align|align.*2024-01-01|B.*2024-01-01"):
        run_forecast(flat, Path("out"))
    assert not Path("out").exists()


def test_an_output_folder_that_cannot_be_used(tmp_path):
    (tmp_path / "data.csv").write_text("\n".join(lines()))
    flat = ForecastSettings.from_flat({**QUICK, "files": str(tmp_path / "data.csv"), "column": "Close"})
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="cannot write"):
        run_forecast(flat, tmp_path / "file" / "out")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("mine")
    with pytest.raises(OutputError, match=r"holds 'thesis\.tex' and no run"):
        run_forecast(flat, tmp_path / "full")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["thesis.tex"]


def test_the_disk_is_full_at_the_end(tmp_path, monkeypatch):
    from gatewise.runs import atomic

    (tmp_path / "data.csv").write_text("\n".join(lines()))
    flat = ForecastSettings.from_flat({**QUICK, "files": str(tmp_path / "data.csv"), "column": "Close"})
    real = atomic.replacing_folder

    def full(path, **kwargs):
        raise OutputError(f"cannot write {path}: the disk is full")

    monkeypatch.setattr(atomic, "replacing_folder", full)
    with pytest.raises(OutputError, match="disk is full"):
        run_forecast(flat, tmp_path / "out")
    assert not (tmp_path / "out" / "result.json").exists()
    monkeypatch.setattr(atomic, "replacing_folder", real)
    assert (
        run_forecast(flat, tmp_path / "out")["status"] == "finished"
    )  # nothing is trained again: all epochs are there


# -------------------------------------------------------------------------------------------------- the command line


def gatewise(*arguments, cwd):
    command = [sys.executable, "-m", "gatewise", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=ENVIRONMENT, timeout=120, check=False)


OPTIONS = "--column=Close --window=4 --cell=rnn --units=2 --head=4 --epochs=1"


@pytest.mark.parametrize("case", ["text in a number column", "negative with log return", "a device that is none"])
def test_the_command_line_says_the_same(tmp_path, case):
    content, changes, says = FILES[case]
    (tmp_path / "data.csv").write_text("".join(line + "\n" for line in content))
    extra = [word for name, value in changes.items() for word in ("--" + name.replace("_", "-"), value)]
    done = gatewise("fit", "forecast", "data.csv", *OPTIONS.split(), *extra, "--out", "out", "--json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.search(says, done.stderr, re.DOTALL)
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_fit_forecast_and_score(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("data.csv").write_text("\n".join(lines()))

    def call(*words):
        return run([str(word) for word in words]), capsys.readouterr()

    line = ("fit", "forecast", "data.csv", *OPTIONS.split(), "--out", "out", "--json")
    code, said = call(*line)
    result = json.loads(said.out)
    assert (code, result["status"]) == (0, "finished")
    assert json.loads(call(*line)[1].out) == result
    assert len(json.loads(call("forecast", "out", "--horizon", 3, "--json")[1].out)["forecast"]) == 3
    assert json.loads(call("score", "out", "data.csv", "--json")[1].out)["metrics"]["mse"] > 0
    Path("out/model/model.safetensors").write_bytes(b"cut")
    code, said = call("forecast", "out")
    assert code == 2
    assert "copy it again or train again" in said.err


# ------------------------------------------------------------------------------------------------ anything at all

HARD = settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))


@HARD
@given(
    values=st.lists(st.floats(width=64), min_size=1, max_size=40)
    | st.lists(st.sampled_from([0.0, 1.0, -1.0, 1e300, 1e-300, 5.0, 1e38]), min_size=12, max_size=40),
    window=st.integers(1, 6),
    horizon=st.integers(1, 3),
    offset=st.integers(1, 3),
    transform=st.sampled_from(["none", "standard", "min_max", "difference", "log_return", "last_value"]),
    loss=st.sampled_from(["mse", "mape", "quantile", "student_t"]),
    kind=st.sampled_from(["chronological", "random", "blocked", "walk_forward"]),
    sizes=st.sampled_from([(0.1, 0.1), (0.0, 0.3), (0.5, 0.0), (0.9, 0.9)]),
)
def test_any_frame_gives_a_forecast_or_a_message(values, window, horizon, offset, transform, loss, kind, sizes):
    forecaster = Forecaster(
        **{
            **QUICK, "window": window, "horizon": horizon, "target_offset": offset, "transform": transform,
            "loss": loss, "split": kind, "folds": 2, "test_size": sizes[0], "validation_size": sizes[1],
        }
    )  # fmt: skip
    with suppress(GatewiseError):
        made = forecaster.fit(np.array(values)).predict(horizon=horizon + offset)
        assert len(made) == horizon + offset
        assert forecaster.result_["status"] == "finished"


BYTES = st.one_of(
    st.binary(max_size=200),
    st.text(alphabet="0123456789-.,;\t\n\"'eDdatey NA\x00ä", max_size=300).map(str.encode),
    st.lists(
        st.lists(st.sampled_from(["1", "2.5", "", "x", "2024-01-01", "1e400", "nan"]), min_size=1, max_size=3),
        max_size=30,
    ).map(lambda rows: "\n".join(["ds,y", *(",".join(row) for row in rows)]).encode()),
)


@HARD
@given(content=BYTES)
def test_any_file_gives_a_run_or_a_message_and_no_half_folder(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("any")
    try:
        (folder / "data.csv").write_bytes(content)
        refused = finished = False
        try:
            run_forecast(ForecastSettings.from_flat({**QUICK, "files": str(folder / "data.csv")}), folder / "out")
            finished = True
        except InputError:
            refused = True
        except GatewiseError:
            pass
        assert (folder / "out").exists() is not refused
        assert (folder / "out" / "result.json").is_file() is finished
    finally:
        shutil.rmtree(folder)


@HARD
@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255), data=st.data())
def test_any_changed_byte_of_a_model_folder_gives_a_forecast_or_a_message(tmp_path_factory, place, flip, data):
    golden = Path(__file__).parents[1] / "golden" / "forecast_model_v1"
    name = data.draw(st.sampled_from(sorted(path.name for path in golden.iterdir())))
    folder = tmp_path_factory.mktemp("changed")
    try:
        shutil.copytree(golden, folder / "model")
        path = folder / "model" / name
        content = bytearray(path.read_bytes())
        content[int(place * len(content))] ^= flip
        path.write_bytes(bytes(content))
        with suppress(ModelFolderError, DataError, SettingsError):
            Forecaster.load(folder / "model").predict()
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("column", ["Close", "Volume"])
def test_numbers_that_are_too_large(tmp_path, column):
    frame = pl.read_csv("\n".join(lines()).encode(), try_parse_dates=True).with_columns(pl.col("Volume") * 1.0)
    frame = frame.with_columns(
        pl.when(pl.col("Date") == date(2024, 1, 5)).then(1e200).otherwise(pl.col(column)).alias(column)
    )
    frame.write_csv(tmp_path / "data.csv")
    flat = {**QUICK, "files": str(tmp_path / "data.csv"), "column": "Close", "past_covariates": "Volume"}
    says = "series 'data' is 1e.200 at 2024-01-05" if column == "Close" else "covariate 'Volume'"
    with pytest.raises(DataError, match=says + ".*rescale the column"):
        run_forecast(ForecastSettings.from_flat(flat), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_loss_that_overflows_says_where():
    frame = pl.DataFrame({"y": np.linspace(1e30, 3e30, 60)})
    flat = ForecastSettings.from_flat(QUICK)
    with pytest.raises(DivergedError, match=r"epoch 1, step 1 of 1: .* the loss .*a transform such as standard"):
        fit_forecast(flat, read_series(flat.data, frame))
