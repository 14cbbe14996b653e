"""Rows of runs as a file: CSV, Parquet, or a LaTeX table."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatewise.errors import InputError
from gatewise.runs import atomic
from gatewise.runs.query import Row, columns, headings

if TYPE_CHECKING:
    import polars as pl

_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "\n": " ",
}  # fmt: skip


def write_table(path: Path, rows: Sequence[Row], names: Sequence[str] | None = None) -> None:
    """Write rows to a file, whole or not at all; its ending says as what.

    Parameters
    ----------
    names
        Which columns, in order; all when absent.

    Raises
    ------
    InputError
        If the ending is none of .csv, .parquet and .tex.
    OutputError
        If the file cannot be written.
    """
    kind = path.suffix.lower()
    if kind not in (".csv", ".parquet", ".tex"):
        raise InputError(f"{path}: a name that ends in .csv, .parquet or .tex says what to write")
    chosen = list(names) if names is not None else columns(rows)
    atomic.make_folder(path.parent)
    if kind == ".tex":
        atomic.write_text(path, latex_table(rows, chosen))
        return
    table = frame(rows, chosen)
    with atomic.replacing(path) as new:
        if kind == ".csv":
            table.write_csv(new)
        else:
            table.write_parquet(new)


def frame(rows: Sequence[Row], names: Sequence[str]) -> pl.DataFrame:
    """Return rows as a table with one type a column; what is neither number nor yes or no is text."""
    import polars as pl

    return pl.DataFrame([_series(name, [row.get(name) for row in rows]) for name in names])


def _series(name: str, values: list[Any]) -> pl.Series:
    import polars as pl

    kinds = {type(value) for value in values} - {type(None)}
    if kinds == {bool}:
        return pl.Series(name, values, dtype=pl.Boolean)
    if kinds == {int}:
        return pl.Series(name, values, dtype=pl.Int64)
    if kinds and kinds <= {int, float}:
        return pl.Series(name, [None if value is None else float(value) for value in values], dtype=pl.Float64)
    texts = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
    return pl.Series(name, texts, dtype=pl.String)


def latex_table(rows: Sequence[Row], names: Sequence[str]) -> str:
    r"""Return rows as a LaTeX table (package ``booktabs``); every sign that LaTeX reads is escaped.

    Examples
    --------
    >>> print(latex_table([{"model.cell": "gru", "metrics.test.mse": 71.61312}], ["model.cell", "metrics.test.mse"]))
    \begin{tabular}{lr}
    \toprule
    cell & test.mse \\
    \midrule
    gru & 71.61 \\
    \bottomrule
    \end{tabular}
    <BLANKLINE>
    """
    numeric = [all(isinstance(row.get(name), int | float | None) for row in rows) for name in names]
    lines = [
        rf"\begin{{tabular}}{{{''.join('r' if one else 'l' for one in numeric)}}}",
        r"\toprule",
        _line(headings(names)),
        r"\midrule",
        *(_line([_shown(row.get(name)) for name in names]) for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return " & ".join("".join(_LATEX.get(letter, letter) for letter in cell) for cell in cells) + r" \\"


def _shown(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "--"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return "-".join(map(str, value)) if isinstance(value, list) else str(value)
