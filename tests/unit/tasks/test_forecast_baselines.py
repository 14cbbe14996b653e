"""Baselines: each against its formula written out, against scikit-learn and statsforecast; none looks ahead."""

import os
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import linear_model

from gatewise.data.series import Frequency, SeriesSet, Windows, read_series, split_windows
from gatewise.errors import InputError, MissingExtraError
from gatewise.metrics import forecast_metrics
from gatewise.registry import BASELINES
from gatewise.settings import ForecastDataSettings, ForecastSplitSettings
from gatewise.tasks.forecast import ridge
from gatewise.tasks.forecast.baselines import AutoETS, Drift, LastValue, Ridge, SeasonalNaive, WindowMean

CORE = ["last_value", "drift", "seasonal_naive", "window_mean", "ridge"]
EXTRA = ["auto_ets", "auto_arima", "theta"]


def make(lengths=(120,), channels=1, seed=0, past=0, future=0):
    rng = np.random.default_rng(seed)
    rows = sum(lengths)
    return SeriesSet(
        names=tuple(f"s{i}" for i in range(len(lengths))),
        channels=tuple(f"c{i}" for i in range(channels)),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        times=np.arange(rows),
        target=100 + rng.normal(size=(rows, channels)).cumsum(axis=0),
        frequency=Frequency("row"),
        past=rng.normal(size=(rows, past)),
        future=rng.normal(size=(rows, future)),
    )


def parts(windows, train=0.7, validation=0.15):
    """Return train, validation and test windows of each series, in time order."""
    place = (np.arange(len(windows)) - windows.bounds[windows.series_of]) / np.diff(windows.bounds)[windows.series_of]
    idx = np.arange(len(windows))
    return idx[place < train], idx[(place >= train) & (place < train + validation)], idx[place >= train + validation]


def fitted(name, windows, target, season=4):
    train, validation, test = parts(windows)
    baseline = BASELINES.load(name)().fit(windows, target, train, validation, season)
    return baseline, test


def by_rows(windows, target, idx, formula):
    """Work a baseline out one window, step and channel at a time."""
    out = np.empty((len(idx), windows.horizon, target.shape[1]))
    for i, window in enumerate(idx):
        t = int(windows.last_row(window))
        begin = int(windows.series.offsets[windows.series_at(window)])
        for h in range(windows.horizon):
            for c in range(target.shape[1]):
                out[i, h, c] = formula(target[:, c], t, windows.offset + h, begin)
    return out


def seasonal(y, t, ahead, begin, m=7):
    row = t + ahead
    while row > t:
        row -= m
    return y[row] if row >= begin else y[t]


@pytest.mark.parametrize(
    ("baseline", "formula"),
    [
        (LastValue, lambda y, t, ahead, begin: y[t]),
        (Drift, lambda y, t, ahead, begin: y[t] + ahead * (y[t] - y[t - 4]) / 4),
        (WindowMean, lambda y, t, ahead, begin: y[t - 4 : t + 1].mean()),
        (SeasonalNaive, seasonal),  # a season of 7 rows is longer than the window of 5
    ],
)
@pytest.mark.parametrize(("horizon", "offset"), [(1, 1), (3, 2), (9, 1), (16, 5)])
def test_formula(baseline, formula, horizon, offset):
    series = make((40, 33), channels=2)
    windows = Windows(series, 5, horizon, offset)
    idx = np.arange(len(windows))[::-1]
    found = baseline().fit(windows, series.target, idx, idx, 7).predict(series.target, idx)
    np.testing.assert_allclose(found, by_rows(windows, series.target, idx, formula), rtol=1e-12)


def test_edges_of_the_naive_ones():
    series = make((30,))
    windows, idx = Windows(series, 1, 4, 1), np.arange(26)
    last = LastValue().fit(windows, series.target, idx, idx).predict(series.target, idx)
    for baseline in (Drift, SeasonalNaive, WindowMean):  # a window of one row, no season
        np.testing.assert_array_equal(
            baseline().fit(windows, series.target, idx, idx).predict(series.target, idx), last
        )


@pytest.mark.parametrize("name", CORE + EXTRA)
def test_no_baseline_looks_ahead(name):
    """Rows after a window's last one change nothing; rows no training window touches do not change what is learned."""
    series = make((150,), channels=2, past=1)
    windows = Windows(series, 6, 2, 2)
    baseline, test = fitted(name, windows, series.target)
    made = baseline.predict(series.target, test[:1])
    assert made.shape == (1, 2, 2)
    later = series.target.copy()
    later[windows.last_row(test[0]) + 1 :] = 1e6
    np.testing.assert_array_equal(baseline.predict(later, test[:1]), made)
    later = series.target.copy()
    later[windows.target_rows(parts(windows)[1]).max() + 1 :] = 1e6
    again, _ = fitted(name, windows, later)
    np.testing.assert_array_equal(again.predict(later, test[:1]), made)


@pytest.mark.parametrize("name", CORE + EXTRA)
def test_one_window_or_many(name):
    series = make((90, 70))
    windows = Windows(series, 6, 3, 1)
    baseline, test = fitted(name, windows, series.target)
    whole = baseline.predict(series.target, test)
    for place in (0, len(test) // 2, len(test) - 1):
        np.testing.assert_allclose(baseline.predict(series.target, test[[place]])[0], whole[place], rtol=1e-10)
    assert np.isfinite(whole).all()
    assert baseline.predict(series.target, test[:0]).shape == (0, 3, 1)


@settings(deadline=None, max_examples=20)
@given(st.floats(0.01, 100), st.floats(-1e3, 1e3), st.sampled_from(CORE), st.integers(0, 10_000))
def test_scale_and_shift(scale, shift, name, seed):
    series = make((80,), seed=seed)
    windows = Windows(series, 5, 2, 1)
    baseline, test = fitted(name, windows, series.target)
    moved = series.target * scale + shift
    again, _ = fitted(name, windows, moved)
    expected = baseline.predict(series.target, test) * scale + shift
    np.testing.assert_allclose(again.predict(moved, test), expected, rtol=1e-6, atol=1e-6 * scale)


def design(windows, target, idx, mean, spread):
    """Build the inputs and answers of ridge, one window at a time."""
    inputs, answers, lasts = [], [], []
    for window in idx:
        t, begin = int(windows.last_row(window)), int(windows.first_row(window))
        z = (target - mean) / spread
        inputs.append(np.concatenate([(z[begin:t] - z[t]).ravel(), z[t]]))
        first = t + windows.offset
        answers.append((z[first : first + windows.horizon] - z[t]).ravel())
        lasts.append(z[t])
    return np.array(inputs), np.array(answers), np.array(lasts)


@pytest.mark.parametrize("penalty", [1e-6, 0.1, 10.0])
def test_ridge_against_scikit_learn(penalty, monkeypatch):
    monkeypatch.setattr(ridge, "PENALTIES", np.array([penalty]))
    monkeypatch.setattr(ridge, "CHUNK", 300)  # many chunks
    series = make((200,), channels=2)
    windows = Windows(series, 6, 3, 2)
    baseline, test = fitted("ridge", windows, series.target)
    train, _, _ = parts(windows)
    rows = series.target[: windows.target_rows(train).max() + 1]
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    x, y, _ = design(windows, series.target, train, mean, spread)
    centre, size = x.mean(axis=0), x.std(axis=0)
    peer = linear_model.Ridge(alpha=penalty * len(x)).fit((x - centre) / size, y)
    x, _, last = design(windows, series.target, test, mean, spread)
    change = peer.predict((x - centre) / size).reshape(-1, 3, 2)
    np.testing.assert_allclose(
        baseline.predict(series.target, test), (change + last[:, None]) * spread + mean, rtol=1e-7
    )


def test_ridge_chooses_the_penalty_on_the_validation_windows(monkeypatch):
    series = make((160,))
    windows = Windows(series, 12, 2, 1)
    train, validation, _ = parts(windows, validation=0.3)
    chosen = Ridge().fit(windows, series.target, train, validation).penalty
    errors = []
    for penalty in ridge.PENALTIES:
        with monkeypatch.context() as patch:
            patch.setattr(ridge, "PENALTIES", np.array([penalty]))
            made = Ridge().fit(windows, series.target, train, validation).predict(series.target, validation)
        errors.append(((made - windows.targets(series.target, validation)) ** 2).mean())
    assert chosen == ridge.PENALTIES[int(np.argmin(errors))]
    assert len(set(np.round(errors, 6))) > 5


def test_ridge_without_validation_uses_generalised_cross_validation():
    series = make((90,))
    windows = Windows(series, 8, 2, 1)
    train, _, _ = parts(windows)
    chosen = Ridge().fit(windows, series.target, train, train[:0]).penalty
    rows = series.target[: windows.target_rows(train).max() + 1]
    x, y, _ = design(windows, series.target, train, rows.mean(axis=0), rows.std(axis=0))
    x, y = (x - x.mean(axis=0)) / x.std(axis=0), y - y.mean(axis=0)
    n, scores = len(x), []
    for penalty in ridge.PENALTIES:
        hat = x @ np.linalg.solve(x.T @ x + n * penalty * np.eye(x.shape[1]), x.T) + 1 / n
        scores.append((((y - hat @ y) ** 2).sum() / n) / (1 - np.trace(hat) / n) ** 2)
    assert chosen == ridge.PENALTIES[int(np.argmin(scores))]
    values, vectors = np.linalg.eigh(x.T @ x / n)
    found = ridge._generalised_error(n, (y**2).sum() / n, values, vectors.T @ x.T @ y / n)
    np.testing.assert_allclose(found, scores, rtol=1e-7)


def test_ridge_finds_a_linear_law():
    t = np.arange(400.0)
    series = make((400,), channels=2)
    target = np.stack([np.sin(t / 5) + np.cos(t / 9), 1000 * np.cos(t / 5) - 300], axis=1)
    windows = Windows(series, 12, 6, 1)
    baseline, test = fitted("ridge", windows, target)
    truth = windows.targets(target, test)
    error = np.abs(baseline.predict(target, test) - truth).mean(axis=(0, 1))
    naive = np.abs(windows.last(target, test)[:, None] - truth).mean(axis=(0, 1))
    assert (error < 0.02 * naive).all()


def test_ridge_reads_covariates():
    series = make((300,), past=1, future=1)
    target = series.target.copy()
    target[1:] = 5 * series.future[1:] + 3e6 * series.past[:-1]  # tomorrow's known value, and yesterday's other one
    windows = Windows(series, 4, 1, 1)
    baseline, test = fitted("ridge", windows, target)
    truth, made = windows.targets(target, test), baseline.predict(target, test)
    assert baseline.covariates
    assert np.abs(made - truth).max() < 1e-3 * np.abs(truth).mean()
    object.__setattr__(series, "past", 1e9 + 1e3 * series.past)  # large numbers must not lose digits
    again, _ = fitted("ridge", windows, target)
    np.testing.assert_allclose(again.predict(target, test), made, rtol=1e-5)


def test_a_covariate_that_never_moved_in_training_has_no_say():
    series = make((200,), future=1)
    windows = Windows(series, 4, 1, 1)
    without = make((200,))
    plain, test = fitted("ridge", Windows(without, 4, 1, 1), without.target)
    series.future[:] = 0.1  # its mean is not 0.1 to the last bit
    series.future[windows.first_target_row(test[0]) :] = 500.0
    object.__setattr__(series, "target", without.target)
    baseline, _ = fitted("ridge", windows, series.target)
    expected = plain.predict(without.target, test)
    np.testing.assert_allclose(baseline.predict(series.target, test), expected, rtol=1e-9)


def test_ridge_of_very_many_inputs(monkeypatch):
    series = make((150,), channels=3, past=2)
    windows = Windows(series, 10, 2, 1)
    joint, test = fitted("ridge", windows, series.target)
    assert (joint.apart, joint.covariates, joint.coefficients.shape) == (False, True, (50, 6))
    monkeypatch.setattr(ridge, "MOST_INPUTS", 30)
    apart, _ = fitted("ridge", windows, series.target)
    assert (apart.apart, apart.covariates, apart.coefficients.shape) == (True, True, (30, 2))
    monkeypatch.setattr(ridge, "MOST_INPUTS", 8)
    short, _ = fitted("ridge", windows, series.target)
    assert (short.apart, short.covariates, short.coefficients.shape) == (True, False, (8, 2))
    # Channels on their own are the same regression as series of a global set.
    stacked = make((150, 150, 150))
    object.__setattr__(stacked, "target", series.target.T.reshape(-1, 1))
    of_one = Windows(stacked, 10, 2, 1)
    alone, one = fitted("ridge", of_one, stacked.target)
    made = alone.predict(stacked.target, one).reshape(3, -1, 2).transpose(1, 2, 0)
    np.testing.assert_allclose(short.predict(series.target, test), made, rtol=1e-9)
    # Only the last 8 rows of the window count.
    train, validation, _ = parts(windows)
    of_eight = Windows(series, 8, 2, 1)
    eight = Ridge().fit(of_eight, series.target, train + 2, validation + 2)
    np.testing.assert_allclose(short.predict(series.target, test), eight.predict(series.target, test + 2), rtol=1e-2)


def test_ridge_of_a_series_that_never_moved():
    series = make((60, 60))
    target = series.target.copy()
    target[:60] = 7.0
    windows = Windows(series, 5, 2, 1)
    baseline, test = fitted("ridge", windows, target)
    made = baseline.predict(target, test)[windows.series_at(test) == 0]
    assert np.isfinite(made).all()
    assert np.abs(made - 7.0).max() < 1.0
    with pytest.raises(InputError, match="no training window"):
        Ridge().fit(windows, target, test[:0], test)


def test_classical_models_are_statsforecasts():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from statsforecast.models import AutoETS as Peer

        series = make((120,))
        windows = Windows(series, 6, 3, 2)
        baseline, test = fitted("auto_ets", windows, series.target, season=1)
        train, _, _ = parts(windows)
        border = int(windows.target_rows(train).max()) + 1
        peer = Peer(season_length=1).fit(series.target[:border, 0])
        expected = [peer.forward(series.target[: windows.last_row(i) + 1, 0], h=4)["mean"][1:] for i in test]
    np.testing.assert_allclose(baseline.predict(series.target, test)[..., 0], expected, rtol=1e-9)


@pytest.mark.parametrize("name", EXTRA)
def test_classical_models_know_the_season(name):
    t = np.arange(160)
    series = make((160,))
    target = (50 + 10 * np.sin(2 * np.pi * t / 4) + np.random.default_rng(0).normal(0, 0.1, 160))[:, None]
    windows = Windows(series, 6, 3, 2)
    baseline, test = fitted(name, windows, target)
    truth = windows.targets(target, test)
    assert np.abs(baseline.predict(target, test) - truth).mean() < 1.0
    assert np.abs(LastValue().fit(windows, target, test, test).predict(target, test) - truth).mean() > 5.0
    assert baseline.notes == ()


@pytest.mark.parametrize("name", ["auto_ets", "theta"])
def test_series_too_short_for_a_model_repeat_their_last_value(name):
    series = make((60, 7))
    windows = Windows(series, 2, 1, 1)
    train = np.array([*range(30), 58])  # one window of the short series: 3 rows
    baseline = BASELINES.load(name)().fit(windows, series.target, train, train[:0], 1)
    test = np.array([50, 61])
    made = baseline.predict(series.target, test)
    assert "s1" in baseline.notes[0]
    assert "s0" not in baseline.notes[0]
    assert made[1] == windows.last(series.target, test)[1]
    assert made[0] != windows.last(series.target, test)[0]


def test_long_histories_are_cut_at_whole_seasons(monkeypatch):
    series = make((300,))
    windows = Windows(series, 6, 2, 1)
    train, validation, test = parts(windows)
    seen = []

    class Spy:
        def __init__(self, season_length):
            self.season = season_length

        def fit(self, y):
            seen.append(len(y))
            return self

        def forward(self, y, h):
            seen.append((int(np.flatnonzero(series.target[:, 0] == y[0])[0]), len(y), h))
            return {"mean": np.zeros(h)}

    monkeypatch.setattr("gatewise.tasks.forecast.classical.FIT_ROWS", 100)
    monkeypatch.setattr("gatewise.tasks.forecast.classical.HISTORY_ROWS", 50)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        monkeypatch.setattr("statsforecast.models.AutoETS", Spy)
    baseline = AutoETS().fit(windows, series.target, train, validation, 4)
    border = int(windows.target_rows(train).max()) + 1
    baseline.predict(series.target, test[[0, 7]])
    baseline.predict(series.target, train[:1])
    assert seen[0] == 100
    for begin, rows, ahead in seen[1:]:
        assert (begin - (border - 100)) % 4 == 0
        assert rows <= 53
        assert ahead == 2
    assert len(seen) == 4


def test_the_longest_run_of_training_rows_is_used():
    from gatewise.tasks.forecast.classical import _longest_run

    rows = np.array([0, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0], bool)
    assert _longest_run(rows, 0, 12) == (8, 11)
    assert _longest_run(rows, 0, 8) == (4, 7)
    assert _longest_run(rows, 0, 4) == (1, 3)
    assert _longest_run(rows, 3, 4) == (3, 3)


def test_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsforecast", None)
    with pytest.raises(MissingExtraError, match=r"AutoETS .*gatewise\[baselines\]"):
        AutoETS()


@pytest.mark.data
@pytest.mark.parametrize(
    ("kind", "mse", "mape"), [("random", 71.613, 1.679), ("chronological", 369.219, 1.944)]
)  # fmt: skip
def test_last_value_of_the_reference_report(kind, mse, mape):
    folder = os.environ.get("GATEWISE_DATA")
    if not folder:
        pytest.skip("GATEWISE_DATA does not name the folder of real data")
    files = tuple(str(Path(folder) / f"{name}.csv") for name in ("GOOG", "AAPL"))
    series = read_series(ForecastDataSettings(files=files, column="Close"))
    windows = Windows(series, 30, 1, 2)
    (split,) = split_windows(windows, ForecastSplitSettings(kind=kind))
    assert (len(windows), len(split.train), len(split.validation), len(split.test)) == (2233, 1808, 201, 224)
    made = LastValue().fit(windows, series.target, split.train, split.validation).predict(series.target, split.test)
    found = forecast_metrics(windows.targets(series.target, split.test), made, windows.last(series.target, split.test))
    assert found["mse"] == pytest.approx(mse, abs=5e-4)
    assert found["mape"] == pytest.approx(mape, abs=5e-4)
    assert found["skill"] == 0.0
    assert found["hit_rate"] is None
