import numpy as np
import polars as pl
import pytest

from gatewise.data.series import like_input, read_series
from gatewise.data.tables.frames import to_polars
from gatewise.errors import DataError
from gatewise.settings import ForecastDataSettings

DAYS = np.arange("2020-01-01", "2020-02-10", dtype="datetime64[D]")
VALUES = np.linspace(1, 9, len(DAYS))


def polars_frame():
    return pl.DataFrame({"ds": DAYS, "y": VALUES})


def kinds():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"ds": DAYS.astype("datetime64[ns]"), "y": VALUES})
    text = frame.assign(ds=frame["ds"].dt.strftime("%Y-%m-%d"))
    nullable = frame.assign(y=frame["y"].astype("Float64"))
    zoned = frame.assign(ds=frame["ds"].dt.tz_localize("Asia/Tehran"))
    return {
        "polars": polars_frame(),
        "lazy": polars_frame().lazy(),
        "pandas": frame,
        "pandas text": text,
        "pandas index": frame.set_index("ds"),
        "pandas unnamed index": frame.set_index("ds").rename_axis(None),
        "pandas nullable": nullable,
        "pandas zoned": zoned,
        "pandas series": frame.set_index("ds")["y"],
        "pyarrow": pytest.importorskip("pyarrow").table({"ds": DAYS, "y": VALUES}),
        "dict of columns": {"ds": DAYS, "y": VALUES},
    }


@pytest.mark.parametrize("kind", list(kinds()))
def test_every_kind_of_frame_reads_the_same(kind):
    series = read_series(ForecastDataSettings(), kinds()[kind])
    assert np.array_equal(series.target[:, 0], VALUES)
    assert np.array_equal(series.times, DAYS)
    assert series.frequency.name == "1d"


def test_hours_with_a_zone_are_utc_and_days_keep_their_dates():
    pandas = pytest.importorskip("pandas")
    hours = pandas.date_range("2020-03-28 20:00", periods=12, freq="h", tz="Europe/Berlin")  # the clock changes within
    zoned = pandas.DataFrame({"ds": hours, "y": range(12)})
    texts = zoned.assign(ds=[stamp.isoformat() for stamp in hours])
    for frame in (zoned, texts, pl.DataFrame({"ds": pl.Series(hours.tolist()), "y": range(12)})):
        series = read_series(ForecastDataSettings(), frame)
        assert series.frequency.name == "1h"
        assert series.times[0] == np.datetime64("2020-03-28T19:00")
    days = pandas.date_range("2020-03-20", periods=20, freq="D", tz="Europe/Berlin")
    for frame in (
        pandas.DataFrame({"ds": days, "y": range(20)}),
        pl.DataFrame({"ds": [stamp.isoformat() for stamp in days], "y": range(20)}),
    ):
        series = read_series(ForecastDataSettings(), frame)
        assert series.frequency.name == "1d"
        assert series.times[-1] == np.datetime64("2020-04-08")


def test_named_frames_are_channels():
    other = polars_frame().with_columns(y=pl.col("y") ** 2)
    assert read_series(ForecastDataSettings(), {"A": polars_frame(), "B": other}).channels == ("A", "B")


def test_arrays_are_rows_without_dates():
    assert read_series(ForecastDataSettings(), VALUES).target[:, 0].tolist() == VALUES.tolist()
    wide = read_series(ForecastDataSettings(column=("y0", "y1")), np.column_stack([VALUES, VALUES**2]))
    assert wide.channels == ("y0", "y1")


def test_messages_count_frame_rows_from_zero():
    frame = pl.DataFrame({"ds": ["2020-01-01", "2020-01-02", "2020-01-03"], "y": ["1", "x", "3"]})
    with pytest.raises(DataError, match=r"row 1 \(counting from 0\), column 'y': 'x' is not a number"):
        read_series(ForecastDataSettings(), frame)


@pytest.mark.parametrize(
    "frame", [7, "text", object(), {}, [], pl.DataFrame(), pl.DataFrame({"y": []}), np.zeros((2, 2, 2))]
)
def test_what_is_no_frame_is_refused(frame):
    with pytest.raises(DataError):
        read_series(ForecastDataSettings(), frame)


def test_results_come_back_in_the_kind_that_was_given():
    for kind in ("polars", "pandas", "pyarrow"):
        given = kinds()[kind]
        back = like_input(polars_frame().with_columns(name=pl.lit("a")), {"A": given})
        assert type(back) is type(given)
        assert (
            to_polars(back)
            .select("y", "name")
            .equals(pl.DataFrame({"y": VALUES, "name": ["a"] * len(VALUES)}), null_equal=True)
        )


def test_a_frame_without_a_name_calls_its_series_after_the_column():
    frame = pl.DataFrame({"sales": np.arange(9.0)})
    assert read_series(ForecastDataSettings(), frame).channels == ("sales",)
    assert read_series(ForecastDataSettings(), {"shop": frame}).channels == ("shop",)


def test_a_pandas_index_of_periods_gives_the_dates():
    pandas = pytest.importorskip("pandas")
    months = pandas.Series(range(12), index=pandas.period_range("2020-01", periods=12, freq="M"), name="y")
    for frame in (months, months.to_frame()):
        series = read_series(ForecastDataSettings(), frame)
        assert series.frequency.name == "1mo"
        assert series.times[1] == np.datetime64("2020-02-01")
