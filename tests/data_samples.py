"""Small files and series that the tests of this room share."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gatewise.data.series import Frequency, SeriesSet


def write(path: Path, text: str | bytes) -> str:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def prices(path: Path, rows: int = 60, *, first: str = "2020-01-06", seed: int = 0, header: str = "Date,Close") -> str:
    """Write business days of positive prices, Mondays to Fridays."""
    days = np.busday_offset(np.datetime64(first), np.arange(rows), "forward")
    values = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.02, rows)))
    return write(path, "\n".join([header, *(f"{d},{v:.4f}" for d, v in zip(days, values, strict=True))]) + "\n")


def series_set(rows: int | list[int] = 60, channels: int = 1, *, seed: int = 0, low: float = 1.0) -> SeriesSet:
    """Make joint series (an int) or a global set of many series (a list of lengths) with daily dates."""
    lengths = [rows] if isinstance(rows, int) else rows
    total = sum(lengths)
    rng = np.random.default_rng(seed)
    starts = np.repeat(np.r_[0, np.cumsum(lengths)[:-1]], lengths)
    days = np.datetime64("2020-01-01", "us") + (np.arange(total) - starts) * np.timedelta64(1, "D")
    return SeriesSet(
        names=tuple(f"s{i}" for i in range(len(lengths))),
        channels=tuple(f"c{i}" for i in range(channels)),
        offsets=np.r_[0, np.cumsum(lengths)].astype(np.int64),
        times=days,
        target=low + rng.random((total, channels)) * 100,
        frequency=Frequency("step", 86_400_000_000),
        past=rng.normal(5, 3, (total, 2)),
        past_names=("p0", "p1"),
        future=rng.normal(-5, 2, (total, 1)),
        future_names=("f0",),
        static=rng.normal(0, 2, (len(lengths), 1)),
        static_names=("k0",),
    )
