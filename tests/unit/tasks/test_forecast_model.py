"""Forecasts beyond the end of the data: which window each step comes from, and what it is given."""

import numpy as np
import polars as pl
import pytest
import torch
from torch import nn

from gatewise.data.series import Windows, last_rows, split_windows, without_last
from gatewise.errors import DataError
from gatewise.tasks.forecast import fit_forecast
from gatewise.tasks.forecast.model import ForecastModel, extend
from gatewise.tasks.forecast.run import build_model
from gatewise.tasks.forecast.tables import forecast_frame


class LastPlusStep(nn.Module):
    """A network whose answer is known: the window's last value plus 1 for the first step, 2 for the second ..."""

    def __init__(self, horizon, offset):
        super().__init__()
        self.steps = offset + torch.arange(horizon, dtype=torch.float64)
        self.seen = []

    def forward(self, window, static, ahead):
        self.seen.append((window.clone(), None if ahead is None else ahead.clone()))
        return (window[:, -1:, :1] + self.steps[None, :, None])[..., None]


class WeightedWindow(nn.Module):
    """A network that tells windows apart: each step is another weighted sum of the window."""

    def __init__(self, window, horizon):
        super().__init__()
        weights = np.random.default_rng(0).uniform(0.1, 0.3, (window, horizon))
        self.weights = torch.from_numpy(weights)

    def forward(self, window, static, ahead):
        return torch.einsum("btc,th->bhc", window, self.weights)[..., None]


def untrained(settings, series):
    windows = Windows(series, settings.data.window, settings.data.horizon, settings.data.target_offset)
    return build_model(settings, series, windows, split_windows(windows, settings.split)[0])


def by_hand(values, network, *, window, offset, model_horizon, horizon):
    """Forecast one row at a time: from the latest true window that reaches it, else from its own forecasts."""
    known = list(values)
    lag = offset - 1
    made = []
    for step in range(horizon):  # the row to forecast is len(values) + step
        if step < lag + model_horizon:
            end = min(step, lag) - lag  # rows before the end of the data at which the window ends
            part = values[len(values) + end - window : len(values) + end]
            place = step - min(step, lag)
        else:
            block = (step - lag - model_horizon) // model_horizon
            first = lag + model_horizon + block * model_horizon  # first row of the block that the window makes
            stop = len(values) + first - lag
            part = known[stop - window : stop]
            place = step - first
        answer = network(torch.from_numpy(np.asarray(part, np.float64))[None, :, None], None, None)[0, :, 0, 0]
        made.append(float(answer[place]))
        known.append(made[-1])
    return made


@pytest.mark.parametrize("offset", [1, 2, 3])
@pytest.mark.parametrize("model_horizon", [1, 2, 3])
@pytest.mark.parametrize("horizon", [1, 2, 4, 9])
def test_steps_are_those_of_a_loop_by_hand(make_settings, walks, series_of, offset, model_horizon, horizon):
    settings = make_settings(window=4, horizon=model_horizon, target_offset=offset, precision="float64")
    series = series_of(settings, walks(60))
    model = untrained(settings, series)
    model.network = WeightedWindow(4, model_horizon)
    made, direct = model.forecast(series, horizon)
    expected = by_hand(
        series.target[:, 0], model.network, window=4, offset=offset, model_horizon=model_horizon, horizon=horizon
    )
    np.testing.assert_allclose(made.mean[0, :, 0], expected, rtol=1e-12)
    assert direct == min(horizon, offset - 1 + model_horizon)


@pytest.mark.parametrize("offset", [1, 2, 3])
@pytest.mark.parametrize("model_horizon", [1, 2, 3])
def test_a_line_is_continued(make_settings, series_of, offset, model_horizon):
    settings = make_settings(window=4, horizon=model_horizon, target_offset=offset, precision="float64")
    series = series_of(settings, pl.DataFrame({"y": np.arange(60.0)}))
    model = untrained(settings, series)
    model.network = LastPlusStep(model_horizon, offset)
    made, _ = model.forecast(series, 11)
    np.testing.assert_allclose(made.mean[0, :, 0], np.arange(60.0, 71.0))


@pytest.mark.parametrize("offset", [1, 2])
@pytest.mark.parametrize("transform", ["none", "standard", "difference", "log_return", "last_value"])
def test_a_forecast_at_a_cutoff_is_the_backtest_row_of_that_cutoff(
    make_settings, long_walks, series_of, offset, transform
):
    settings = make_settings(horizon=3, target_offset=offset, transform=transform, loss="gaussian", validation_size=0.3)
    series = series_of(settings, long_walks((80, 60)))
    outcome = fit_forecast(settings, series)
    lag = offset - 1
    for back in (lag + 3, lag + 5):
        known = without_last(series, back)
        made, _ = outcome.model.for_series(known).forecast(known, lag + 3)
        for place, name in enumerate(series.names):
            cutoff = known.times[known.offsets[place + 1] - 1]
            rows = outcome.predictions.filter(unique_id=name, cutoff=cutoff).sort("step")
            assert len(rows) == 3
            np.testing.assert_allclose(made.mean[place, lag:, 0], rows["mean"], rtol=1e-5)
            for bound, values in made.bounds.items():
                np.testing.assert_allclose(values[place, lag:, 0], rows[bound], rtol=1e-5)


def test_the_saved_history_is_enough(make_settings, long_walks, series_of):
    settings = make_settings(horizon=2, target_offset=2, transform="difference")
    series = series_of(settings, long_walks((80, 60)))
    model = fit_forecast(settings, series).model
    assert len(model.history.times) < len(series.times)
    short, whole = (model.for_series(one).forecast(one, 8)[0].mean for one in (model.history, series))
    np.testing.assert_array_equal(short, whole)


def test_recursive_steps_are_labelled_and_have_no_bounds(make_settings, walks, series_of):
    settings = make_settings(horizon=2, target_offset=2, levels=(80,), validation_size=0.3)
    series = series_of(settings, walks(90))
    model = fit_forecast(settings, series).model
    made, direct = model.forecast(series, 6)
    frame = forecast_frame(series, made, direct)
    assert frame["method"].to_list() == ["direct"] * 3 + ["recursive"] * 3
    assert frame["q0.1"].is_not_null().to_list() == [True] * 3 + [False] * 3
    assert frame["mean"].is_finite().all()
    assert frame["ds"].diff().drop_nulls().n_unique() == 1
    first, _ = model.forecast(series, 2)  # a shorter horizon changes no step
    np.testing.assert_array_equal(first.mean, made.mean[:, :2])


def test_past_covariates_allow_direct_steps_only(make_settings, walks, series_of):
    settings = make_settings(column="y", past_covariates="volume", horizon=2, target_offset=2)
    series = series_of(settings, walks(90, ("y", "volume")))
    model = fit_forecast(settings, series).model
    made, direct = model.forecast(series, 3)
    assert (made.mean.shape, direct) == ((1, 3, 1), 3)
    with pytest.raises(DataError, match=r"horizon 4 is beyond the 3 rows .* future values of volume; .* horizon=3"):
        model.forecast(series, 4)


def test_known_covariates_reach_the_rows_they_belong_to(make_settings, walks, series_of):
    settings = make_settings(window=4, column="y", future_covariates="promo", horizon=2, precision="float64")
    frame = walks(60).with_columns(promo=pl.int_range(60).cast(pl.Float64))
    series = series_of(settings, frame)
    model = untrained(settings, series)
    model.network = LastPlusStep(2, 1)
    scale, center = model.covariates.scale["future"][0], model.covariates.center["future"][0]
    model.forecast(series, 5, np.arange(60.0, 65.0).reshape(1, 5, 1))
    assert len(model.network.seen) == 3
    for block, (window, ahead) in enumerate(model.network.seen):
        begin = 60 + 2 * block
        np.testing.assert_allclose(window[0, :, 1].numpy() * scale + center, np.arange(begin - 4.0, begin))
        asked = np.minimum(np.arange(begin, begin + 2.0), 64)  # behind the last row that is asked for, it is repeated
        np.testing.assert_allclose(ahead[0, :, 0].numpy() * scale + center, asked)


def test_extend_repeats_the_last_known_row():
    known = np.arange(6.0).reshape(1, 3, 2)
    assert extend(known, None, rows=2)[0, 3:].tolist() == [[4, 5], [4, 5]]
    ahead = np.array([[[7.0, 8.0]]])
    assert extend(known, ahead, rows=3)[0, 3:].tolist() == [[7, 8]] * 3
    assert extend(known[..., :0], None, rows=2).shape == (1, 5, 0)


def test_series_not_seen_in_training_use_pooled_scales(make_settings, long_walks, series_of):
    settings = make_settings(transform="standard")
    series = series_of(settings, long_walks((60, 60, 60)))
    model = fit_forecast(settings, series).model
    renamed = long_walks((60, 60, 60)).with_columns(pl.col("unique_id").replace("s1", "new"))
    other = series_of(settings, renamed)
    moved = model.for_series(other)
    place = other.names.index("new")
    np.testing.assert_array_equal(moved.transform.center[place], model.transform.center[-1])
    np.testing.assert_array_equal(moved.transform.scale[place], model.transform.scale[-1])
    assert np.isnan(moved.scales[place]).all()
    was, now = model.forecast(series, 1)[0].mean, moved.forecast(other, 1)[0].mean
    known = [i for i, name in enumerate(other.names) if name != "new"]
    np.testing.assert_array_equal(now[known], was[[series.names.index(other.names[i]) for i in known]])
    assert now[place] != was[series.names.index("s1")]


def test_other_columns_than_in_training_are_refused(make_settings, walks, series_of):
    joint = make_settings(column=("a", "b"))
    model = fit_forecast(joint, series_of(joint, walks(80, ("a", "b")))).model
    one = make_settings(column=("a",))
    with pytest.raises(DataError, match=r"trained on a, b \(channels\); these data have a$"):
        model.for_series(series_of(one, walks(80, ("a", "b"))))
    turned = make_settings(column=("b", "a"))
    with pytest.raises(DataError, match="these data have b, a: give them in the same order"):
        model.for_series(series_of(turned, walks(80, ("a", "b"))))
    renamed = make_settings(column=("c", "d"))
    assert isinstance(model.for_series(series_of(renamed, walks(80, ("c", "d")))), ForecastModel)
    covariate = make_settings(column=("a", "b"), past_covariates="volume")
    with pytest.raises(DataError, match=r"trained on none .past names.; these data have volume"):
        model.for_series(series_of(covariate, walks(80, ("a", "b", "volume"))))


def test_a_series_that_is_too_short_to_forecast_from(make_settings, long_walks, series_of):
    settings = make_settings(target_offset=3)
    series = series_of(settings, long_walks((60, 50)))
    model = fit_forecast(settings, series).model
    short = last_rows(series, 7)
    with pytest.raises(DataError, match="series 's0' has 7 rows; a forecast needs at least 8"):
        model.for_series(short).forecast(short, 1)


def test_level_names(make_settings, walks, series_of):
    settings = make_settings(levels=(95, 80, 50, 99))
    model = untrained(settings, series_of(settings, walks(60)))
    assert model.interval_levels == [0.005, 0.025, 0.1, 0.25, 0.75, 0.9, 0.975, 0.995]


def test_bounds_of_a_distribution_without_validation(make_settings, walks, series_of):
    settings = make_settings(loss="gaussian", levels=(80,), validation_size=0)
    series = series_of(settings, walks(60))
    model = fit_forecast(settings, series).model
    assert model.intervals is None
    made, _ = model.forecast(series, 1)
    assert list(made.bounds) == ["q0.1", "q0.9"]
    low, high = made.bounds["q0.1"] - made.mean, made.bounds["q0.9"] - made.mean
    np.testing.assert_allclose(-low, high, rtol=1e-4)
