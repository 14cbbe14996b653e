import pytest

from gatewise.errors import InputError
from gatewise.studies.edited import check_edits
from gatewise.studies.file import resolve
from gatewise.studies.folder import StudyFolder
from gatewise.studies.plan import plan_study

SMALL = {"name": "small", "data": {"files": ["sample:A"]}, "vary": {"model.cell": ["rnn", "gru"]}, "seeds": 2}


def plan(digest="digest", **tree):
    return plan_study(resolve({**SMALL, **tree}), lambda data: digest)


@pytest.fixture
def place(tmp_path):
    place = StudyFolder(tmp_path / "s")
    with place.lock():
        place.write_study(plan().to_json())
    return place


def test_the_same_study_goes_on_without_a_word(place, tmp_path):
    assert check_edits(place, plan()) == ()
    assert check_edits(StudyFolder(tmp_path / "new"), plan()) == ()


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"seeds": 5}, "seeds: 2 before, 5 now"),
        ({"vary": {"model.cell": ["rnn", "gru", "lstm"]}}, "model.cell: lstm is new"),
        ({"vary": {"model.cell": ["gru"]}}, "model.cell: rnn is no longer there"),
        ({"vary": {**SMALL["vary"], "model.units": [4, 8]}}, "model.units: is varied now"),
        ({"metric": "mae"}, "metric: mse before, mae now"),
    ],
)
def test_what_only_adds_or_leaves_out_goes_on_and_is_said(place, tree, said):
    assert check_edits(place, plan(**tree)) == (said,)


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"name": "other"}, "name: 'small' there, 'other' here"),
        ({"task": "generate"}, "task: 'forecast' there, 'generate' here"),
        ({"train": {"epochs": 3}}, "train.epochs: 100 there, 3 here"),
        ({"budget": {"epochs": 3}}, "budget: None there, {'epochs': 3"),
        ({"digest": "other"}, "data: their content has changed, so 4 runs are of other data than before"),
        ({"seeds": {"initialisation": 2}}, "seeds: other kinds of chance"),
    ],
)
def test_what_makes_runs_train_again_is_refused_until_asked_for(place, tree, said):
    edited = plan(**tree)
    with pytest.raises(InputError) as caught:
        check_edits(place, edited)
    assert f"  {said}" in str(caught.value)
    assert "--yes" in str(caught.value)
    assert any(line.startswith(said) for line in check_edits(place, edited, yes=True))


def test_a_level_that_means_other_settings_is_seen(place):
    groups = {"short": {"train.epochs": 3}, "long": {"train.epochs": 9}}
    with place.lock():
        place.write_study(plan(vary={"plan": groups}).to_json())
    with pytest.raises(InputError, match="short: the same name for other settings"):
        check_edits(place, plan(vary={"plan": {**groups, "short": {"train.epochs": 4}}}))


def test_data_that_moved_and_are_the_same_are_no_edit(place):
    assert check_edits(place, plan(data={"files": ["elsewhere/A.csv"]})) == ()


def test_results_of_another_version_are_seen(place, monkeypatch):
    monkeypatch.setattr("gatewise.settings.base.RESULTS_VERSION", 999)
    with pytest.raises(InputError, match="this version gives these settings other results"):
        check_edits(place, plan())


@pytest.mark.parametrize("digests", [None, ["digest"]])
def test_a_study_of_a_version_that_kept_no_digests_goes_on(place, digests):
    with place.lock():
        place.write_study({**plan().to_json(), "digests": digests})
    assert check_edits(place, plan()) == ()


@pytest.mark.parametrize("part", ["study", "factors", "seeds", "runs"])
def test_a_study_that_cannot_be_read_is_refused(place, part):
    with place.lock():
        place.write_study({**plan().to_json(), part: "spoilt"})
    with pytest.raises(InputError, match=rf"study\.json: its '{part}' cannot be read: choose another folder"):
        check_edits(place, plan(), yes=True)
