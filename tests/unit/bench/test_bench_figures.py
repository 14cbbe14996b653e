"""The figures: labels keep apart, and the pictures stand alone."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from gatewise.bench.contestants import Sizes
from gatewise.bench.drawing import spread
from gatewise.bench.growth import grown
from gatewise.bench.run import write_figures

DOMAIN, HEIGHT, GAP = [1.0, 1000.0], 300, 17.0


def pixels(values: list[float]) -> list[float]:
    return [HEIGHT * math.log(value) / math.log(1000) for value in values]


@pytest.mark.parametrize("values", [[100.0] * 6, [900.0, 950.0, 990.0, 2.0], [5.0, 4.0, 500.0]])
def test_labels_keep_apart_in_the_order_of_their_values_and_under_the_top(values: list[float]) -> None:
    found = pixels(spread(values, DOMAIN, height=HEIGHT, gap=GAP, top=800.0))
    order = sorted(range(len(values)), key=lambda place: values[place])
    assert all(found[after] - found[before] > GAP - 1e-6 for before, after in pairwise(order))
    assert max(found) <= pixels([800.0])[0] + 1e-6


def test_labels_with_room_stay_where_they_belong() -> None:
    assert spread([3.0, 30.0], DOMAIN, height=HEIGHT, gap=GAP) == pytest.approx([3.0, 30.0])


def test_one_thing_grows_at_a_time() -> None:
    base = Sizes(batch=1, steps=8, inputs=2, units=16)
    for name, sizes in grown(base):
        assert sizes._replace(**{name: getattr(base, name)}) == base
    assert [sizes.batch for name, sizes in grown(base) if name == "batch"] == [1, 2, 4]
    assert [sizes.steps for name, sizes in grown(base) if name == "steps"] == [2, 4, 8, 16, 32]


def found() -> dict[str, Any]:
    speed = {"gflops": 50.0}
    rows = [
        {"cell": "lstm", "varied": varied, "value": value, "who": who, "milliseconds": float(value)}
        for varied in ("steps", "batch", "units", "layers") for value in (1, 2, 4) for who in ("gatewise", "torch")
    ]  # fmt: skip
    return {
        "what": "Training pass <B 8>",
        "limits": {"sgemm_gflops": 140.0, "bandwidth_gb_per_second": 20.0},
        "cells": [
            {"cell": "lstm", "intensity": 6.0, "gatewise": speed, "torch": {"gflops": 40.0}},
            {"cell": "mingru", "intensity": 20.0, "gatewise": speed, "torch": None},
        ],
        "growth": rows,
    }


def test_figures_stand_alone(tmp_path: Path) -> None:
    paths = write_figures(found(), tmp_path)
    assert [path.name for path in paths] == ["roofline.svg", "growth.svg"]
    for path in paths:
        picture = ElementTree.parse(path).getroot()
        assert picture.get("font-family")
        assert picture[0].tag.endswith("rect")
    text = paths[0].read_text()
    for said in ("mingru: 50", "torch lstm: 40", "matrix product: 140 GFLOP/s", "memory: 20 GB/s", "B 8"):
        assert said in text
    for said in (">steps T<", ">sequences B<", ">units H<", ">layers<", ">torch lstm<", ">ms<"):
        assert said in paths[1].read_text()


def test_growth_is_drawn_only_where_it_was_timed(tmp_path: Path) -> None:
    assert [path.name for path in write_figures(found() | {"growth": []}, tmp_path)] == ["roofline.svg"]
