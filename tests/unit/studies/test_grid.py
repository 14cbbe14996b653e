import pytest

from gatewise.errors import SettingsError
from gatewise.studies.file import resolve
from gatewise.studies.levels import LevelResults, by_level, conditions, partition
from gatewise.studies.library import load_study
from gatewise.studies.plan import plan_study

FOCAL = {
    "train.loss": ["cross_entropy", "focal"],
    "train.focal_gamma": {"when": {"train.loss": "focal"}, "levels": [1, 2]},
}


def study(**tree):
    return resolve({"name": "small", "data": {"files": ["sample:A"]}, "seeds": 1, **tree})


def labels(**tree):
    return [run.label for run in plan_study(study(**tree), lambda data: "digest").runs]


def refused(**tree):
    with pytest.raises(SettingsError) as caught:
        study(**tree)
    return str(caught.value)


def test_a_factor_with_a_condition_is_there_only_where_it_holds():
    planned = plan_study(study(task="generate", vary=FOCAL), lambda data: "digest")
    assert [(run.label, run.levels) for run in planned.runs] == [
        ("cross_entropy", {"train.loss": "cross_entropy"}),
        ("focal, focal gamma 1", {"train.loss": "focal", "train.focal_gamma": 1.0}),
        ("focal, focal gamma 2", {"train.loss": "focal", "train.focal_gamma": 2.0}),
    ]


def test_conditions_may_follow_one_another_and_stand_in_any_order():
    vary = {
        "model.ngram_share": {"when": {"model.ngrams": [4, 8]}, "levels": [0.2, 0.4]},
        "model.ngrams": {"when": {"model.cell": "gru"}, "levels": [0, 4, 8]},
        "model.cell": ["gru", "lstm"],
    }
    assert labels(task="generate", vary=vary) == [
        "ngrams 0, gru",
        "ngram share 0.2, ngrams 4, gru",
        "ngram share 0.4, ngrams 4, gru",
        "ngram share 0.2, ngrams 8, gru",
        "ngram share 0.4, ngrams 8, gru",
        "lstm",
    ]


def test_a_group_of_settings_may_have_a_condition():
    size = {"when": {"model.cell": "gru"}, "levels": {"small": {"model.units": 4}, "large": {"model.units": 8}}}
    assert labels(vary={"model.cell": ["rnn", "gru"], "size": size}) == ["rnn", "gru, small", "gru, large"]


def test_zipped_levels_go_together_by_position():
    vary = {"model.cell": ["gru", "lstm"], "model.units": [75, 64], "train.loss": ["mse", "mae"]}
    assert labels(vary=vary, grid="zipped") == ["gru, units 75, mse", "lstm, units 64, mae"]
    planned = plan_study(study(vary=vary, grid={"zipped": ["model.cell", "model.units"]}), lambda data: "digest")
    assert [run.label for run in planned.runs] == [
        "gru, units 75, mse", "gru, units 75, mae", "lstm, units 64, mse", "lstm, units 64, mae",
    ]  # fmt: skip
    assert planned.runs[2].levels == {"model.cell with model.units": "lstm, units 64", "train.loss": "mse"}
    assert (planned.runs[2].settings.model.cell, planned.runs[2].settings.model.units) == ("lstm", 64)
    assert planned.to_json()["main"] == "model.cell with model.units"


def test_what_depends_on_a_factor_finds_it_among_those_that_go_together():
    vary = {
        "model.cell": ["gru", "lstm"],
        "train.loss": ["mse", "huber"],
        "size": {"fair": {"model.units": {"by model.cell": {"gru": 75, "lstm": 64}}}},
        "train.huber_delta": {"when": {"train.loss": "huber"}, "levels": [1, 2]},
    }
    planned = plan_study(study(vary=vary, grid={"zipped": ["model.cell", "train.loss"]}), lambda data: "digest")
    assert [(run.label, run.settings.model.units) for run in planned.runs] == [
        ("gru, mse, fair", 75),
        ("lstm, huber, fair, huber delta 1", 64),
        ("lstm, huber, fair, huber delta 2", 64),
    ]


def test_combinations_may_be_written_out_and_lack_what_others_have():
    rows = [
        {"model.cell": "gru", "model.units": 75},
        {"model.cell": "lstm", "rate": "slow"},
        {"model.cell": "lstm", "model.units": 8, "rate": "fast"},
    ]
    vary = {"rate": {"slow": {"train.learning_rate": "1e-4"}, "fast": {"train.learning_rate": 0.01}}}
    planned = plan_study(study(combinations=rows, vary=vary, compare="model.cell"), lambda data: "digest")
    assert [run.label for run in planned.runs] == ["gru, units 75", "lstm, slow", "lstm, units 8, fast"]
    assert [run.settings.train.learning_rate for run in planned.runs] == [None, 1e-4, 0.01]
    assert planned.to_json()["main"] == "combination"
    crossed = labels(combinations=rows[:1], vary={"train.loss": ["mse", "mae"]})
    assert crossed == ["gru, units 75, mse", "gru, units 75, mae"]


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"grid": "crosed"}, "grid: crossed, zipped or {zipped: "),
        ({"grid": {"zipped": ["model.cell", "model.unit"]}}, "grid: 'model.unit' is not varied"),
        ({"grid": "zipped", "vary": {"model.cell": ["gru"], "model.units": [1, 2]}}, "has 1, model.units has 2"),
        ({"combinations": [{"model.cell": "gruu"}]}, "combinations.0: model.cell: unknown cell 'gruu'"),
        ({"combinations": [{"modell": 1}]}, "combinations.0.modell: unknown setting"),
        ({"combinations": [{}]}, "combinations.0: is empty"),
        ({"combinations": [{"model.units": 3}, {"model.units": "3"}]}, "combinations.1: units 3 stands there already"),
        ({"combinations": [{"model.cell": "gru"}], "vary": {"model.cell": ["gru", "rnn"]}}, "rnn stands in none"),
        ({"combinations": [{"model.cell": "gru"}], "grid": "zipped"}, "leave grid out"),
        ({"combinations": [3]}, "combinations.0: input should be a valid dictionary"),
        ({"vary": {"train.huber_delta": {"when": {"train.los": "huber"}, "levels": [1]}}}, "no other factor"),
        ({"vary": {**FOCAL, "train.focal_gamma": {"when": {"train.loss": "focl"}, "levels": [1]}}, "task": "generate"},
         "vary.train.focal_gamma.when.train.loss: has no level focl: did you mean 'focal'?"),
        ({"vary": {"train.huber_delta": {"when": {"train.loss": "huber"}}}}, "levels is missing"),
        ({"vary": {"train.huber_delta": {"when": 3, "levels": [1]}}}, "when: a factor and its levels are expected"),
        ({"vary": {"model.units": {"when": {"model.layers": 1}, "levels": [1, 2]},
                   "model.layers": {"when": {"model.units": 1}, "levels": [1, 2]}}}, "depends on itself"),
    ],
)  # fmt: skip
def test_a_wrong_grid_is_refused_with_the_reason(tree, message):
    assert message in refused(**tree)


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"vary": {"train.loss": ["cross_entropy", "focal"], "train.focal_gamma": [1, 2]}, "task": "generate"},
         "vary.train.focal_gamma: focal gamma 1 changes nothing in the combination cross_entropy, focal gamma 1: it "
         "counts only with train.loss focal or binary_focal"),
        ({"vary": {"model.head_dropout": [0.1, 0.2]}, "model": {"head": []}}, "it counts only with some model.head"),
        ({"vary": {"model.layer_dropout": [0.1, 0.2]}}, "with model.layers other than 1, or with model.block residual"),
        ({"vary": {"split.seed": [1, 2]}}, "it counts only with split.kind random"),
        ({"vary": {"split.test": [0.1, 0.2]}, "split": {"kind": "blocked"}}, "with split.kind other than blocked"),
        ({"vary": {"train.min_delta": [0.0, 0.1]}, "train": {"patience": None, "restore_best": False}},
         "it counts only with train.patience other than none, or with some train.restore_best"),
        ({"vary": {"train.vote_share": [0.0, 0.5]}, "task": "classify", "data": {"votes": []}},
         "it counts only with some data.votes"),
        ({"vary": {"train.least_steps": [0, 9]}, "task": "classify", "train": {"minutes": 1}}, "train.minutes none"),
        ({"vary": {"split.near_duplicates": ["together", "apart"]}, "task": "classify", "split": {"kind": "random"}},
         "it counts only with split.kind other than random"),
        ({"vary": {"train.label_smoothing": [0.0, 0.1], "train.loss": ["cross_entropy", "focal"]}, "task": "generate"},
         "the combination label smoothing 0.1, focal: train.label_smoothing: the loss 'focal' has no soft target"),
        ({"vary": {"model.cell_options": [{"reset": "before"}], "model.cell": ["gru", "rnn"]}},
         "the cell 'rnn' has no option 'reset'"),
        ({"vary": {"a": {"x": {"train.epochs": 3}, "y": {"train.epochs": 3, "train.patience": 10}}}},
         "vary.a: x and y mean the same settings"),
        ({"combinations": [{"train.loss": "mse"}, {"train.loss": "mse", "model.cell": "lstm"}]},
         "mse and mse, lstm mean the same settings"),
    ],
)  # fmt: skip
def test_levels_that_would_change_nothing_are_refused(tree, message):
    assert message in refused(**tree)


def test_other_files_are_another_level():
    assert len(labels(vary={"data.files": [["sample:A"], ["sample:B"]]})) == 2


def test_a_level_of_several_settings_may_hold_one_that_does_not_count():
    vary = {"size": {"bare": {"model.head": [], "model.head_dropout": 0.0}, "deep": {"model.head": [8]}}}
    assert labels(vary=vary) == ["bare", "deep"]


def test_problems_name_their_line(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: mine\n"
        "data: {files: [a.csv]}\n"
        "train:\n"
        "  los: mse\n"
        "vary:\n"
        "  model.cell: [gru, lstmm]\n"
        "  plan:\n"
        "    a: {train.epoch: 3}\n"
        "claims:\n"
        "  - {claim: c, report: 1, where: {model.cel: gru}}\n"
        "presets:\n"
        "  quick: {}\n"
        "  long:\n"
        "    train: {epochs: 0}\n"
    )
    with pytest.raises(SettingsError) as caught:
        load_study(path, set={"model.units": "many"})
    lines = str(caught.value).splitlines()
    assert lines[0] == f"{path}:"
    for begin in [
        "line 4: train.los: unknown setting",
        "line 6: vary.model.cell: model.cell: unknown cell 'lstmm'",
        "line 8: vary.plan.a.train.epoch: unknown setting",
        "line 14: in preset long: train.epochs: ",
        "model.units: input should be a valid integer",
    ]:
        assert [line for line in lines if line.startswith(begin)], begin


def level(**settings):
    return LevelResults(" ".join(settings.values()), settings)


def test_a_combination_without_a_factor_is_compared_at_each_level_of_it():
    ce, kl = level(loss="ce"), level(loss="kl")
    one, two = level(loss="focal", gamma="1"), level(loss="focal", gamma="2")
    assert conditions([ce, kl, one, two], "loss") == [({"gamma": "1"}, [ce, kl, one]), ({"gamma": "2"}, [ce, kl, two])]
    assert conditions([ce, one, two], "gamma") == [({"loss": "focal"}, [one, two])]
    assert by_level([ce, one, two], "gamma") == {"1": [one], "2": [two]}
    assert [group for _, group in partition([ce, one, two], "loss")] == [[ce], [one], [two]]
