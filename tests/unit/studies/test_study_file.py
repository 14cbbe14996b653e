import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewise.errors import SettingsError
from gatewise.studies.file import merge, resolve
from gatewise.studies.library import list_studies, load_study, study_text

SMALL = {"name": "small", "vary": {"model.cell": ["rnn", "gru"]}}


def by(factor, values):
    return {"vary": {**SMALL["vary"], "size": {"fair": {"model.units": {f"by {factor}": values}}}}}


def problems(tree, **options):
    with pytest.raises(SettingsError) as caught:
        resolve(tree, **options)
    return str(caught.value)


def test_every_shipped_study_loads_in_every_preset():
    for study in list_studies():
        assert study["question"].endswith("?")
        for preset in study["presets"]:
            loaded = load_study(study["name"], preset=preset, files=["A.csv"])
            assert loaded.name == study["name"]
            assert loaded.main == (loaded.inner or loaded.factors[0]).name


def test_quick_presets_bring_their_data_and_paper_presets_ask_for_it():
    for study in list_studies():
        samples = {"stocks": "sample:AAPL", "text": "sample:python-docs", "tweets": "sample:python-docstrings"}
        first = samples[study["name"].split("-")[0]]
        assert load_study(study["name"]).data.files[0] == first
        with pytest.raises(
            SettingsError, match=f"give them after its name, e.g. gatewise study {study['name']} --preset"
        ):
            load_study(study["name"], preset="paper")


def test_the_cells_study_asks_what_the_report_asked():
    paper = load_study("stocks-cells", preset="paper", files=["GOOG.csv", "AAPL.csv"])
    assert [level.value for level in paper.factors[0].levels] == ["rnn", "gru", "lstm"]
    assert paper.train.learning_rate == 1e-4
    assert (paper.split.kind, paper.split.seed, paper.split.test) == ("random", 42, 0.1)
    assert (paper.data.window, paper.data.target_offset, paper.data.column) == (30, 2, ("Close",))
    assert (paper.model.units, paper.model.head, paper.train.batch_size) == (512, (256, 128), 8)
    early = paper.factors[1].find("early stopped")
    assert early.changes == {"train.epochs": 100, "train.patience": 3}
    assert next(c for c in paper.claims if c.claim == "LSTM, early stopped, test MSE").report == 86.851


def test_all_problems_of_a_file_are_told_at_once():
    tree = {
        "name": "wrong",
        "model": {"cell": "lstmm", "unit": 3},
        "train": {"learning_rate": "fast"},
        "vary": {"model.units": [8, "many"], "train.epoch": [1], "plan": {"a": {"train.lossy": "mse"}}},
        "metrik": "mse",
        "presets": {"other": {}, "more": {"train": {"epochs": 0}}},
    }
    text = problems(tree, where="w.yaml")
    assert text.startswith("w.yaml:\n")
    for part in [
        "unknown cell 'lstmm': did you mean 'lstm'?",
        "model.unit: unknown setting: did you mean 'units'?",
        "train.learning_rate: input should be a valid number",
        "vary.model.units: model.units: input should be a valid integer",
        "vary.train.epoch: unknown setting: did you mean 'train.epochs'?",
        "vary.plan.a.train.lossy: unknown setting: did you mean 'train.loss'?",
        "metrik: unknown setting: did you mean 'metric'?",
        "in preset more: train.epochs: input should be greater than or equal to 1 (found 0)",
    ]:
        assert part in text
    assert text.count("lstmm") == 1  # the same fault is told once, though every preset has it


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vary": {"model.cell": []}}, "the list of values is empty"),
        ({"vary": {"model.cell": "rnn"}}, "a list of values is expected"),
        ({"vary": {"model.units": [8, 8.0]}}, "vary.model.units: 8 stands twice"),
        ({"vary": {"seed": [1, 2]}}, "write `seeds: 7` beside `vary`"),
        ({"vary": {"plan": {}}}, "has no levels"),
        ({"vary": {"plan": {"a": 3}}}, "settings are expected"),
        ({"vary": {"train.epochs": [1, 2], "plan": {"a": {"train.epochs": 3}}}}, "both change train.epochs"),
        ({"vary": {"split.fold": [7]}}, "fold 7 does not exist"),
        ({"compare": "model.units"}, "compare: 'model.units' is not varied"),
        ({"seeds": 0}, "give 1 to 1000 seeds"),
        ({"seeds": [1, 1]}, "a seed stands twice"),
        ({"seeds": "seven"}, "a number of seeds"),
        ({"seeds": []}, "seeds: "),
        ({"name": "../up"}, "a name is made of letters"),
        ({"metric": "mrse"}, "metric: "),
        ({"claims": [{"claim": "c", "report": 1, "where": {"model.cell": "lstm"}}]}, "model.cell has no level 'lstm'"),
        ({"claims": [{"claim": "c", "report": 1, "where": {"units": 1}}]}, "'units' is not varied"),
        ({"claims": [{"claim": "c", "report": "grru"}]}, "no level 'grru': did you mean 'gru'"),
        ({"task": "paint"}, "task: unknown task 'paint'"),
        ({"task": "generate", "metric": "mse"}, "metric: unknown metric 'mse'"),
        ({"task": "generate", "levels": [80]}, "levels: unknown setting"),
        ({"task": "generate", "within": "memory"}, "within: memory needs memory_contexts"),
        ({"within": "memory"}, "within: "),
        ({"claims": [{"claim": "c", "report": 1, "metric": "carried_accuracy"}]}, "unknown metric 'carried_accuracy'"),
        (by("model.sell", {"rnn": 1, "gru": 2}), "vary.size.fair.model.units: by model.sell: no other factor"),
        (by("model.cell", {"rnn": 1}), "vary.size.fair.model.units: by model.cell: has no value for gru"),
        (by("model.cell", {"rnn": 1, "gru": "many"}), "vary.size.fair: model.units: input should be a valid integer"),
        ({"presets": {"a": 3}}, "settings under a name are expected"),
        ({"presets": ["a"]}, "settings under a name are expected"),
        ({"vary": ["model.cell"]}, "vary: "),
    ],
)
def test_a_wrong_study_is_refused_with_the_reason(change, message):
    assert message in problems({**SMALL, **change})


@pytest.mark.parametrize("tree", [None, [1], "text", 3])
def test_a_file_that_is_no_study_is_refused(tree):
    assert "`name: value` lines" in problems(tree)


def test_an_unknown_preset_names_the_known_ones():
    assert "did you mean 'quick'" in problems({**SMALL, "presets": {"quick": {}}}, preset="quik")
    assert "this study has none" in problems(SMALL, preset="quick")


def test_numbers_that_yaml_reads_as_text_are_numbers():
    study = resolve({**SMALL, "train": {"learning_rate": "1e-4"}, "vary": {"model.input_dropout": ["1e-1", 0]}})
    assert study.train.learning_rate == 1e-4
    assert [level.value for level in study.factors[0].levels] == [0.1, 0.0]
    assert [level.label for level in study.factors[0].levels] == ["input dropout 0.1", "input dropout 0"]


def test_the_study_file_of_the_design_is_read(tmp_path):
    (tmp_path / "GOOG.csv").touch()
    path = tmp_path / "design.yaml"
    path.write_text(
        "name: stocks-cells\n"
        "task: forecast\n"
        "data: {files: [GOOG.csv], column: Close, window: 30, target_offset: 2}\n"
        "split: {kind: chronological, test: 0.2, validation: 0.05}\n"
        "train: {learning_rate: 1e-4, batch_size: 8, epochs: 100, patience: 3}\n"
        "vary: {model.cell: [rnn, gru, lstm], train.loss: [mse, mape]}\n"
        "seeds: 6\n"
    )
    study = load_study(path)
    assert (study.split.test, study.split.validation) == (0.2, 0.05)
    assert study.data.files == (str(tmp_path / "GOOG.csv"),)  # beside the study file, wherever one stands
    assert study.seeds == (0, 1, 2, 3, 4, 5)
    assert study.timing is None


def test_files_given_by_the_user_take_the_place_of_the_studys_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "A.csv").touch()
    assert load_study("stocks-losses", files=["A.csv", "sample:IBM"]).data.files == (
        str(tmp_path / "A.csv"),
        "sample:IBM",
    )


def test_set_changes_settings_factors_and_seeds():
    changes = {
        "model.units": "8",
        "train.learning_rate": "1e-2",
        "seeds": 3,
        "vary.model.cell": "[gru, lstm]",
        "timing": False,
        "budget.parameters": "5000",
    }
    study = load_study("stocks-cells", set=changes)
    assert (study.model.units, study.train.learning_rate, study.seeds, study.timing) == (8, 0.01, (0, 1, 2), None)
    assert [level.value for level in study.factors[0].levels] == ["gru", "lstm"]
    assert study.budget.parameters == 5000


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model.unit": 8}, "model.unit: unknown setting: did you mean 'model.units'"),
        ({"model.cell": "gru"}, "is varied by this study; change the factor itself: vary.model.cell=..."),
        ({"train.epochs": 2}, "is varied by this study; change the factor itself: vary.schedule=..."),
        ({"seed": 3}, "seed: unknown setting: did you mean 'seeds'"),
        ({"model.units": "[8"}, "model.units: line 1, column 3"),
    ],
)
def test_a_change_that_would_do_nothing_is_refused(changes, message):
    with pytest.raises(SettingsError) as caught:
        load_study("stocks-cells", set=changes)
    assert message in str(caught.value)


def test_an_unknown_study_names_the_nearest():
    with pytest.raises(SettingsError, match="did you mean 'stocks-cells'"):
        load_study("stock-cells")
    with pytest.raises(SettingsError, match=r"gone\.yaml: cannot be read"):
        load_study("gone.yaml")
    with pytest.raises(SettingsError, match="unknown study"):
        study_text("../file")


def test_a_study_survives_its_own_json():
    for study in list_studies():
        loaded = load_study(study["name"])
        assert type(loaded).model_validate(loaded.model_dump(mode="json")) == loaded


trees = st.recursive(
    st.integers() | st.none() | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
mappings = st.dictionaries(st.sampled_from("abc"), trees, max_size=3)


@settings(deadline=None, max_examples=60)
@given(mappings, mappings)
def test_merging_keeps_what_only_one_has_and_takes_the_upper_where_both_have(under, over):
    joined = merge(under, over)
    assert set(joined) == set(under) | set(over)
    for key, value in joined.items():
        if key not in over:
            assert value == under[key]
        elif key not in under or not (isinstance(under[key], dict) and isinstance(over[key], dict)):
            assert value == over[key]
        else:
            assert value == merge(under[key], over[key])


def test_an_empty_study_file_is_said_to_hold_nothing(tmp_path):
    (tmp_path / "mine.yaml").write_text("# nothing yet\n")
    with pytest.raises(SettingsError, match=r"mine\.yaml: a study file is a list of .* found nothing"):
        load_study(tmp_path / "mine.yaml")
