"""Contestants take turns, and only the rounds after the warm-up count."""

from __future__ import annotations

import itertools

import pytest

from gatewise.bench import timing


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that moves only when a contestant says so."""
    now = [0.0]
    monkeypatch.setattr("gatewise.bench.timing.time.perf_counter", lambda: now[0])
    return now


def test_contestants_take_turns(seconds: list[float]) -> None:
    order: list[str] = []
    found = timing.take_turns({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=2, repeat=2)
    assert "".join(order) == "aaabbb" + "aabb" * 2
    assert set(found) == {"a", "b"}


def test_the_median_counts_and_the_warm_up_does_not(seconds: list[float]) -> None:
    lengths = itertools.chain([9.0, 9.0, 9.0], [0.001, 0.002, 0.1, 0.003, 0.004])

    def call() -> None:
        seconds[0] += next(lengths)

    found = timing.take_turns({"a": call}, rounds=5, repeat=1)["a"]
    assert found == pytest.approx((3.0, 2.0, 4.0))


def test_a_round_is_long_enough_for_the_clock(seconds: list[float]) -> None:
    calls = [0]

    def call() -> None:
        calls[0] += 1
        seconds[0] += 0.0125

    assert timing.alternate({"a": call}, rounds=1, repeat=None) == pytest.approx({"a": 12.5})
    assert calls[0] == timing.WARM_UP + 3
