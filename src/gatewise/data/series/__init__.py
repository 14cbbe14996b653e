"""Files to windows: read, checked, split, transformed on the training part only. NumPy and Polars, no torch."""

from gatewise.data.series.check import DataReport, SeriesReport, check_files
from gatewise.data.series.covariates import calendar_features, future_template, future_values
from gatewise.data.series.cuts import at_least, last_rows, without_last
from gatewise.data.series.frames import like_input
from gatewise.data.series.frequency import Frequency
from gatewise.data.series.reading import divides_by_truth, read_series
from gatewise.data.series.scaling import CovariateScaler
from gatewise.data.series.series import SeriesSet, require_nonzero, require_positive, require_varying
from gatewise.data.series.splits import Split, split_windows
from gatewise.data.series.statistics import training_rows
from gatewise.data.series.transforms import TargetTransform, create_transform
from gatewise.data.series.windows import Windows

__all__ = [
    "CovariateScaler",
    "DataReport",
    "Frequency",
    "SeriesReport",
    "SeriesSet",
    "Split",
    "TargetTransform",
    "Windows",
    "at_least",
    "calendar_features",
    "check_files",
    "create_transform",
    "divides_by_truth",
    "future_template",
    "future_values",
    "last_rows",
    "like_input",
    "read_series",
    "require_nonzero",
    "require_positive",
    "require_varying",
    "split_windows",
    "training_rows",
    "without_last",
]
