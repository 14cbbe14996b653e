import gzip
import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from data_samples import prices, write
from gatewise.data.series import Windows, read_series, require_varying, split_windows
from gatewise.errors import DataError
from gatewise.settings import ForecastDataSettings, ForecastSplitSettings


def read(*files, **settings):
    return read_series(ForecastDataSettings(files=tuple(files), **settings))


def refuse(*files, **settings) -> str:
    with pytest.raises(DataError) as caught:
        read(*files, **settings)
    return str(caught.value)


def test_two_files_are_the_channels_of_one_window(tmp_path):
    goog, aapl = prices(tmp_path / "GOOG.csv"), prices(tmp_path / "AAPL.csv", seed=1)
    series = read(goog, aapl)
    assert series.names == ("joint",)
    assert series.channels == ("GOOG", "AAPL")
    assert series.target.shape == (60, 2)
    assert series.frequency.name == "business"
    assert series.times[0] == np.datetime64("2020-01-06")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", " ", "   "])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_separator_is_found_by_itself(tmp_path, separator, ending):
    lines = [("ds", "y"), ("2020-01-01", "1.5"), ("2020-01-02", "2.5"), ("2020-01-03", "-3e1")]
    file = write(tmp_path / "a.csv", ending.join(separator.join(line) for line in lines) + ending)
    assert read(file).target[:, 0].tolist() == [1.5, 2.5, -30.0]


def test_gzip_bom_parquet_and_frame_give_the_same(tmp_path):
    plain = prices(tmp_path / "a.csv")
    content = (tmp_path / "a.csv").read_bytes()
    write(tmp_path / "b.csv.gz", gzip.compress(content))
    write(tmp_path / "c.csv", b"\xef\xbb\xbf" + content)
    pl.read_csv(plain, try_parse_dates=True).write_parquet(tmp_path / "d.parquet")
    want = read(plain)
    for name in ("b.csv.gz", "c.csv", "d.parquet"):
        got = read(str(tmp_path / name))
        assert np.array_equal(got.target, want.target)
        assert np.array_equal(got.times, want.times)
    assert read(str(tmp_path / "b.csv.gz")).channels == ("b",)


def test_digest_follows_content_not_place(tmp_path):
    (tmp_path / "other").mkdir()
    one, two = prices(tmp_path / "A.csv"), prices(tmp_path / "other" / "A.csv")
    assert read(one).digest == read(two).digest
    assert read(one).digest != read(prices(tmp_path / "A.csv", seed=3)).digest


def test_decimal_comma_is_read_unless_it_may_be_a_thousand(tmp_path):
    assert read(write(tmp_path / "a.csv", "ds;y\n2020-01-01;1,5\n2020-01-02;2,25\n")).target[:, 0].tolist() == [
        1.5,
        2.25,
    ]
    message = refuse(write(tmp_path / "b.csv", "ds;y\n2020-01-01;1,500\n2020-01-02;2,250\n"))
    assert "b.csv, row 2, column 'y'" in message
    assert "'1,500'" in message


def test_newest_first_is_sorted_and_said(tmp_path):
    prices(tmp_path / "a.csv")
    lines = (tmp_path / "a.csv").read_text().splitlines()
    file = write(tmp_path / "b.csv", "\n".join([lines[0], *lines[:0:-1]]))
    series = read(file)
    assert np.array_equal(series.target, read(str(tmp_path / "a.csv")).target)
    assert any("newest row came first; sorted by date" in note for note in series.notes)


def test_no_dates_means_row_order(tmp_path):
    series = read(write(tmp_path / "a.csv", "y\n3\n1\n2\n"))
    assert series.target[:, 0].tolist() == [3, 1, 2]
    assert series.times.dtype == np.int64
    assert series.frequency.name == "row"


def test_integer_times_stay_integers(tmp_path):
    series = read(write(tmp_path / "a.csv", "t,y\n10,1\n30,3\n20,2\n"))
    assert series.times.tolist() == [10, 20, 30]
    assert series.frequency.next_times(series.times[-1], 2).tolist() == [40, 50]


LONG = "unique_id,ds,y,promo\n" + "".join(
    f"{name},2020-01-{day:02d},{day + shift},{day % 2}\n"
    for day in range(1, 11)
    for name, shift in (("b", 0), ("a", 50))
)


def test_long_file_is_global_and_joint_when_asked(tmp_path):
    file = write(tmp_path / "long.csv", LONG)
    series = read(file, future_covariates="promo")
    assert series.names == ("b", "a")
    assert series.channels == ("y",)
    assert series.offsets.tolist() == [0, 10, 20]
    assert series.target[:, 0].tolist() == [*range(1, 11), *range(51, 61)]
    assert not any("sorted" in note for note in series.notes)
    joint = read(file, series="joint", past_covariates="promo")
    assert joint.channels == ("b", "a")
    assert joint.past_names == ("b.promo", "a.promo")
    assert joint.target[0].tolist() == [1, 51]


def test_files_can_be_global_series(tmp_path):
    series = read(prices(tmp_path / "A.csv"), prices(tmp_path / "B.csv", 40, seed=1), series="global")
    assert series.names == ("A", "B")
    assert series.offsets.tolist() == [0, 60, 100]


def test_wide_file_with_several_columns(tmp_path):
    file = write(tmp_path / "w.csv", "Date,Open,High\n2020-01-01,1,2\n2020-01-02,3,4\n")
    assert read(file, column=("High", "Open")).channels == ("High", "Open")
    assert read(file, column=("High", "Open")).target.tolist() == [[2, 1], [4, 3]]


def test_a_column_called_id_that_numbers_rows_is_no_id(tmp_path):
    assert read(write(tmp_path / "a.csv", "id,ds,y\n1,2020-01-01,5\n2,2020-01-02,6\n")).names == ("a",)


def test_equal_stems_are_told_apart_by_folder(tmp_path):
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
    series = read(prices(tmp_path / "x" / "A.csv"), prices(tmp_path / "y" / "A.csv", seed=1))
    assert len(set(series.channels)) == 2
    assert all(channel.endswith("A") for channel in series.channels)


def test_joint_files_must_share_dates(tmp_path):
    one, two = prices(tmp_path / "A.csv", 60), prices(tmp_path / "B.csv", 58, first="2020-01-08", seed=1)
    message = refuse(one, two)
    assert "lacks 2 dates" in message
    assert "2020-01-06" in message
    assert "align to common" in message
    series = read(one, two, align="common")
    assert len(series.times) == 58
    assert any("58 dates that all series have" in note for note in series.notes)
    assert "share no date" in refuse(one, prices(tmp_path / "C.csv", first="2022-01-03"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["empty"]),
        ("\n\n", ["empty"]),
        ("Date,Close\n", ["no rows"]),
        ("Date,Close\n2020-01-01,1\n2020-01-02,x1\n", ["row 3", "'Close'", "'x1'", "not a number"]),
        ("Date,Close\n2020-01-01,1\n\n2020-01-02,x1\n", ["row 4"]),
        ('Date,Close,Note\n2020-01-01,1,"a\nb"\n2020-01-02,x1,c\n', ["row 4"]),
        ("Date,Close\n2020-01-01,inf\n2020-01-02,1\n", ["row 2", "'Close'", "infinite"]),
        ("Date,Close\n2020-01-01,1e999\n2020-01-02,1\n", ["row 2", "infinite"]),
        ("Date,Close\n2020-01-01,1\n2020-01-02,\n", ["row 3", "'Close'", "missing"]),
        ("Date,Close\n2020-01-01,1\n2020-01-02,NaN\n", ["row 3", "missing"]),
        ("Date,Close\n2020-01-01,1\nsoon,2\n", ["row 3", "'Date'", "'soon'", "date_format"]),
        ("Date,Close\n2020-01-01,1\n2020-02-30,2\n", ["row 3", "'2020-02-30'"]),
        ("Date,Close\n2020-01-01,1\n,2\n", ["row 3", "date is missing"]),
        ("Date,Close\n01/02/2020,1\n02/02/2020,2\n", ["'01/02/2020'", "day and month", "'%d/%m/%Y'"]),
        ("Date,Close\n2020-01-02,1\n2020-01-01,2\n2020-01-02,3\n", ["row 2", "row 4", "2020-01-02", "twice"]),
        ("Date,Close\n2020-01-01,1\n2020-01-02,2,9\n", ["row 3", "3 fields", "2"]),
        ("Date,Open,Close\n2020-01-01,1,2\n2020-01-02,2\n", ["row 3", "2 fields", "3"]),
        ("2020-01-01,1\n2020-01-02,2\n", ["header"]),
        ("Date,Close,Close\n2020-01-01,1,2\n", ["'Close'", "twice"]),
        ("Date,Open,High\n2020-01-01,1,2\n", ["Open, High"]),
        ("Date,Name\n2020-01-01,x\n", ["row 2", "'Name'"]),
        (b"Date,Close\n2020-01-01,\xe9\n", ["row 2", "UTF-8"]),
        (b"\xff\xfeD\x00", ["UTF-16"]),
        (b"PK\x03\x04rest", ["Excel"]),
        (b"PAR1nothing", ["cannot be read"]),
        ("unique_id,ds,y\n,2020-01-01,1\nb,2020-01-01,2\n", ["row 2", "id"]),
    ],
)
def test_bad_files_are_refused_by_row_and_column(tmp_path, text, words):
    message = refuse(write(tmp_path / "bad.csv", text))
    for word in ["bad.csv", *words]:
        assert word in message


def test_missing_files_and_columns_say_what_was_meant(tmp_path):
    file = prices(tmp_path / "GOOG.csv")
    assert "did you mean 'GOOG.csv'" in refuse(str(tmp_path / "GOGO.csv"))
    assert "no such file" in refuse(str(tmp_path / "none" / "a.csv"))
    assert "cannot be read" in refuse(str(tmp_path))
    assert "did you mean 'Close'? Known: Date, Close" in refuse(file, column="close")
    assert "no time column 'when'" in refuse(file, time_column="when")
    assert "no covariate column 'Volume'" in refuse(file, past_covariates="Volume")
    assert "given twice" in refuse(file, file)
    assert "did you mean 'GOOG'" in refuse("sample:GOGO")
    assert "give files" in refuse()


def test_log_return_and_mape_name_the_row(tmp_path):
    file = write(tmp_path / "z.csv", "ds,y\n2020-01-03,0\n2020-01-01,5\n2020-01-02,4\n")
    message = refuse(file, transform="log_return")
    assert "z.csv, row 2, column 'y': the value is 0" in message
    assert "log_return needs positive" in message
    with pytest.raises(DataError, match=r"row 2, column 'y'.*loss mape"):
        read_series(ForecastDataSettings(files=(file,)), nonzero="loss mape")


def test_samples_need_no_import():
    series = read("sample:MSFT", "sample:IBM")
    assert series.channels == ("MSFT", "IBM")
    assert series.frequency.name == "business"


def test_files_stay_as_they_are(tmp_path):
    file = prices(tmp_path / "a.csv")
    before = (tmp_path / "a.csv").read_bytes()
    read(file)
    assert (tmp_path / "a.csv").read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.csv"]


def test_messages_about_whole_series_name_their_files(tmp_path):
    flat, moving = write(tmp_path / "A.csv", "ds,y\n2020-01-01,5\n2020-01-02,5\n"), tmp_path / "B.csv"
    write(moving, "ds,y\n2020-01-01,1\n2020-01-02,2\n")
    joint = read(flat, str(moving))
    with pytest.raises(DataError, match=rf"^{re.escape(flat)}: series 'A' is 5 in every row"):
        require_varying(joint)
    with pytest.raises(DataError, match=rf"^{re.escape(f'{flat}, {moving}')}: series 'joint' has 2 rows"):
        Windows(joint, 9)
    apart = read(flat, str(moving), series="global")
    assert apart.called(1) == f"{moving}: series 'B'"
    with pytest.raises(DataError, match=rf"^{re.escape(flat)}: series 'A' has 2 rows; 2 windows are too few"):
        split_windows(Windows(apart, 1), ForecastSplitSettings(validation=0.9))
    columns = read(write(tmp_path / "C.csv", "ds,a,b\n2020-01-01,1,5\n2020-01-02,2,5\n"), column=("a", "b"))
    with pytest.raises(DataError, match=r"C\.csv: series 'b' is 5 in every row"):
        require_varying(columns)


def test_the_digest_does_not_know_the_files(tmp_path):
    series = read(prices(tmp_path / "a.csv"))
    assert replace(series, sources=("elsewhere.csv",)).digest == series.digest


@pytest.mark.parametrize("text", ["{}Q{}", "{}-Q{}", "{} q{}", "Q{1} {0}", "Q{1}-{0}"])
def test_quarters_are_dated_by_their_first_day(tmp_path, text):
    rows = [f"{text.format(2010 + i // 4, i % 4 + 1)},{i}.5" for i in range(9)]
    series = read(write(tmp_path / "a.csv", "\n".join(["quarter,gdp", *rows])))
    assert series.times[:6].astype("datetime64[D]").astype(str).tolist() == [
        "2010-01-01", "2010-04-01", "2010-07-01", "2010-10-01", "2011-01-01", "2011-04-01",
    ]  # fmt: skip
    assert str(series.frequency.next_times(series.times[-1], 1)[0])[:10] == "2012-04-01"
    bad = [*rows[:4], "2011Q5,1", *rows[5:]]
    message = refuse(write(tmp_path / "b.csv", "\n".join(["quarter,gdp", *bad])), time_column="quarter")
    assert "b.csv, row 6, column 'quarter': the date '2011Q5' cannot be read" in message
