import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewise.data.series.frequency import DAY, Frequency, infer_frequency, parse_frequency
from gatewise.errors import DataError, SettingsError


def infer(times) -> Frequency:
    stamps = np.asarray(times).astype("datetime64[us]").astype(np.int64)
    return infer_frequency(stamps, np.array([0, len(stamps)]), dated=True)


def spaced(first: str, step: str, count: int):
    return np.datetime64(first) + np.arange(count) * np.timedelta64(int(step[:-1]), step[-1])


BUSINESS = np.busday_offset(np.datetime64("2020-01-06"), np.arange(300), "forward")


@pytest.mark.parametrize(
    ("times", "name", "season", "following"),
    [
        (spaced("2020-01-01", "1D", 40), "1d", 7, "2020-02-10"),
        (spaced("2020-01-01T00", "1h", 60), "1h", 24, "2020-01-03T12"),
        (spaced("2020-01-01T00:00", "15m", 60), "15m", 1, "2020-01-01T15:00"),
        (spaced("2020-01-01", "7D", 30), "1w", 52, "2020-07-29"),
        (BUSINESS, "business", 5, "2021-03-01"),
        (np.delete(BUSINESS, [7, 30, 31, 32, 33, 34, 90]), "business", 5, "2021-03-01"),
        (np.arange("1949-01", "1961-01", dtype="datetime64[M]"), "1mo", 12, "1961-01-01"),
        (np.arange("2000-01", "2010-01", 3, dtype="datetime64[M]"), "1q", 4, "2010-01-01"),
        (np.arange("1950", "1990", dtype="datetime64[Y]"), "1y", 1, "1990-01-01"),
        (np.arange("2020-02", "2022-02", dtype="datetime64[M]").astype("datetime64[D]") - 1, "1mo", 12, "2022-01-31"),
    ],
)
def test_inference_and_continuation(times, name, season, following):
    found = infer(times)
    assert (found.name, found.season) == (name, season)
    last = np.asarray(times).astype("datetime64[us]")[-1]
    assert found.next_times(last, 1)[0] == np.datetime64(following)
    assert found.missing_after(np.asarray(times).astype("datetime64[us]").astype(np.int64), _last(times)).sum() == 0


def _last(times):
    last = np.zeros(len(times), dtype=bool)
    last[-1] = True
    return last


def test_weeks_of_other_countries():
    mask = "1110011"  # Saturday to Wednesday
    days = np.busday_offset(np.datetime64("2020-01-04"), np.arange(100), "forward", mask)
    found = infer(days)
    assert found == Frequency("business", 1, mask)
    assert found.next_times(np.datetime64("2020-01-08", "us"), 1)[0] == np.datetime64("2020-01-11")


def test_trading_hours_are_a_calendar():
    hours = np.concatenate(
        [day + np.arange(9, 17).astype("timedelta64[h]") for day in BUSINESS[:15].astype("datetime64[h]")]
    )
    found = infer(hours)
    assert found.kind == "session"
    friday = np.datetime64("2020-01-10T16", "us")
    assert found.next_times(friday, 2).tolist() == [
        np.datetime64("2020-01-13T09", "us").item(),
        np.datetime64("2020-01-13T10", "us").item(),
    ]


def test_long_holes_are_gaps_for_trading_days_too():
    times = np.delete(BUSINESS, np.arange(50, 70))
    found = infer(times)
    missing = found.missing_after(times.astype("datetime64[us]").astype(np.int64), _last(times))
    assert missing.sum() == 20


def test_irregular_dates_are_not_continued():
    found = infer(np.datetime64("2020-01-01T00:00") + np.array([0, 7, 14, 31, 55, 90]).astype("timedelta64[m]"))
    assert found.name == "irregular"
    with pytest.raises(DataError, match="set frequency"):
        Frequency("irregular").next_times(np.datetime64("2020-01-01", "us"), 1)


@pytest.mark.parametrize(
    ("text", "name"),
    [("1d", "1d"), ("business", "business"), ("B", "business"), ("15min", "15m"), ("hourly", "1h"), ("3mo", "1q"),
     ("1q", "1q"), ("irregular", "irregular"), ("2w", "2w"), ("MS", "1mo")],
)  # fmt: skip
def test_settings_are_understood(text, name):
    assert parse_frequency(text).name == name


@pytest.mark.parametrize("text", ["", "often", "0d", "-1d", "1x", "1.5h"])
def test_other_settings_are_refused(text):
    with pytest.raises(SettingsError, match="frequency"):
        parse_frequency(text)


@given(
    st.sampled_from([Frequency("step", DAY), Frequency("business"), Frequency("month", 1), Frequency("month", 3)]),
    st.integers(0, 20_000),
    st.integers(1, 40),
)
def test_what_is_continued_has_no_gap_and_rises(frequency, day, count):
    last = int(np.busday_offset(np.datetime64(day, "D"), 0, "forward").astype(np.int64)) * DAY
    stamps = np.r_[last, frequency.next_stamps(last, count)]
    assert (np.diff(stamps) > 0).all()
    assert frequency.missing_after(stamps, _last(stamps)).sum() == 0


def test_json_round_trip():
    frequency = Frequency("session", 5, "1111100", opens=3, closes=9)
    assert Frequency.from_json(frequency.to_json()) == frequency
