import re
from types import SimpleNamespace

import pytest
import vl_convert

from gatewise.report import charts, traces
from gatewise.report.evidence import MOST_DRAWN, MOST_PANELS, Evidence, Level, _what_is_drawn
from gatewise.report.figures import loss_figures, seeds_figure
from gatewise.wording import speaking


def level(number, condition="", runs=(), metric="mse"):
    values = [float(number), float(number) + 0.5]
    spread = {"mean": number + 0.25, "std": 0.3, "min": values[0], "max": values[1], "values": values}
    return Level(label=f"level {number}", main=f"m{number}", condition=condition, settings={}, runs=runs,
                 parameters=1, metrics={metric: spread}, epochs={}, seconds={"per_epoch": 1.0})  # fmt: skip


def evidence(levels, metric="mse"):
    return Evidence(name="many", question="", is_study=True, metric=metric, main="", levels=tuple(levels),
                    baselines={}, against_baseline=())  # fmt: skip


def test_of_many_levels_the_best_are_drawn_in_the_studys_order():
    many = [level(number) for number in reversed(range(MOST_DRAWN + 10))]
    drawn = evidence(many).drawn_levels
    assert [one.label for one in drawn] == [f"level {number}" for number in reversed(range(MOST_DRAWN))]
    assert evidence(many).shown_levels == drawn
    figure = seeds_figure(evidence(many))
    assert len(figure.data["dots"]) == 2 * MOST_DRAWN
    higher = [level(number, metric="pearson") for number in range(MOST_DRAWN + 1)]
    assert "level 0" not in [one.label for one in evidence(higher, "pearson").drawn_levels]


def test_few_levels_are_all_drawn_and_nothing_is_said():
    few = [level(number, f"c{number}") for number in range(MOST_PANELS)]
    assert evidence(few).drawn_levels == few
    assert evidence(few).drawn_conditions == [one.condition for one in few]
    assert _what_is_drawn(few) == []


def test_the_conditions_of_the_best_levels_have_the_panels():
    log = [
        {"epoch": 1, "train_loss": 2.0, "validation_loss": 2.0},
        {"epoch": 2, "train_loss": 1.0, "validation_loss": 1},
    ]
    run = SimpleNamespace(read_log=lambda: log)
    many = [level(20 - number, f"c{number}", runs=(run,)) for number in range(MOST_PANELS + 3)]
    assert evidence(many).drawn_conditions == [f"c{number}" for number in range(3, MOST_PANELS + 3)]
    assert [figure.title for figure in loss_figures(evidence(many))] == [f"C{n}" for n in range(3, MOST_PANELS + 3)]


def test_it_is_said_what_figures_leave_out():
    many = [level(number, f"c{number % 7}") for number in range(MOST_DRAWN + 1)]
    levels, conditions = _what_is_drawn(many)
    assert f"{MOST_DRAWN} best of {MOST_DRAWN + 1} settings" in levels
    assert "6 conditions" in conditions
    with speaking("fa"):
        assert "نمودار" in _what_is_drawn(many)[0]


@pytest.mark.parametrize(("most", "read"), [(4, 4), (3, 2)])
def test_of_very_many_runs_the_median_one_of_each_level_is_read(monkeypatch, most, read):
    seen = []
    monkeypatch.setattr(traces, "_MOST_READ", most)
    monkeypatch.setattr(traces, "_predictions", lambda run: seen.append(run))
    traces.read_traces(evidence([level(1, runs=("a", "b")), level(2, runs=("c", "d"))]))
    assert len(seen) == read


@pytest.mark.parametrize("epochs", [2, 3, 8])
def test_of_few_epochs_each_has_one_tick(epochs):
    rows = [{"epoch": epoch, "loss": 1.0 + epoch, "main": "a", "part": "validation"} for epoch in range(1, epochs + 1)]
    spec = charts.losses(["a"], 2.0, 1.0 + epochs, "l", epochs=epochs, seeds=False)
    drawing = vl_convert.vegalite_to_svg({**spec, "datasets": {"l-means": rows, "l-best": rows[-1:]}})
    ticks = re.findall(r">([^<]+)</text>", drawing[: drawing.index(">epoch</text>")])
    assert ticks == [str(epoch) for epoch in range(1, epochs + 1)]
