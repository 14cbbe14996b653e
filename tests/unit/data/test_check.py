import json

from data_samples import prices, write
from gatewise.data.series import check_files
from gatewise.settings import ForecastDataSettings, ForecastSplitSettings


def test_good_files_are_described(tmp_path):
    files = (prices(tmp_path / "GOOG.csv"), prices(tmp_path / "AAPL.csv", seed=1))
    report = check_files(ForecastDataSettings(files=files, target_offset=2))
    assert not report.refused
    assert report.windows == 29
    goog = report.series[0]
    assert (goog.name, goog.column, goog.rows, goog.frequency) == ("GOOG", "Close", 60, "business")
    assert (goog.first, goog.last) == ("2020-01-06", "2020-03-27")
    assert goog.minimum < goog.mean < goog.maximum
    assert "29 windows" in report.to_text()
    json.dumps(report.to_json(), allow_nan=False)


def test_everything_that_is_wrong_is_said_at_once(tmp_path):
    text = "Date,Close\n2020-01-01,1\n2020-01-02,abc\n2020-01-03,\n2020-01-03,4\n2020-01-04,inf\n2020-01-07,0\n"
    report = check_files(
        ForecastDataSettings(files=(write(tmp_path / "bad.csv", text), str(tmp_path / "none.csv")), window=9)
    )
    assert report.refused
    assert report.windows is None
    said = "\n".join(report.problems)
    for words in (
        "no such file",
        "'abc' is not a number",
        "infinite",
        "row 4 and row 5",
        "lacks 2020-01-05",
        "is missing (1",
    ):
        assert said.count(words) == 1
    assert "row 4, column 'Close': the value is missing" in said
    one = report.series[0]
    assert (one.rows, one.duplicates, one.gaps, one.missing, one.zeros) == (6, 1, 2, 1, 1)
    json.dumps(report.to_json(), allow_nan=False)


def test_policies_turn_problems_into_notes(tmp_path):
    text = "ds,y\n2020-01-01,1\n2020-01-02,\n2020-01-02,3\n2020-01-03,3\n2020-01-05,9\n"
    file = write(tmp_path / "a.csv", text)
    settings = ForecastDataSettings(files=(file,), window=2, gaps="ffill", missing="ffill", duplicates="last")
    assert not check_files(settings).refused
    assert len(check_files(settings).notes) >= 3


def test_short_and_constant_series_are_refused(tmp_path):
    short = check_files(ForecastDataSettings(files=(prices(tmp_path / "a.csv", 10),)))
    assert "need at least 31" in short.problems[0]
    flat = write(tmp_path / "b.csv", "y\n" + "5\n" * 50)
    assert f"{flat}: series 'b' is 5 in every row" in check_files(ForecastDataSettings(files=(flat,))).problems[0]


def test_too_few_windows_for_the_split_are_refused(tmp_path):
    settings = ForecastDataSettings(files=(prices(tmp_path / "a.csv", 32),))
    assert not check_files(settings).refused
    assert "one series needs at least 33" in check_files(settings, split=ForecastSplitSettings()).problems[0]


def test_a_value_that_is_no_number_is_one_problem_whatever_the_policy(tmp_path):
    text = "unique_id,ds,y\n" + "".join(f"{s},2020-01-{d:02d},{d}.5\n" for d in range(1, 9) for s in ("n", "m"))
    file = write(tmp_path / "a.csv", text.replace("m,2020-01-03,3.5", "m,2020-01-03,three"))
    for policy in ("error", "ffill", "interpolate", "drop"):
        report = check_files(ForecastDataSettings(files=(file,), window=2, missing=policy))
        assert report.problems == (f"{file}, row 7, column 'y': 'three' is not a number",)
        assert [one.missing for one in report.series] == [0, 0]
