import numpy as np
import pytest

from data_samples import series_set
from gatewise.data.series import Windows
from gatewise.errors import DataError


def test_count_of_the_report():
    series = series_set(2264, 2)
    windows = Windows(series, 30, 1, 2)
    assert len(windows) == 2233
    assert windows.inputs(series.target, np.arange(2009)).shape == (2009, 30, 2)
    assert windows.targets(series.target, [0]).shape == (1, 1, 2)


@pytest.mark.parametrize(("window", "horizon", "offset"), [(1, 1, 1), (5, 3, 1), (4, 2, 3)])
@pytest.mark.parametrize("lengths", [40, [12, 30, 9, 17]])
def test_windows_are_what_their_definition_says(window, horizon, offset, lengths):
    series = series_set(lengths, 2)
    windows = Windows(series, window, horizon, offset)
    slow = [
        (s, first)
        for s in range(len(series.names))
        for first in range(series.offsets[s], series.offsets[s + 1])
        if first + window - 1 + offset + horizon - 1 < series.offsets[s + 1]
    ]
    assert len(windows) == len(slow)
    assert windows.starts.tolist() == [first for _, first in slow]
    assert windows.series_of.tolist() == [s for s, _ in slow]
    idx = np.random.default_rng(0).permutation(len(slow))[:7]
    for row, i in enumerate(idx):
        first = slow[i][1]
        last = first + window - 1
        assert np.array_equal(windows.inputs(series.target, idx)[row], series.target[first : last + 1])
        assert np.array_equal(
            windows.targets(series.target, idx)[row], series.target[last + offset : last + offset + horizon]
        )
        assert np.array_equal(windows.last(series.target, idx)[row], series.target[last])
        assert windows.target_rows(idx)[row].tolist() == list(range(last + offset, last + offset + horizon))
    assert windows.inputs(np.empty((len(series.times), 0)), idx).shape == (len(idx), window, 0)


def test_windows_hold_nothing_as_long_as_the_series():
    windows = Windows(series_set(100_000), 30)
    held = [value for value in vars(windows).values() if isinstance(value, np.ndarray)]
    assert sum(array.nbytes for array in held) < 100


def test_too_short_says_how_many_rows_are_needed():
    with pytest.raises(DataError, match=r"has 31 rows.*need at least 33"):
        Windows(series_set(31), 30, 2, 2)


def test_short_series_of_many_are_noted():
    windows = Windows(series_set([5, 40, 6]), 30)
    assert "2 series shorter than 31 rows" in windows.notes[0]
    assert set(windows.series_of.tolist()) == {1}
