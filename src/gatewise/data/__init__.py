"""Files to windows: read, checked, split, transformed on the training part only. NumPy and Polars, no torch."""

from gatewise.data.check import DataReport, SeriesReport, check_files
from gatewise.data.covariates import calendar_features, future_template, future_values
from gatewise.data.cuts import at_least, last_rows, without_last
from gatewise.data.frames import like_input, to_polars
from gatewise.data.frequency import Frequency
from gatewise.data.reading import divides_by_truth, read_series
from gatewise.data.scaling import CovariateScaler
from gatewise.data.series import SeriesSet, require_nonzero, require_positive, require_varying
from gatewise.data.splits import Split, split_windows
from gatewise.data.statistics import training_rows
from gatewise.data.transforms import TargetTransform, create_transform
from gatewise.data.windows import Windows

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
    "to_polars",
    "training_rows",
    "without_last",
]
