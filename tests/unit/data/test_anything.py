"""Whatever a file or a frame holds: a result or a DataError, and the file stays as it is."""

import io
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatewise.data.series import check_files, read_series
from gatewise.errors import DataError, InputError
from gatewise.settings import ForecastDataSettings

CELL = st.one_of(
    st.sampled_from(
        ["", "1", "2.5", "-3e4", "nan", "inf", "1e999", "abc", '"', "a,b", "1,5", "2020-01-01", "2020-01-02", " 7 ",
         "٣", "01/02/2020", "20200101", "2020-13-01", "\x00", "é", "2020-01-01T00:00:00Z", "99999-01-01", "0000-00-00"]
    ),
    st.floats(allow_nan=True).map(str),
    st.dates().map(str),
    st.text(max_size=6),
)  # fmt: skip
GRID = st.lists(st.lists(CELL, min_size=1, max_size=5), min_size=1, max_size=8)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "column": st.sampled_from(["y", "a", ("a", "b"), "", "Close"]),
        "series": st.sampled_from(["auto", "joint", "global"]),
        "missing": st.sampled_from(["error", "ffill", "interpolate", "drop"]),
        "gaps": st.sampled_from(["error", "ffill", "interpolate"]),
        "duplicates": st.sampled_from(["error", "first", "last", "mean"]),
        "frequency": st.sampled_from(["1d", "business", "irregular", "1mo", "1h"]),
        "date_format": st.sampled_from(["%Y", "%d/%m/%Y", "%", "nothing", ""]),
        "separator": st.sampled_from([",", ";", " ", "tab", "ab", '"']),
        "transform": st.sampled_from(["none", "log_return"]),
        "calendar": st.sampled_from([("month",), ("hour", "week")]),
        "past_covariates": st.sampled_from(["x", "b"]),
        "future_covariates": st.sampled_from(["b", "c"]),
        "id_column": st.sampled_from(["id", "a"]),
        "time_column": st.sampled_from(["ds", "a"]),
    },
)


def result_or_refusal(content: bytes, options: dict) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "any.csv"
        file.write_bytes(content)
        given_settings = ForecastDataSettings(files=(str(file),), window=2, **options)
        try:
            series = read_series(given_settings)
        except InputError:
            pass  # anything else fails the test
        else:
            assert np.isfinite(series.target).all()
            assert len(series.times) == len(series.target) == series.offsets[-1]
        check_files(given_settings).to_text()
        assert file.read_bytes() == content
        assert len(list(Path(folder).iterdir())) == 1


@settings(deadline=None, max_examples=120)
@given(GRID, st.sampled_from([",", ";", "\t", " "]), OPTIONS, st.sampled_from(["ds,y", "unique_id,ds,y", "a,b,c", ""]))
def test_grids_of_anything(grid, separator, options, header):
    lines = ([header.replace(",", separator)] if header else []) + [separator.join(row) for row in grid]
    result_or_refusal("\n".join(lines).encode("utf-8", "surrogatepass"), options)


@settings(deadline=None, max_examples=80)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))))
@example(b"\x1f\x8b\x08\x00broken")
@example(b"PAR1PAR1")
@example(b"\r")
@example(b'"')
@example(b",\n,\n")
@example(b"a,b\r1,2\r")
def test_bytes_of_anything(content):
    result_or_refusal(content, {})


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(-(10**6), 10**6), min_size=2, max_size=30, unique=True),
    st.sampled_from(["s", "m", "h", "D", "M"]),
    st.sampled_from(["error", "ffill", "interpolate"]),
)
def test_dates_at_any_distance(stamps, unit, gaps):
    times = (
        np.datetime64("2000-01", unit if unit == "M" else "s") + np.array(stamps).astype(f"timedelta64[{unit}]")
    ).astype("datetime64[us]")
    frame = pl.DataFrame({"ds": times, "y": np.arange(len(times), dtype=float)})
    try:
        series = read_series(ForecastDataSettings(gaps=gaps), frame)
    except DataError:
        return
    assert (np.diff(series.times) > np.timedelta64(0, "us")).all()
    assert set(times.tolist()) <= set(series.times.tolist())


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 400), st.floats(-1e9, 1e9)), min_size=1, max_size=60))
def test_long_frames_keep_every_value(rows):
    rows = list({(series, day): (series, day, value) for series, day, value in rows}.values())
    start = np.datetime64("2020-01-01", "us")
    frame = pl.DataFrame(
        {
            "unique_id": [f"s{series}" for series, _, _ in rows],
            "ds": np.array([start + np.timedelta64(day, "D") for _, day, _ in rows]),
            "y": [value for _, _, value in rows],
        }
    )
    buffer = io.BytesIO()
    frame.write_csv(buffer)
    settings_ = ForecastDataSettings(frequency="irregular", series="global", id_column="unique_id")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "long.csv"
        file.write_bytes(buffer.getvalue())
        series = read_series(settings_.model_copy(update={"files": (str(file),)}))
    want = frame.sort("unique_id", "ds", maintain_order=True)
    got = pl.DataFrame(
        {
            "unique_id": np.repeat(series.names, np.diff(series.offsets)).tolist(),
            "ds": pl.Series(series.times, dtype=pl.Datetime("us")),
            "y": series.target[:, 0],
        }
    ).sort("unique_id", "ds", maintain_order=True)
    assert got.equals(want)
