from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from data_samples import series_set, write
from gatewise.data.series import calendar_features, future_template, future_values, read_series, without_last
from gatewise.errors import DataError, SettingsError
from gatewise.settings import ForecastDataSettings

ROWS = "".join(f"{name},2020-01-{day:02d},{day + k},{day}\n" for k, name in enumerate("ab") for day in range(1, 21))


@pytest.fixture
def shops(tmp_path):
    return write(tmp_path / "shops.csv", "unique_id,ds,y,promo\n" + ROWS)


def test_calendar_is_the_same_for_past_and_future(shops):
    settings = ForecastDataSettings(files=(shops,), calendar=("day_of_week", "month", "year_progress"), target_offset=2)
    series = read_series(settings)
    assert series.future_names == ("day_of_week_sin", "day_of_week_cos", "month_sin", "month_cos", "year_progress")
    ahead = future_values(series, settings, 3)
    assert ahead.shape == (2, 3, 5)
    dates = np.array(["2020-01-22", "2020-01-23", "2020-01-24"], dtype="datetime64[us]")
    assert np.allclose(ahead[0], calendar_features(dates, settings.calendar))
    week_before = series.future[14 : 14 + 3, :2]
    assert np.allclose(ahead[0, :, :2], week_before)


@pytest.mark.parametrize(
    "feature", ["day_of_week", "day_of_month", "month", "quarter", "week", "hour", "year_progress"]
)
def test_calendar_features_are_finite_and_small(feature):
    times = np.datetime64("2019-12-25", "us") + np.arange(1000) * np.timedelta64(10, "h")
    made = calendar_features(times, (feature,))
    assert np.isfinite(made).all()
    assert np.abs(made).max() <= 1
    assert len(np.unique(made.round(9), axis=0)) > 1


def test_calendar_needs_dates_and_known_names(tmp_path):
    with pytest.raises(DataError, match="need a column of dates"):
        read_series(ForecastDataSettings(files=(write(tmp_path / "a.csv", "y\n1\n2\n"),), calendar=("month",)))
    with pytest.raises(SettingsError, match="did you mean 'month'"):
        calendar_features(np.array(["2020-01-01"], dtype="datetime64[us]"), ("mont",))


def test_template_is_what_the_forecast_reads(shops, tmp_path):
    settings = ForecastDataSettings(files=(shops,), future_covariates="promo", calendar=("month",))
    series = read_series(settings)
    template = future_template(series, settings, 2)
    assert template.columns == ["unique_id", "ds", "promo"]
    assert template["ds"].cast(pl.String).to_list() == ["2020-01-21", "2020-01-22"] * 2
    filled = template.with_columns(promo=pl.Series([1.0, 2, 3, 4]))
    filled.write_csv(tmp_path / "future.csv")
    for known in (filled, str(tmp_path / "future.csv"), filled.reverse()):
        ahead = future_values(series, settings, 2, known)
        assert ahead[:, :, 0].tolist() == [[1, 2], [3, 4]]
        assert ahead.shape == (2, 2, 3)


def test_exactly_the_missing_rows_are_named(shops):
    settings = ForecastDataSettings(files=(shops,), future_covariates="promo")
    series = read_series(settings)
    template = future_template(series, settings, 2).with_columns(promo=pl.Series([1.0, None, 3, 4]))
    with pytest.raises(DataError, match=r"1 of 4 future rows .*: a 2020-01-22$"):
        future_values(series, settings, 2, template)
    with pytest.raises(DataError, match=r"1 of 4 future rows .*: b 2020-01-22$"):
        future_values(series, settings, 2, template.with_columns(promo=pl.lit(1.0)).head(3))
    with pytest.raises(DataError, match="promo for 4 future rows"):
        future_values(series, settings, 2)
    with pytest.raises(DataError, match="no covariate column 'promo'"):
        future_values(series, settings, 2, template.drop("promo"))


def test_static_rows_are_joined_by_id(shops, tmp_path):
    static = write(tmp_path / "static.csv", "unique_id,area\nb,20\nx,5\na,10\n")
    series = read_series(ForecastDataSettings(files=(shops,), static_file=static))
    assert series.static.tolist() == [[10], [20]]
    assert series.static_names == ("area",)
    joint = read_series(ForecastDataSettings(files=(shops,), static_file=static, series="joint"))
    assert joint.static.tolist() == [[10, 20]]
    assert joint.static_names == ("a.area", "b.area")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("unique_id,area\nb,20\n", "1 of 2 series have no row: a"),
        ("unique_id,area\nb,20\na,\n", "row 3, column 'area'"),
        ("unique_id,area\nb,20\na,big\n", "row 3, column 'area': 'big'"),
        ("unique_id,area\nb,20\na,1\nb,3\n", "'b' has two rows, row 2 and row 4"),
        ("unique_id\nb\na\n", "no column beside"),
    ],
)
def test_static_tables_are_checked(shops, tmp_path, text, words):
    with pytest.raises(DataError, match=words):
        read_series(ForecastDataSettings(files=(shops,), static_file=write(tmp_path / "static.csv", text)))


def test_a_future_row_that_is_there_twice_is_refused(shops):
    settings = ForecastDataSettings(files=(shops,), future_covariates="promo")
    series = read_series(settings)
    filled = future_template(series, settings, 2).with_columns(promo=pl.lit(1.0))
    with pytest.raises(DataError, match=r"a 2020-01-\d\d is there twice, in row 0 .* and row 4"):
        future_values(series, settings, 2, pl.concat([filled, filled.head(1)]))


def test_a_series_without_rows_has_no_future():
    empty = replace(series_set([3, 5]), sources=("a.csv", "b.csv"))
    empty = without_last(empty, 3)
    with pytest.raises(DataError, match=r"a\.csv: series 's0' has no rows"):
        future_values(empty, ForecastDataSettings(calendar=("month",)), 1)
