"""What each command hands to the rooms behind it, and what it prints; the rooms themselves are stood in for."""

from __future__ import annotations

import json
import math
import sys
from datetime import date, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from gatewise.cli.main import run
from gatewise.cli.output import plain, shown
from gatewise.cli.result import verdict_text
from gatewise.errors import DataError
from gatewise.settings import ForecastSettings

RESULT = {
    "status": "finished",
    "parameters": 1219202,
    "leaking": True,
    "metrics": {"test": {"mse": 95.25, "pearson": math.nan}},
    "baselines": {"last_value": {"test": {"mse": 71.613}}},
    "verdict": {"metric": "mse", "against": "last_value", "ratio": 1.33, "p": 0.0123, "says": "worse"},
    "notes": ["sorted: newest row came first"],
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Stand in for the task: remember what it is asked to do."""
    calls: list[dict[str, Any]] = []

    def run_forecast(settings: ForecastSettings, folder: Path | None, **rest: Any) -> dict[str, Any]:
        calls.append({"settings": settings, "folder": folder, **rest})
        return RESULT | {"status": settings.name if settings.name in ("interrupted", "failed") else "finished"}

    task = ModuleType("gatewise.tasks.forecast")
    task.run_forecast = run_forecast  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gatewise.tasks.forecast", task)
    return calls


def test_the_line_of_the_report(fitted: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    line = (
        "fit forecast GOOG.csv AAPL.csv --column Close --window 30 --target-offset 2 --split random --split-seed 42 "
        "--cell lstm --units 512 --input-dropout 0 --loss mse --optimizer adam --learning-rate 1e-4 --batch-size 8 "
        "--epochs 100 --patience 3 --seed 0 --out there --json"
    )
    assert run(line.split()) == 0
    call = fitted[0]
    assert call["folder"] == Path("there")
    settings = call["settings"]
    assert settings.data.files == ("GOOG.csv", "AAPL.csv")
    assert (settings.data.column, settings.data.window, settings.data.target_offset) == (("Close",), 30, 2)
    assert (settings.split.kind, settings.split.seed) == ("random", 42)
    assert (settings.model.cell, settings.model.units, settings.model.input_dropout) == ("lstm", 512, 0.0)
    train = settings.train
    assert (train.loss, train.optimizer, train.learning_rate, train.batch_size) == ("mse", "adam", 1e-4, 8)
    assert (train.epochs, train.patience, settings.seed) == (100, 3, 0)
    document = json.loads(capsys.readouterr().out)
    assert document["parameters"] == 1219202
    assert document["metrics"]["test"] == {"mse": 95.25, "pearson": None}


def test_fit_shows_the_baselines_the_verdict_and_the_leak(
    fitted: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["fit", "forecast", "a.csv", "--out", "there"]) == 0
    text = capsys.readouterr().out
    assert "71.61" in text
    assert "95.25" in text
    assert "worse than last_value (MSE ratio 1.330, p = 0.0123)" in text
    assert "leaks" in text
    assert "there" in text


def test_without_out_the_folder_is_the_same_for_the_same_settings_only(fitted: list[dict[str, Any]]) -> None:
    for extra in ([], [], ["--units", "8"]):
        assert run(["fit", "forecast", "a.csv", *extra]) == 0
    assert run(["fit", "forecast", "b.csv"]) == 0
    first, again, other, elsewhere = (call["folder"] for call in fitted)
    assert first == again
    assert len({first, other, elsewhere}) == 3
    assert first.parts[0] == "runs"
    assert run(["fit", "forecast", "a.csv", "--no-save"]) == 0
    assert fitted[-1]["folder"] is None


@pytest.mark.parametrize(("status", "code"), [("interrupted", 130), ("failed", 1)])
def test_a_run_that_did_not_finish_has_its_own_code(
    status: str, code: int, fitted: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["fit", "forecast", "a.csv", "--name", status, "--json"]) == code
    assert json.loads(capsys.readouterr().out)["status"] == status


def test_bad_settings_stop_before_the_task(fitted: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fit", "forecast", "a.csv", "--window", "0", "--cell", "lstmm", "--json"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "--window" in said.err
    assert "did you mean 'lstm'?" in said.err
    assert not fitted


class FakeModel:
    """Stand in for a loaded model."""

    def predict(self, data: Any, *, horizon: Any, future: Any) -> Any:
        import polars as pl

        assert data == ["new.csv"]
        return pl.DataFrame({"unique_id": ["[b]", "ب"], "ds": [date(2024, 1, 2)] * 2, "mean": [1.0, math.nan]})

    def future_template(self, horizon: int | None) -> Any:
        import polars as pl

        return pl.DataFrame({"unique_id": ["a"] * (horizon or 1), "holiday": [None] * (horizon or 1)})

    def evaluate(self, files: list[str]) -> dict[str, Any]:
        assert files == ["new.csv"]
        return {"windows": 7, "metrics": {"mse": 2.5, "series": {}}, "baselines": {"last_value": {"mse": 2.0}}}


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(folder: Path) -> FakeModel:
        if folder.name != "there":
            raise DataError(f"{folder}: no model")
        return FakeModel()

    task = ModuleType("gatewise.tasks.forecast")
    task.Forecaster = SimpleNamespace(load=load)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gatewise.tasks.forecast", task)


@pytest.mark.usefixtures("loaded")
def test_forecast_prints_a_table_or_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["forecast", "there", "--data", "new.csv"]) == 0
    assert "[b]" in capsys.readouterr().out  # a name from the data is no markup
    assert run(["forecast", "there", "--data", "new.csv", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["horizon"] == 1
    assert document["forecast"][1] == {"unique_id": "ب", "ds": "2024-01-02", "mean": None}


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("suffix", ["csv", "parquet", "json"])
def test_forecast_writes_a_file(suffix: str, tmp_path: Path) -> None:
    import polars as pl

    out = tmp_path / "new" / f"out.{suffix}"
    assert run(["forecast", "there", "--data", "new.csv", "--out", str(out)]) == 0
    read = {"csv": pl.read_csv, "parquet": pl.read_parquet, "json": pl.read_json}[suffix]
    assert read(out).get_column("unique_id").to_list() == ["[b]", "ب"]
    assert [path.name for path in out.parent.iterdir()] == [out.name]


@pytest.mark.usefixtures("loaded")
def test_forecast_refuses_what_it_cannot_write(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["forecast", "there", "--out", "out.xlsx"]) == 2
    assert ".parquet" in capsys.readouterr().err


@pytest.mark.usefixtures("loaded")
def test_the_template_is_a_csv(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["forecast", "there", "--future-template", "--horizon", "2"]) == 0
    assert capsys.readouterr().out == "unique_id,holiday\na,\na,\n"


@pytest.mark.usefixtures("loaded")
def test_score_shows_the_last_value_beside(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("gatewise.tasks.model_folder.task_of", lambda folder: "forecast")
    assert run(["score", "there", "new.csv"]) == 0
    text = capsys.readouterr().out
    assert "2.5" in text
    assert "last_value" in text
    assert run(["score", "there", "new.csv", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["windows"] == 7
    assert run(["score", "nowhere", "new.csv"]) == 2


def test_cells_and_studies_are_documents(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cells", "--json"]) == 0
    assert [cell["name"] for cell in json.loads(capsys.readouterr().out)][:3] == ["rnn", "gru", "lstm"]
    assert run(["studies", "--json"]) == 0
    assert "stocks-cells" in [study["name"] for study in json.loads(capsys.readouterr().out)]
    assert run(["studies"]) == 0
    assert "stocks-losses" in capsys.readouterr().out


@pytest.fixture
def studied(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []

    def run_study(study: Any, folder: Path, **rest: Any) -> dict[str, Any]:
        calls.append({"study": study, "folder": folder, **rest})
        return {"name": study.name, "folder": str(folder), "runs": [], "failed": [1] if study.seeds == (0,) else []}

    monkeypatch.setattr("gatewise.studies.run_study", run_study)
    monkeypatch.setattr("gatewise.report.make_report", lambda folder, out=None: Path(folder) / "page.html")
    monkeypatch.setattr("gatewise.report.summary_lines", lambda folder: ["GRU is worse than the last value."])
    return calls


def test_study_hands_over_what_was_typed_and_ends_with_the_page(
    studied: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    line = "study stocks-cells --preset paper --data G.csv A.csv --set model.units=64 --seeds 3 --jobs 1"
    assert run(line.split()) == 0
    call = studied[0]
    assert call["folder"] == Path("studies/stocks-cells-paper")
    assert call["engine"].jobs == 1
    assert call["study"].model.units == 64
    assert call["study"].seeds == (0, 1, 2)
    assert [Path(file).name for file in call["study"].data.files] == ["G.csv", "A.csv"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "GRU is worse than the last value."
    assert lines[-1] == str(Path("studies/stocks-cells-paper/page.html"))


def test_the_default_preset_is_the_study(studied: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["study", "stocks-cells"]) == 0
    capsys.readouterr()
    assert run(["study", "stocks-cells", "--preset", "quick", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["page"] == str(Path("studies/stocks-cells/page.html"))
    assert studied[0]["study"] == studied[1]["study"]
    assert studied[0]["folder"] == studied[1]["folder"] == Path("studies/stocks-cells")


def test_another_preset_needs_nothing_of_the_first_one(studied: list[dict[str, Any]], tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\npresets:\n  mine: {}\n  shared: {data: {files: ['sample:AAPL']}}\n")
    assert run(["study", str(path), "--preset", "shared", "--seeds", "2"]) == 0
    assert studied[0]["folder"] == Path("studies/mine-shared")


def test_a_study_of_text_is_planned_and_set_from_the_command_line(
    studied: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "book.txt").write_text("abc " * 5000)
    line = "study text-losses book.txt --set model.units=8 --seeds 2"
    assert run([*line.split(), "--plan", "--no-probe", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["task"], plan["main"], len(plan["runs"])) == ("generate", "train.loss", 8)
    assert run(line.split()) == 0
    assert studied[0]["study"].model.units == 8
    assert run(["studies"]) == 0
    assert "text-cells-modern" in capsys.readouterr().out


def test_runs_that_diverged_are_an_answer_and_other_failures_exit_code_1(
    studied: list[dict[str, Any]], tmp_path: Path
) -> None:
    folder = tmp_path / "studies" / "stocks-cells"
    folder.mkdir(parents=True)
    (folder / "comparison.json").write_text(json.dumps({"diverged": [{"label": "gru", "runs": 1, "of": 1}]}))
    assert run(["study", "stocks-cells", "--seeds", "1"]) == 0
    (folder / "comparison.json").write_text(json.dumps({"diverged": []}))
    assert run(["study", "stocks-cells", "--seeds", "1"]) == 1


def test_failed_runs_are_exit_code_1(studied: list[dict[str, Any]]) -> None:
    assert run(["study", "stocks-cells", "--seeds", "1"]) == 1


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["stocks-cels"], "did you mean 'stocks-cells'?"),
        (["stocks-cells", "--preset", "quik"], "did you mean 'quick'?"),
        (["stocks-cells", "--set", "model.unit=3"], "did you mean 'model.units'?"),
        (["stocks-cells", "--set", "units"], "KEY=VALUE is needed"),
        (["stocks-cells", "--preset", "paper"], "needs data files"),
    ],
)
def test_a_wrong_study_stops_before_anything_runs(
    args: list[str], said: str, studied: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["study", *args]) == 2
    assert said in capsys.readouterr().err
    assert not studied


def test_plan_trains_nothing(studied: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("bokeh_sampledata")
    assert run(["study", "stocks-cells", "--seeds", "2", "--plan", "--no-probe", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["runs"]) == 24
    assert run(["study", "stocks-cells", "--seeds", "2", "--plan", "--no-probe"]) == 0
    assert "24 runs" in capsys.readouterr().out
    assert not studied


def test_report_says_where_the_page_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def write_report(folder: Path, out: Path | None, *, language: str | None, kind: str) -> list[Path]:
        page = out or Path("page.html")
        page.write_text("<p>")
        return [page]

    monkeypatch.setattr("gatewise.report.write_report", write_report)
    assert run(["report", "there"]) == 0
    assert capsys.readouterr().out == "page.html\n"
    assert run(["report", "there", "--out", "other.html", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "folder": "there", "page": "other.html", "bytes": 3, "files": ["other.html"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (math.inf, "-"),
        (True, "yes"),
        (1219202, "1,219,202"),
        (71.6131, "71.61"),
        ("[b]", "[b]"),
        (datetime(2024, 1, 2), "2024-01-02"),
        (datetime(2024, 1, 2, 9), "2024-01-02 09:00:00"),
    ],
)
def test_values_in_a_table(value: object, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize(("p", "said"), [(0.0, "p < 0.001"), (0.04, "p = 0.04"), (None, "(MSE ratio 0.900)")])
def test_a_verdict_is_a_sentence(p: float | None, said: str) -> None:
    text = verdict_text({"metric": "mse", "against": "drift", "ratio": 0.9, "p": p, "says": "better"})
    assert text.startswith("Verdict: the network is better than drift (MSE ratio 0.900")
    assert said in text


def test_json_holds_no_number_that_json_does_not_know() -> None:
    assert plain({"a": (math.nan, [-math.inf, 1.5]), 2: Path("x")}) == {"a": [None, [None, 1.5]], "2": "x"}


def test_check_knows_the_loss_and_the_split(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"2024-01-{day:02d},{day - 3}" for day in range(1, 29)]
    Path("a.csv").write_text("\n".join(["ds,y", *rows]))
    Path("run.yaml").write_text("data: {files: [a.csv], window: 9}\ntrain: {loss: mape}\nsplit: {test: 0.9}\n")
    assert run(["check", "forecast", "a.csv", "--window", "9"]) == 0
    assert run(["check", "forecast", "--config", "run.yaml"]) == 2
    said = capsys.readouterr().out
    assert "refused: a.csv, row 4, column 'y': the value is 0; loss mape" in said
    assert "too few for a chronological split (test 0.9" in said
    assert run(["check", "forecast", "a.csv", "--window", "9", "--test-size", "0.9"]) == 2
    assert "too few for a chronological split (test 0.9" in capsys.readouterr().out
    assert run(["check", "forecast", "a.csv", "--window", "26"]) == 2
    assert "refused: a.csv: series 'a' has 28 rows; 2 windows are too few" in capsys.readouterr().out
