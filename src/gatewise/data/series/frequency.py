"""The calendar of a series: which stamps follow each other, what a gap is, and how the dates go on.

Trading days are a normal calendar: weekdays without weekends, where up to ten in a row may be missing (holidays).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.errors import DataError, SettingsError

Stamps = NDArray[np.int64]  # microseconds since 1970, or an integer index

SECOND = 1_000_000
MINUTE, HOUR, DAY, WEEK = 60 * SECOND, 3600 * SECOND, 86400 * SECOND, 7 * 86400 * SECOND

#: Most trading days in a row that may be missing before they are a gap and no longer a holiday.
LONGEST_HOLIDAY = 10

_UNITS = {"us": 1, "ms": 1000, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": WEEK}
_MONTHS = {"mo": 1, "q": 3, "y": 12}
_ALIASES = {
    "daily": "1d", "hourly": "1h", "weekly": "1w", "monthly": "1mo", "quarterly": "1q", "yearly": "1y", "min": "1m",
    "b": "business", "bday": "business", "m": "1mo", "ms": "1mo", "me": "1mo", "month": "1mo", "year": "1y",
    "day": "1d", "hour": "1h", "week": "1w", "quarter": "1q", "minute": "1m",
}  # fmt: skip


@dataclass(frozen=True)
class Frequency:
    """How the stamps of a series follow each other.

    Attributes
    ----------
    kind
        step (a fixed time apart), month (whole months apart), business (days of a week mask), session (a fixed time
        apart within trading days), integer, row (no times at all: rows are counted) or irregular.
    count
        Microseconds for step and session, months for month, 1 or the step for integer.
    weekmask
        Days of the week from Monday on which business and session stamps fall, e.g. ``1111100``.
    month_end
        Monthly stamps stand on the last day of the month.
    opens, closes
        First and last stamp of a session, microseconds after midnight.
    """

    kind: str
    count: int = 1
    weekmask: str = "1111100"
    month_end: bool = False
    opens: int = 0
    closes: int = 0

    @property
    def name(self) -> str:
        """The frequency as a setting writes it: ``1d``, ``business``, ``15m``, ``1mo``, ``irregular`` ..."""
        if self.kind == "month":
            unit = next(unit for unit in ("y", "q", "mo") if self.count % _MONTHS[unit] == 0)
            return f"{self.count // _MONTHS[unit]}{unit}"
        if self.kind in {"step", "session"}:
            unit = next(unit for unit in ("w", "d", "h", "m", "s", "ms", "us") if self.count % _UNITS[unit] == 0)
            text = f"{self.count // _UNITS[unit]}{unit}"
            return text if self.kind == "step" else f"{text} in sessions"
        if self.kind == "integer" and self.count != 1:
            return f"every {self.count}"
        return self.kind

    @property
    def season(self) -> int:
        """Rows in a season: 12 monthly, 4 quarterly, 52 weekly, 7 daily, 5 of business days, 24 hourly, else 1."""
        if self.kind == "business":
            return self.weekmask.count("1")
        return {"1mo": 12, "1q": 4, "1w": 52, "1d": 7, "1h": 24}.get(self.name, 1)

    @property
    def dated(self) -> bool:
        """Whether stamps are dates."""
        return self.kind not in {"integer", "row"}

    def missing_after(self, stamps: Stamps, last: NDArray[np.bool_]) -> Stamps:
        """Count the stamps that are missing between each row and the next, (N,).

        Parameters
        ----------
        stamps
            Sorted within each series.
        last
            Marks each series' last row, after which nothing is missing.
        """
        if self.kind in {"irregular", "row"} or len(stamps) < 2:
            return np.zeros(len(stamps), dtype=np.int64)
        if self.kind == "business":
            places = self._weekday_number(stamps)
            missing = np.diff(places) - 1
            missing[missing <= LONGEST_HOLIDAY] = 0
        elif self.kind == "month":
            missing = np.diff(_month_number(stamps)) // self.count - 1
        else:
            steps = np.diff(stamps)
            missing = np.zeros(len(steps), dtype=np.int64)
            wide = steps > self.count
            missing[wide] = steps[wide] // self.count - 1
            if self.kind == "session":
                missing[np.diff(stamps // DAY) > 0] = 0
        missing = np.append(np.maximum(missing, 0), 0)
        missing[last] = 0
        return missing

    def next_stamps(self, last: int, count: int) -> Stamps:
        """Return the `count` stamps that follow `last`.

        Raises
        ------
        DataError
            If the dates are irregular: none are invented.
        """
        steps = np.arange(1, count + 1, dtype=np.int64)
        if self.kind == "irregular":
            raise DataError("dates without a frequency cannot be continued; set frequency, e.g. 1d, business or 1h")
        if self.kind == "month":
            return self._months_after(last, steps)
        if self.kind == "business":
            day = np.datetime64(last // DAY, "D")
            days = np.busday_offset(day, steps - 1 if not self._open(last) else steps, "forward", self.weekmask)
            return days.astype(np.int64) * DAY + last % DAY
        if self.kind == "session":
            return self._session_stamps(last, count)
        return last + steps * self.count

    def next_times(self, last: Any, count: int) -> NDArray[Any]:
        """Continue `times`: the `count` stamps after `last`, in the type that came in.

        Examples
        --------
        >>> friday = np.datetime64("2018-12-28", "us")
        >>> Frequency("business").next_times(friday, 2).astype("datetime64[D]").tolist()
        [datetime.date(2018, 12, 31), datetime.date(2019, 1, 1)]
        """
        stamp = np.asarray(last)
        if stamp.dtype.kind != "M":
            return self.next_stamps(int(stamp), count)
        return self.next_stamps(int(stamp.astype("datetime64[us]").astype(np.int64)), count).view("datetime64[us]")

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Frequency:
        """Return the frequency that `to_json` described."""
        return cls(**state)

    def _open(self, stamp: int) -> bool:
        return self.weekmask[_weekday(np.array([stamp]))[0]] == "1"

    def _weekday_number(self, stamps: Stamps) -> Stamps:
        days = (stamps // DAY).view("datetime64[D]")
        numbers: Stamps = np.busday_count(np.datetime64("1970-01-01"), days, self.weekmask).astype(np.int64)
        return numbers

    def _months_after(self, last: int, steps: Stamps) -> Stamps:
        here = np.datetime64(last, "us")
        month = here.astype("datetime64[M]")
        first_days = (month + steps * self.count).astype("datetime64[D]")
        next_first = (month + steps * self.count + 1).astype("datetime64[D]")
        day = int((here.astype("datetime64[D]") - month.astype("datetime64[D]")).astype(np.int64))
        ends = next_first - 1
        days = ends if self.month_end else np.minimum(first_days + day, ends)
        return np.asarray(days.astype(np.int64) * DAY + last % DAY)

    def _session_stamps(self, last: int, count: int) -> Stamps:
        stamps = np.empty(count, dtype=np.int64)
        for i in range(count):
            following = last + self.count
            if not (self.opens <= following % DAY <= self.closes and self._open(following)):
                tomorrow = np.datetime64(last // DAY + 1, "D")
                day = np.busday_offset(tomorrow, 0, "forward", self.weekmask)
                following = int(day.astype(np.int64)) * DAY + self.opens
            stamps[i] = last = following
        return stamps


def parse_frequency(text: str) -> Frequency:
    """Read a frequency that a person set: ``1d``, ``business``, ``1h``, ``15m``, ``1mo``, ``1q``, ``irregular``.

    Raises
    ------
    SettingsError
        If it is none of these.
    """
    name = _ALIASES.get(text.strip().lower(), text.strip().lower())
    if name in {"business", "irregular", "integer", "row"}:
        return Frequency(name)
    found = re.fullmatch(r"(\d{1,6})\s*(us|ms|s|m|min|h|d|w|mo|q|y)", name)
    if found is None or int(found[1]) == 0:
        raise SettingsError(
            f"frequency: {text!r} is none; give a number and a unit (15m, 1h, 1d, 1w, 1mo, 1q, 1y), "
            "business or irregular"
        )
    count, unit = int(found[1]), found[2].removesuffix("in") if found[2] == "min" else found[2]
    return Frequency("month", count * _MONTHS[unit]) if unit in _MONTHS else Frequency("step", count * _UNITS[unit])


def infer_frequency(stamps: Stamps, offsets: NDArray[np.int64], *, dated: bool) -> Frequency:
    """Find the calendar that all series share.

    Parameters
    ----------
    stamps
        Sorted within each series, none twice.
    offsets
        Row at which each series begins, and N.
    dated
        Stamps are microseconds; otherwise an integer index.
    """
    steps = np.diff(stamps)
    inside = np.ones(len(steps), dtype=bool)
    inside[offsets[1:-1] - 1] = False
    steps = steps[inside]
    if len(steps) == 0:
        return Frequency("step", DAY) if dated else Frequency("integer")
    usual = _mode(steps)
    if not dated:
        return Frequency("integer", usual)
    months = _monthly(stamps, steps)
    if months is not None:
        return months
    unusual = steps[steps != usual]
    if usual == DAY and not np.any(unusual % DAY):
        mask = _weekmask(stamps, steps)
        return Frequency("step", DAY) if mask is None else Frequency("business", 1, mask)
    if np.any(unusual % usual):
        return Frequency("irregular")
    if usual < DAY:
        return _session(stamps, steps, inside, usual) or Frequency("step", usual)
    regular = np.mean(steps == usual) >= 0.5
    return Frequency("step", usual) if regular else Frequency("irregular")


def _mode(steps: Stamps) -> int:
    if steps.min() == steps.max():
        return int(steps[0])
    values, counts = np.unique(steps, return_counts=True)
    return int(values[counts.argmax()])


def _monthly(stamps: Stamps, steps: Stamps) -> Frequency | None:
    """Find months, quarters and years: the same day of the month, or its last day, at the same time of day."""
    if steps.min() < 28 * DAY:
        return None
    dates = stamps.view("datetime64[us]")
    days = dates.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    ends = ((months + 1).astype("datetime64[D]") - 1) == days
    same_day = len(np.unique(days - months.astype("datetime64[D]"))) == 1
    if len(np.unique(stamps % DAY)) > 1 or not (same_day or ends.all()):
        return None
    jumps = np.diff(np.unique(_month_number(stamps))).astype(np.int64)
    usual = _mode(jumps)
    return Frequency("month", usual, month_end=not same_day) if not np.any(jumps % usual) else None


def _month_number(stamps: Stamps) -> Stamps:
    return stamps.view("datetime64[us]").astype("datetime64[M]").astype(np.int64)


def _weekday(stamps: Stamps) -> Stamps:
    """Return 0 for Monday to 6 for Sunday; 1970-01-01 was a Thursday."""
    return np.asarray((stamps // DAY + 3) % 7)


def _weekmask(stamps: Stamps, steps: Stamps) -> str | None:
    """Return the days of a trading week, or None where every day may have a row."""
    counts = np.bincount(_weekday(stamps), minlength=7)
    open_days = counts > 0.2 * counts.max()  # a rare session on a weekend does not make it a trading day
    crossed = bool(np.any(steps > DAY))
    if not crossed or not 4 <= open_days.sum() <= 6:
        return None
    mask = "".join("1" if day else "0" for day in open_days)
    weeks = (stamps.max() - stamps.min()) / WEEK
    return mask if mask == "1111100" or weeks >= 2 else None  # another week needs to be seen twice


def _session(stamps: Stamps, steps: Stamps, inside: NDArray[np.bool_], usual: int) -> Frequency | None:
    """Find trading hours: a fixed step within days, and a break at nearly every change of day."""
    new_day = np.diff(stamps // DAY)[inside] > 0
    if new_day.sum() < 2 or np.mean(steps[new_day] > usual) < 0.9:
        return None
    counts = np.bincount(_weekday(stamps), minlength=7)
    mask = "".join("1" if count > 0.2 * counts.max() else "0" for count in counts)
    times = stamps % DAY
    return Frequency("session", usual, mask, opens=int(times.min()), closes=int(times.max()))
