import math

import pytest

from gatewise.errors import SettingsError
from gatewise.registry import CELLS
from gatewise.settings import ForecastSettings
from gatewise.studies.file import resolve
from gatewise.studies.plan import plan_study
from gatewise.studies.seeds import each_seed, read_seeds
from gatewise.studies.sizes import _nearest


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["y", *(f"{50 + 10 * math.sin(i / 5):.3f}" for i in range(300))]))
    return str(path)


def study(**tree):
    return resolve({"name": "small", "data": {"files": ["sample:A"]}, "vary": {"model.cell": ["gru", "lstm"]}, **tree})


def plan(**tree):
    return plan_study(study(**{"seeds": 1, **tree}), lambda data: "digest")


def refused(**tree):
    with pytest.raises(SettingsError) as caught:
        study(**tree)
    return str(caught.value)


def test_equal_epochs_hold_for_all_and_nothing_stops_early():
    for run in plan(budget={"epochs": 5}, train={"epochs": 80, "patience": 2}).runs:
        assert (run.settings.train.epochs, run.settings.train.patience) == (5, None)
    assert {run.settings.train.patience for run in plan(budget={"epochs": 5, "patience": 2}).runs} == {2}
    classify = plan(task="classify", budget={"epochs": 5}, vary={"model.cell": ["gru"]})
    assert classify.runs[0].settings.train.least_steps == 0


def test_equal_minutes_are_measured_alone():
    planned = plan(budget={"minutes": 2})
    assert planned.alone
    assert {(run.settings.train.minutes, run.settings.train.patience) for run in planned.runs} == {(2.0, None)}
    assert not plan().alone


def test_units_are_solved_so_that_every_cell_has_as_many_parameters(table):
    from gatewise.data.series import read_series
    from gatewise.tasks.forecast.model import create_network

    made = study(
        data={"files": [table]}, seeds=2, budget={"parameters": "30_000"}, vary={"model.cell": CELLS.names()[::2]},
        model={"head": [16]},
    )  # fmt: skip
    planned = plan_study(made)
    series = read_series(planned.runs[0].settings.data)
    for run, size in zip(planned.runs[::2], planned.sizes, strict=True):
        counted = sum(weight.numel() for weight in create_network(run.settings, series).parameters())
        assert counted == size.parameters
        assert abs(counted / 30_000 - 1) < 0.05
        assert run.label == size.label == f"{run.levels['model.cell']}, {run.settings.model.units} units"
        nearer = run.settings.replace({"model.units": run.settings.model.units + 1})
        assert abs(_count(create_network, nearer, series) - 30_000) >= abs(counted - 30_000)
    assert planned.to_json()["sizes"][0]["units"] == planned.runs[0].settings.model.units


def _count(create_network, settings, series):
    try:
        return sum(weight.numel() for weight in create_network(settings, series).parameters())
    except SettingsError:  # units that its heads do not divide
        return 0


def test_a_size_that_cannot_be_reached_is_refused(table):
    with pytest.raises(SettingsError, match=r"the combination gru comes no nearer to 50 than .*\(1 units\)"):
        plan_study(study(data={"files": [table]}, budget={"parameters": 50}))


def test_text_and_classification_networks_are_counted_too(tmp_path):
    (tmp_path / "book.txt").write_text("the quick brown fox jumps over the lazy dog. " * 200)
    text = {"task": "generate", "data": {"files": [str(tmp_path / "book.txt")]}}
    planned = plan_study(study(**text, seeds=1, budget={"parameters": 60_000}))
    assert all(abs(size.off) < 0.02 for size in planned.sizes)
    rows = [f"{word} {i} is {mood},{mood}" for i in range(60) for word, mood in [("tea", "good"), ("fog", "bad")]]
    (tmp_path / "said.csv").write_text("\n".join(["text,label", *rows]))
    said = {"task": "classify", "data": {"files": [str(tmp_path / "said.csv")]}}
    planned = plan_study(study(**said, seeds=1, budget={"parameters": 300_000}))
    assert all(abs(size.off) < 0.02 for size in planned.sizes)


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"budget": {}}, "budget: says nothing"),
        ({"budget": {"epochs": 3, "minutes": 1}}, "budget: epochs and minutes cannot both be equal"),
        ({"budget": {"patience": 3, "minutes": 1}}, "budget: patience stands beside epochs"),
        ({"budget": {"epochs": 3}, "vary": {"train.epochs": [1, 2]}}, "budget: train.epochs changes train.epochs"),
        ({"budget": {"parameters": 3}, "vary": {"s": {"a": {"model.units": 2}}}}, "budget: s changes model.units"),
        ({"budget": {"hours": 3}}, "budget.hours: unknown setting"),
    ],
)
def test_a_budget_that_contradicts_the_study_is_refused(tree, message):
    assert message in refused(**tree)


def seeds_of(seeds, **tree):
    names = ("seed", "init_seed", "order_seed", "dropout_seed")
    return [
        (run.seed, *(getattr(run.settings, name) for name in names), run.settings.split.seed)
        for run in plan(seeds=seeds, vary={}, **tree).runs
    ]


def test_each_kind_of_chance_may_be_varied_alone():
    assert seeds_of(2) == [(0, 0, None, None, None, 42), (1, 1, None, None, None, 42)]
    assert seeds_of({"initialisation": 2}) == [(0, 0, None, None, None, 42), (1, 0, 1, None, None, 42)]
    assert seeds_of({"initialisation": [5, 6], "order": [3]}) == [(5, 3, 5, None, 0, 42), (6, 3, 6, None, 0, 42)]
    random = {"split": {"kind": "random"}}
    assert seeds_of({"split": [7, 9]}, **random) == [(7, 0, None, None, None, 7), (9, 0, None, None, None, 9)]
    both = seeds_of({"initialisation": 2, "split": [7, 9]}, **random)
    assert both == [(0, 0, None, None, None, 7), (1, 0, 1, None, None, 9)]


def test_equal_numbers_are_the_same_run_however_they_are_written():
    plain, kinds = plan(seeds=3), plan(seeds={"initialisation": 3, "order": 3, "dropout": 3})
    assert [run.fingerprint for run in plain.runs] == [run.fingerprint for run in kinds.runs]
    for run in plain.runs:
        assert run.fingerprint == run.settings.fingerprint("digest")  # planning fast gives what a run would call itself
    for run in plan(seeds={"initialisation": 3, "split": 3}, split={"kind": "random"}).runs:
        assert run.fingerprint == run.settings.fingerprint("digest")
        assert type(run.settings).model_validate(run.settings.model_dump()) == run.settings


def test_the_plan_says_which_noise_the_spread_holds():
    (said,) = [line for line in plan(seeds={"initialisation": 6}).warnings if "noise" in line]
    assert said.startswith("Seeds differ in start weights alone; order of the data, dropout masks and split are held.")
    assert not [line for line in plan(seeds=6).warnings if "noise" in line]
    every = {"initialisation": 6, "order": 6, "dropout": 6, "split": 6}
    assert "all four" in plan(seeds=every, split={"kind": "random"}).warnings[-1]


@pytest.mark.parametrize(
    ("seeds", "tree", "message"),
    [
        ({"initialisation": 0}, {}, "seeds: initialisation: give 1 to 1000 seeds (found 0)"),
        ({"start": 3}, {}, "seeds: start: unknown setting"),
        ({"initialisation": 3, "order": 4}, {}, "so they need equally many seeds, or one (initialisation has 3, order"),
        ({"split": 3}, {}, "seeds.split: the split draws nothing: it counts only with split.kind random"),
        ({"dropout": 3}, {"model": {"head_dropout": 0.0}}, "seeds.dropout: nothing is dropped"),
    ],
)
def test_seeds_that_would_change_nothing_are_refused(seeds, tree, message):
    assert message in refused(seeds=seeds, **tree)


def test_a_study_with_kinds_of_seeds_survives_its_own_json():
    made = study(seeds={"initialisation": 3}, budget={"epochs": 3}, grid="zipped")
    assert type(made).model_validate(made.model_dump(mode="json")) == made
    assert made.seed_numbers == (0, 1, 2)
    assert [one.number for one in each_seed(read_seeds([4, 2]))] == [4, 2]


def test_units_that_a_cell_takes_are_found_between_those_that_it_refuses():
    def count(settings):
        if settings.model.units % 4:
            raise SettingsError("units must be divided by 4 heads")
        return 10 * settings.model.units

    assert [_nearest(ForecastSettings(), count, wanted) for wanted in (1, 205, 225)] == [(4, 40), (20, 200), (24, 240)]
