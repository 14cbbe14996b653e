"""What a forecast chooses from: transforms of the target, and the baselines it is held against."""

from __future__ import annotations

from gatewise.registry.table import Entry, Registry

TRANSFORMS = Registry(
    "transform",
    [
        Entry("none", "gatewise.data.series.transforms:NoTransform", "Values as they are"),
        Entry(
            "standard",
            "gatewise.data.series.transforms:Standard",
            "Subtract the mean, divide by the standard deviation",
        ),
        Entry("min_max", "gatewise.data.series.transforms:MinMax", "Map the training range to 0 .. 1"),
        Entry("difference", "gatewise.data.series.transforms:Difference", "Change from one row to the next"),
        Entry(
            "log_return",
            "gatewise.data.series.transforms:LogReturn",
            "Change of the logarithm; needs positive values",
        ),
        Entry("last_value", "gatewise.data.series.transforms:LastValue", "Subtract the last value of the window"),
    ],
    base="gatewise.data.series.transforms:TargetTransform",
)

BASELINES = Registry(
    "baseline",
    [
        Entry("last_value", "gatewise.tasks.forecast.baselines:LastValue", "The same as the last value seen"),
        Entry("drift", "gatewise.tasks.forecast.baselines:Drift", "The last value plus the window's mean step"),
        Entry("seasonal_naive", "gatewise.tasks.forecast.baselines:SeasonalNaive", "The value one season before"),
        Entry("window_mean", "gatewise.tasks.forecast.baselines:WindowMean", "The mean of the window"),
        Entry(
            "ridge",
            "gatewise.tasks.forecast.baselines:Ridge",
            "Linear regression on the window, ridge penalty",
        ),
        Entry(
            "auto_ets",
            "gatewise.tasks.forecast.baselines:AutoETS",
            "Exponential smoothing chosen by AICc (extra: baselines)",
            "Hyndman et al. 2002",
        ),
        Entry(
            "auto_arima",
            "gatewise.tasks.forecast.baselines:AutoARIMA",
            "ARIMA chosen by AICc (extra: baselines)",
            "Hyndman & Khandakar 2008",
        ),
        Entry(
            "theta",
            "gatewise.tasks.forecast.baselines:Theta",
            "Theta method (extra: baselines)",
            "Assimakopoulos & Nikolopoulos 2000",
        ),
    ],
    methods=("fit", "predict"),
)
