import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from data_samples import series_set
from gatewise.data.series import Windows, split_windows
from gatewise.errors import DataError
from gatewise.settings import ForecastSplitSettings


def split(windows, **options):
    return split_windows(windows, ForecastSplitSettings(**options))


def rows_of(windows, idx) -> set[int]:
    first = windows.first_row(idx)
    seen = {int(f) + k for f in first for k in range(windows.window)}
    return seen | {int(row) for row in windows.target_rows(idx).ravel()}


def test_random_is_the_reports():
    windows = Windows(series_set(2264, 2), 30, 1, 2)
    (one,) = split(windows, kind="random", test=0.1, seed=42)
    train, test = train_test_split(range(2233), test_size=0.1, random_state=42)
    assert one.test.tolist() == test
    assert [*one.train, *one.validation] == train
    assert (len(one.train), len(one.validation), len(one.test)) == (1808, 201, 224)
    assert one.leaks
    assert any("overlap" in note for note in one.notes)


def test_chronological_is_the_default():
    windows = Windows(series_set(2264, 2), 30, 1, 2)
    (one,) = split(windows)
    assert one.test.tolist() == list(range(2233 - 224, 2233))
    assert one.validation.tolist() == list(range(1808, 2009))
    assert one.train.tolist() == list(range(1808))
    assert one.purged == 0
    assert not one.leaks


def test_straddling_windows_are_purged_and_counted():
    windows = Windows(series_set(200), 10, 5)
    (one,) = split(windows)
    assert one.purged == 8
    assert windows.target_rows(one.train).max() < windows.first_target_row(one.validation).min()
    assert windows.target_rows(one.validation).max() < windows.first_target_row(one.test).min()
    (more,) = split(windows, purge=7)
    assert len(one.train) - len(more.train) == 3


def test_one_border_date_for_all_series_or_one_each():
    series = series_set([100, 60, 100])
    windows = Windows(series, 5)
    (by_time,) = split(windows, border="time")
    times = series.times[windows.first_target_row(np.arange(len(windows)))]
    assert times[by_time.train].max() < times[by_time.validation].min()
    assert times[by_time.validation].max() < times[by_time.test].min()
    assert set(windows.series_at(by_time.test).tolist()) == {0, 2}
    (by_series,) = split(windows, border="series")
    assert set(windows.series_at(by_series.test).tolist()) == {0, 1, 2}


def test_walk_forward_expands():
    windows = Windows(series_set(300), 10)
    folds = split(windows, kind="walk_forward", folds=3, test=0.1)
    assert [one.fold for one in folds] == [0, 1, 2]
    assert {len(one.test) for one in folds} == {29}
    assert np.concatenate([one.test for one in folds]).tolist() == list(range(290 - 87, 290))
    assert len(folds[0].train) < len(folds[1].train) < len(folds[2].train)
    assert all(one.train.max() < one.validation.min() < one.test.min() for one in folds)
    (last,) = split(windows, kind="walk_forward", folds=3, fold=2)
    assert last.test.tolist() == folds[2].test.tolist()


@pytest.mark.parametrize("lengths", [300, [120, 80, 150]])
@pytest.mark.parametrize("border", ["time", "series"])
def test_blocked_parts_share_no_row(lengths, border):
    windows = Windows(series_set(lengths), 6, 2, 2)
    folds = split(windows, kind="blocked", folds=4, border=border, embargo=3)
    assert sorted(np.concatenate([one.test for one in folds]).tolist()) == list(range(len(windows)))
    for one in folds:
        assert not one.leaks
        parts = [rows_of(windows, part) for part in one.parts().values()]
        assert not parts[0] & parts[1]
        assert not parts[0] & parts[2]
        assert not parts[1] & parts[2]


def test_blocked_purge_and_embargo_leave_exactly_that_much():
    windows = Windows(series_set(200), 6)
    plain, guarded = (split(windows, kind="blocked", folds=4, fold=1, embargo=e)[0] for e in (0, 5))
    kept = np.sort(np.r_[plain.train, plain.validation])
    after = kept[kept > plain.test.max()].min() - plain.test.max() - 1
    before = plain.test.min() - kept[kept < plain.test.min()].max() - 1
    assert (before, after) == (6, 6)
    kept = np.sort(np.r_[guarded.train, guarded.validation])
    assert kept[kept > guarded.test.max()].min() - guarded.test.max() - 1 == 11
    (thin,) = split(windows, kind="blocked", folds=4, fold=1, purge=2)
    assert thin.leaks


@pytest.mark.parametrize("kind", ["random", "chronological", "walk_forward", "blocked"])
def test_too_few_windows_say_how_many_rows_help(kind):
    with pytest.raises(DataError, match="needs at least") as caught:
        split(Windows(series_set(13), 10, 2), kind=kind, folds=2)
    needed = int(str(caught.value).split("needs at least ")[1].split(";")[0])
    assert split(Windows(series_set(needed), 10, 2), kind=kind, folds=2)
    with pytest.raises(DataError):
        split(Windows(series_set(needed - 1), 10, 2), kind=kind, folds=2)


def test_no_test_part_and_no_validation_part():
    windows = Windows(series_set(100), 10)
    for kind in ("random", "chronological"):
        (one,) = split(windows, kind=kind, test=0, validation=0)
        assert (len(one.train), len(one.validation), len(one.test)) == (90, 0, 0)


def test_constant_series_are_refused_or_noted():
    flat = series_set(50)
    flat.target[:] = 3
    with pytest.raises(DataError, match="'c0' is 3 in every row"):
        split(Windows(flat, 5))
    some = series_set([50, 50])
    some.target[:50] = 3
    (one,) = split(Windows(some, 5))
    assert any("s0" in note for note in one.notes)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=4),
    st.tuples(st.integers(1, 8), st.integers(1, 4), st.integers(1, 3)),
    st.sampled_from(["chronological", "walk_forward", "blocked", "random"]),
    st.sampled_from(["time", "series"]),
    st.floats(0.05, 0.4),
    st.floats(0, 0.4),
)
def test_parts_never_overlap(lengths, sizes, kind, border, test_size, validation_size):
    window, horizon, offset = sizes
    assume(max(lengths) >= window + horizon + offset - 1)
    windows = Windows(series_set(lengths), window, horizon, offset)
    try:
        folds = split(windows, kind=kind, border=border, folds=3, test=test_size, validation=validation_size)
    except DataError:
        return
    for one in folds:
        everything = np.concatenate(list(one.parts().values()))
        assert len(np.unique(everything)) == len(everything)
        assert len(one.train)
        if kind == "random" or (kind == "blocked"):
            continue
        later = windows.series.times.view(np.int64)
        ends = later[windows.first_target_row(one.train) + horizon - 1]
        if border == "time":
            for part in (one.validation, one.test):
                assert len(part) == 0 or ends.max() < later[windows.first_target_row(part)].min()
