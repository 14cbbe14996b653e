"""Finding out which column holds times, ids, targets and covariates."""

from __future__ import annotations

from dataclasses import dataclass

from gatewise.data.series.dates import looks_dated
from gatewise.data.series.values import looks_numeric
from gatewise.data.tables.table import Table
from gatewise.errors import DataError
from gatewise.settings import ForecastDataSettings

TIME_NAMES = ("ds", "date", "datetime", "timestamp", "time", "date_time", "trade_date")
INDEX_NAMES = ("t", "step", "index", "period", "year")  # may count instead of naming dates
ID_NAMES = ("unique_id", "item_id", "series_id", "series", "id", "ticker", "symbol")
TARGET_NAMES = ("y", "close", "target", "value")
_SHOWN = 12


@dataclass(frozen=True)
class Layout:
    """Which column of a table is what."""

    time: str | None
    id: str | None
    targets: tuple[str, ...]
    past: tuple[str, ...] = ()
    future: tuple[str, ...] = ()

    @property
    def values(self) -> tuple[str, ...]:
        """Columns of numbers, in the order in which they stand in arrays; none twice."""
        return tuple(dict.fromkeys(self.targets + self.past + self.future))

    @property
    def columns(self) -> list[str]:
        """Every column that is read."""
        return list(dict.fromkeys([c for c in (self.time, self.id) if c] + list(self.values)))


def find_columns(table: Table, settings: ForecastDataSettings, *, several_files: bool = False) -> Layout:
    """Find the columns of a table: those that are set, and the rest by their names and contents.

    Parameters
    ----------
    several_files
        Covariates may then be columns of some of the files only.

    Raises
    ------
    DataError
        If a column that is set is not there, or no target can be told; the message lists the columns.
    """
    time = _time(table, settings)
    identity = _identity(table, settings, time)
    covariates = settings.past_covariates + settings.future_covariates
    if not several_files:
        for column in covariates:
            table.require(column, "covariate column")
    past = tuple(column for column in settings.past_covariates if column in table.columns)
    future = tuple(column for column in settings.future_covariates if column in table.columns)
    taken = {time, identity, *covariates}
    targets = settings.column or (_target(table, taken),)
    for column in targets:
        table.require(column, "column")
        if column in taken:
            raise DataError(f"{table.name}: column {column!r} is the target and something else; name it once")
    if len(set(targets)) < len(targets):
        raise DataError(f"{table.name}: a target column is named twice in {', '.join(targets)}")
    return Layout(time, identity, tuple(targets), past, future)


def _known(table: Table, names: tuple[str, ...], taken: set[str | None]) -> str | None:
    lower = {column.lower(): column for column in reversed(table.columns) if column not in taken}
    return next((lower[name] for name in names if name in lower), None)


def _time(table: Table, settings: ForecastDataSettings) -> str | None:
    if settings.time_column is not None:
        return table.require(settings.time_column, "time column")
    taken: set[str | None] = {settings.id_column, *settings.column, *settings.past_covariates}
    taken |= set(settings.future_covariates)
    known = _known(table, TIME_NAMES, taken)
    if known is not None:
        return known
    dated = [column for column in table.columns if column not in taken and looks_dated(table.sample[column])]
    return dated[0] if dated else _known(table, INDEX_NAMES, taken)


def _identity(table: Table, settings: ForecastDataSettings, time: str | None) -> str | None:
    if settings.id_column is not None:
        return table.require(settings.id_column, "id column")
    taken: set[str | None] = {time, *settings.column, *settings.past_covariates, *settings.future_covariates}
    return _known(table, ID_NAMES, taken)


def _target(table: Table, taken: set[str | None]) -> str:
    known = _known(table, TARGET_NAMES, taken)
    if known is not None:
        return known
    numeric = [column for column in table.columns if column not in taken and looks_numeric(table.sample[column])]
    if len(numeric) == 1:
        return numeric[0]
    free = [column for column in table.columns if column not in taken]
    if len(free) == 1:
        return free[0]  # its values are not numbers, and the message about them will say where
    if not numeric:
        raise DataError(f"{table.name}: no column holds numbers; the columns are {', '.join(table.columns[:_SHOWN])}")
    shown = ", ".join(numeric[:_SHOWN]) + (" ..." if len(numeric) > _SHOWN else "")
    raise DataError(f"{table.name}: which column is to be forecast? Set column to one or more of: {shown}")
