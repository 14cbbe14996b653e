import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewise.errors import DataError, SettingsError
from gatewise.studies.file import resolve
from gatewise.studies.library import list_studies, load_study
from gatewise.studies.plan import plan_study


def plan(tree, digest=lambda data: "same"):
    return plan_study(resolve({"name": "small", "data": {"files": ["sample:A"]}, **tree}), digest)


def test_every_shipped_study_plans_in_every_preset_and_can_decide():
    for study in list_studies():
        for preset in study["presets"]:
            planned = plan_study(load_study(study["name"], preset=preset, files=["A.csv"]), lambda data: "digest")
            assert planned.warnings == ()
            main = planned.study.main
            compared = {run.fingerprint: run.levels.get(main) for run in planned.runs}
            assert all(compared[run.fingerprint] == run.levels.get(main) for run in planned.runs)
            assert len(compared) == len({run.settings.replace({"name": "x"}).model_dump_json() for run in planned.runs})


def test_a_level_may_depend_on_the_level_of_another_factor():
    vary = {
        "model.cell": ["rnn", "gru"],
        "size": {"same": {"model.units": 8}, "fair": {"model.units": {"by model.cell": {"rnn": 20, "gru": 10}}}},
    }
    planned = plan({"vary": vary, "seeds": 1})
    assert {run.label: run.settings.model.units for run in planned.runs} == {
        "rnn, same": 8, "rnn, fair": 20, "gru, same": 8, "gru, fair": 10,
    }  # fmt: skip


def test_the_cells_study_has_its_grid_and_its_timing_runs():
    planned = plan_study(load_study("stocks-cells"), lambda data: "digest")
    assert len(planned.runs) == 3 * 2 * 2 * 7
    assert planned.runs[0].label == "rnn, five epochs, input dropout 0"
    assert planned.runs[0].settings.train.patience is None
    assert planned.runs[-1].settings.train.patience == 3
    assert {(run.settings.train.epochs, run.settings.train.patience) for run in planned.timing} == {(3, None)}
    # a timing run does not depend on when training would have stopped
    assert len({run.fingerprint for run in planned.timing}) == 3 * 2


values = {
    "model.cell": ["rnn", "gru", "lstm"],
    "model.units": [4, 8, 16],
    "model.input_dropout": [0.0, 0.1, 0.2],
    "train.learning_rate": [None, 1e-3, 1e-2],
}
grids = st.fixed_dictionaries(
    {},
    optional={
        name: st.lists(st.sampled_from(levels), min_size=1, max_size=3, unique=True) for name, levels in values.items()
    },
)


@settings(deadline=None, max_examples=25)
@given(grids, st.integers(1, 3))
def test_every_combination_is_planned_once_with_every_seed(vary, seeds):
    planned = plan({"vary": vary, "seeds": seeds})
    found = [(*(run.levels[name] for name in vary), run.seed) for run in planned.runs]
    assert sorted(map(str, found)) == sorted(map(str, itertools.product(*vary.values(), range(seeds))))
    assert len({run.fingerprint for run in planned.runs}) == len(found)
    assert len({(run.label, run.seed) for run in planned.runs}) == len(found)
    for run in planned.runs:
        assert run.settings.seed == run.seed
        assert {name: run.settings.at(name) for name in vary} == run.levels


def test_groups_change_several_settings_at_once():
    planned = plan(
        {
            "vary": {"schedule": {"short": {"train.epochs": 2, "train.patience": None}, "long": {"train.epochs": 9}}},
            "seeds": 1,
        }
    )
    assert [(run.label, run.settings.train.epochs, run.settings.train.patience) for run in planned.runs] == [
        ("short", 2, None),
        ("long", 9, 10),
    ]


def test_data_is_read_once_for_each_way_of_reading_it():
    read = []

    def digest(data):
        read.append(data.window)
        return f"window {data.window}"

    plan({"vary": {"data.window": [5, 9], "model.units": [4, 8]}, "seeds": 3}, digest)
    assert sorted(read) == [5, 9]


def test_other_data_gives_other_runs():
    tree = {"vary": {"model.units": [4]}, "seeds": 1}
    assert plan(tree).runs[0].fingerprint != plan(tree, lambda data: "other").runs[0].fingerprint


def test_levels_that_contradict_each_other_are_refused_before_anything_runs():
    with pytest.raises(SettingsError, match=r"the combination folds 2, fold 4: .*fold 4 does not exist"):
        plan({"split": {"folds": 9}, "vary": {"split.folds": [9, 2], "split.fold": [4]}})


def test_combinations_that_would_share_a_name_are_refused():
    a = {"x": {"train.epochs": 1}, "x, y": {"train.epochs": 2}}
    b = {"y, z": {"model.units": 1}, "z": {"model.units": 2}}
    with pytest.raises(SettingsError, match="would both be called 'x, y, z'"):
        plan({"vary": {"a": a, "b": b}})


def test_a_grid_that_nobody_would_wait_for_is_refused():
    vary = {"model.units": list(range(1, 200)), "data.window": list(range(1, 200))}
    with pytest.raises(SettingsError, match=r"199 x 199 levels x 7 seeds are 277,207 runs"):
        plan({"vary": vary})


@pytest.mark.parametrize(
    ("cells", "seeds", "warning"),
    [
        (["rnn", "gru"], 6, None),
        (
            ["rnn", "gru"],
            5,
            "5 seeds cannot decide one comparison of model.cell: the least p of an exact test is 0.0625",
        ),
        (["rnn", "gru", "lstm"], 7, None),
        (
            ["rnn", "gru", "lstm"],
            6,
            "6 seeds cannot decide 3 comparisons .* is 0.0312, times 3 .* 0.0938.*; 7 seeds can",
        ),
        (
            ["rnn", "gru", "lstm"],
            1,
            "one seed cannot tell a difference from chance; 3 comparisons of model.cell need 7",
        ),
        (["rnn", "gru"], 1, "one comparison of model.cell needs 6"),
        (["rnn"], 1, None),
    ],
)
def test_a_design_that_cannot_decide_says_so_before_it_starts(cells, seeds, warning):
    warnings = plan({"vary": {"model.cell": cells}, "seeds": seeds}).warnings
    if warning is None:
        assert warnings == ()
    else:
        (found,) = warnings
        assert re.search(warning, found)


def test_a_study_without_factors_is_one_setting():
    planned = plan({"seeds": [3, 5]})
    assert [(run.label, run.seed, run.levels) for run in planned.runs] == [("small", 3, {}), ("small", 5, {})]


@pytest.mark.parametrize(
    ("values", "tree", "words"),
    [
        ([7] * 40, {}, "a.csv: series 'a' is 7 in every row"),
        (range(40), {"vary": {"train.loss": ["mse", "mape"]}}, "a.csv, row 2, column 'y': the value is 0; loss mape"),
        (range(12), {"vary": {"split.test": [0.1, 0.9]}}, "a.csv: series 'a' has 12 rows; 7 windows are too few"),
    ],
)
def test_data_that_a_run_would_refuse_are_refused_before_anything_runs(tmp_path, values, tree, words):
    (tmp_path / "a.csv").write_text("\n".join(["y", *map(str, values)]))
    with pytest.raises(DataError, match=words):
        plan({"data": {"files": [str(tmp_path / "a.csv")], "window": 5}, "seeds": 1, **tree}, digest=None)
