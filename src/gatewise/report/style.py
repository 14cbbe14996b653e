"""Colours, marks and sizes that figures and page share.

A figure is drawn in the light colours; the page's style sheet maps each of them to a variable, so that one drawing
serves light, dark and print. The hues are those that people with the usual colour blindnesses tell apart, and every
hue comes with its own dash and its own marker.
"""

from __future__ import annotations

from typing import Any

from gatewise.wording import language

#: name -> colour on light, colour on dark. The light ones must differ from one another: they are how a style is found.
COLOURS = {
    "paper": ("#fdfcfa", "#16181b"),
    "card": ("#f5f3ee", "#1e2125"),
    "ink": ("#22252a", "#e9e7e2"),
    "muted": ("#5c6168", "#a6abb3"),
    "line": ("#dedbd3", "#363b42"),
    "grid": ("#ebe9e3", "#2a2e34"),
    "base": ("#767b83", "#9ba1aa"),
    "one": ("#1f5fa8", "#82b4ee"),
    "two": ("#b5490f", "#f09a62"),
    "three": ("#0d7a66", "#57c9b1"),
    "four": ("#83479a", "#cd9fe0"),
    "five": ("#86690f", "#d9b95e"),
    "six": ("#a92a5c", "#f08eb3"),
    "good": ("#15703c", "#6fce94"),
    "bad": ("#a3271e", "#f4958c"),
}
HUES = [COLOURS[name][0] for name in ("one", "two", "three", "four", "five", "six")]
DASHES = [[1, 0], [7, 3], [2, 2], [9, 3, 2, 3], [4, 2], [1, 3]]
SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"]
FONT = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', 'Liberation Sans', Arial, sans-serif"
WIDTH = 680  # of the still picture; the live one takes the width of its place


#: In a language of other letters the fonts that have them come first.
FONTS_OF = {"fa": "Vazirmatn, Vazir, 'Noto Sans Arabic', 'Noto Naskh Arabic', 'Segoe UI', Tahoma, 'DejaVu Sans', "}
_PERSIAN_DAYS = ["یکشنبه", "دوشنبه", "سه‌شنبه", "چهارشنبه", "پنجشنبه", "جمعه", "شنبه"]
_PERSIAN_MONTHS = [
    "ژانویه", "فوریه", "مارس", "آوریل", "مه", "ژوئن", "ژوئیه", "اوت", "سپتامبر", "اکتبر", "نوامبر", "دسامبر",
]  # fmt: skip


def locales() -> dict[str, Any]:
    """Return how the figures of this block's language write numbers and dates; nothing where that is Vega's own way."""
    if language() == "en":
        return {}
    numbers = {
        "decimal": "٫", "thousands": "٬", "grouping": [3], "currency": ["", ""], "numerals": list("۰۱۲۳۴۵۶۷۸۹"),
        "percent": "٪",
    }  # fmt: skip
    dates = {
        "dateTime": "%x، %X", "date": "%Y-%m-%d", "time": "%H:%M:%S", "periods": ["ق.ظ", "ب.ظ"],
        "days": _PERSIAN_DAYS, "shortDays": _PERSIAN_DAYS, "months": _PERSIAN_MONTHS, "shortMonths": _PERSIAN_MONTHS,
    }  # fmt: skip
    return {"formatLocale": numbers, "timeFormatLocale": dates}


def light(name: str) -> str:
    """Return a colour as figures are drawn with it."""
    return COLOURS[name][0]


def cycle(values: list[Any], count: int) -> list[Any]:
    """Repeat `values` until there are `count`."""
    return [values[index % len(values)] for index in range(count)]


def config() -> dict[str, Any]:
    """Return the Vega-Lite configuration of every figure."""
    text = {"labelColor": light("muted"), "titleColor": light("muted"), "labelFontSize": 12, "titleFontSize": 12}
    return {
        "aria": False,  # the figure carries one label and a data table instead of a label for every mark
        "background": None,
        "font": FONTS_OF.get(language(), "") + FONT,
        "padding": 4,
        "view": {"stroke": None},
        "axis": {
            **text,
            "titleFontWeight": "normal",
            "gridColor": light("grid"),
            "domainColor": light("line"),
            "tickColor": light("line"),
            "labelPadding": 6,
            "titlePadding": 10,
            "labelOverlap": True,
            "tickSize": 4,
        },
        "axisX": {"grid": False},
        "legend": {
            **text,
            "title": None,
            "orient": "top",
            "labelFontSize": 13,
            "labelColor": light("ink"),
            "symbolSize": 70,
            "symbolStrokeWidth": 2,
            "symbolOpacity": 1,
            "offset": 12,
            "columnPadding": 18,
            "labelLimit": 300,
            "columns": 3,
        },
        "text": {"fontSize": 13, "fill": light("ink")},
        "point": {"filled": True, "size": 60},
    }
