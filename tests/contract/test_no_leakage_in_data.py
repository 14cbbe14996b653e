"""Nothing that is fitted moves when the rows that judge are corrupted (design, section 6.2)."""

from dataclasses import replace

import numpy as np
import pytest

from data_samples import series_set
from gatewise.data.series import CovariateScaler, SeriesSet, Split, Windows, create_transform, split_windows
from gatewise.registry import TRANSFORMS
from gatewise.settings import ForecastSplitSettings

SPLITS = {
    "chronological": ForecastSplitSettings(),
    "chronological by series": ForecastSplitSettings(border="series"),
    "walk forward": ForecastSplitSettings(kind="walk_forward", folds=3),
    "blocked": ForecastSplitSettings(kind="blocked", folds=4),
    "blocked with embargo": ForecastSplitSettings(kind="blocked", folds=4, embargo=4, border="series"),
}


def corrupt(series: SeriesSet, rows) -> SeriesSet:
    """Replace rows by other values, positive so that every transform accepts them."""
    noise = np.random.default_rng(9)
    changed = {name: getattr(series, name).copy() for name in ("target", "past", "future")}
    for values in changed.values():
        values[rows] = 1e6 * (1 + noise.random(values[rows].shape))
    return replace(series, **changed)


def judging_rows(windows: Windows, split: Split, part: str) -> np.ndarray:
    """Return the rows that training must not know: all from the part's first target on, or the blocks themselves."""
    series, idx = windows.series, getattr(split, part)
    if split.kind == "blocked":
        return np.unique(windows.first_row(idx)[:, None] + np.arange(windows.span))
    later = series.times.view(np.int64)
    rows = np.zeros(len(series.times), dtype=bool)
    for i in range(len(series.names)):
        own = slice(series.offsets[i], series.offsets[i + 1])
        firsts = windows.first_target_row(idx)
        here = firsts[windows.series_at(idx) == i] if len(idx) else firsts
        by_series = "by series" in split.notes
        border = later[here].min() if by_series and len(here) else later[firsts].min()
        rows[own] = later[own] >= border
    return np.flatnonzero(rows)


def batches(series: SeriesSet, windows: Windows, split: Split, name: str) -> list[np.ndarray]:
    """Return everything that training reads, after all that is fitted."""
    again = Windows(series, windows.window, windows.horizon, windows.offset)
    transform = create_transform(name).fit(series, again, split)
    scaler = CovariateScaler().fit(series, again, split)
    of = again.series_at(split.train)
    last = again.last(series.target, split.train)
    return [
        transform.center,
        transform.scale,
        *scaler.center.values(),
        *scaler.scale.values(),
        transform.apply_inputs(again.inputs(series.target, split.train), of),
        transform.apply_targets(again.targets(series.target, split.train), last, of),
        scaler.apply_past(again.inputs(series.past, split.train), of),
        scaler.apply_future(again.targets(series.future, split.train), of),
        scaler.apply_static(series.static[of], of),
    ]


@pytest.mark.parametrize("name", TRANSFORMS.names())
@pytest.mark.parametrize("kind", list(SPLITS))
@pytest.mark.parametrize("lengths", [160, [120, 90, 140]])
@pytest.mark.parametrize("part", ["test", "validation"])
def test_corrupted_rows_move_nothing(name, kind, lengths, part):
    series = series_set(lengths, 1 if isinstance(lengths, list) else 2)
    windows = Windows(series, 8, 3, 2)
    for split in split_windows(windows, SPLITS[kind]):
        marked = replace(split, notes=("by series",)) if SPLITS[kind].border == "series" else split
        broken = corrupt(series, judging_rows(windows, marked, part))
        assert not np.array_equal(broken.target, series.target)
        for before, after in zip(
            batches(series, windows, split, name), batches(broken, windows, split, name), strict=True
        ):
            assert np.array_equal(before, after)


def test_the_random_split_leaks_and_this_test_would_see_it():
    series = series_set(160)
    windows = Windows(series, 8, 3, 2)
    (split,) = split_windows(windows, ForecastSplitSettings(kind="random"))
    broken = corrupt(series, windows.target_rows(split.test).ravel())
    pairs = zip(batches(series, windows, split, "standard"), batches(broken, windows, split, "standard"), strict=True)
    assert not all(np.array_equal(before, after) for before, after in pairs)
