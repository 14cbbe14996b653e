"""No setting of classification without effect: each is read by the code that does the work."""

import sys

import numpy as np
import polars as pl
import pytest

from class_samples import QUICK, labelled_texts
from encoder_folders import make_encoder
from gatewise.settings import ClassifySettings, flat_fields
from gatewise.settings.base import RunSettings, Settings
from gatewise.tasks.classify.run import run_classify

#: What a run is called, and which job it is: not read by the work itself.
_ELSEWHERE = {"name", "task"}


@pytest.fixture(scope="module")
def reads(tmp_path_factory):
    """Return every (kind of settings, field) that was read outside the settings' own code, over a few small runs."""
    place = tmp_path_factory.mktemp("reads")
    texts, labels = labelled_texts(90)
    frame = pl.DataFrame({"text": texts, "label": labels, "person": [f"p{row // 2}" for row in range(90)]})
    frame = frame.with_columns(part=pl.Series(["train"] * 60 + ["validation"] * 15 + ["test"] * 15))
    frame = frame.with_columns(**{f"v{one}": np.eye(3, dtype=int)[labels][:, one] for one in range(3)})
    frame.write_csv(place / "t.csv")
    (place / "vectors.txt").write_text("red 1 0\nblue 0 1\n")
    base = {**QUICK, "files": [str(place / "t.csv")], "votes": ["v0", "v1", "v2"]}
    encoder = {"encoder": str(make_encoder(place / "bert")), "baselines": ["encoder_logistic"]}
    runs = [
        {**base, "near_duplicates": "together", "group": "person", "harmless": "0", "terms": ["cat"], "train_size": 30},
        {**base, "loss": "focal", "split": "folds", "fairness": "person", "vectors": str(place / "vectors.txt")},
        {**base, "split_column": "part", "loss": "logit_adjusted", "wanted_recall": {"1": 0.5}},
        {**base, **encoder, "optimizer": "sgd"},
        {**base, **encoder, "tune_layers": 1},
    ]
    found = set()
    plain_get, plain_at = Settings.__getattribute__, RunSettings.at

    def get(self, name):
        if not sys._getframe(1).f_globals["__name__"].startswith(("gatewise.settings", "pydantic")):
            found.add((type(self), name))
        return plain_get(self, name)

    def at(self, path):
        found.add(path)
        return plain_at(self, path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATEWISE_CACHE", str(place / "cache"))
        patch.setattr(Settings, "__getattribute__", get)
        patch.setattr(RunSettings, "at", at)
        for number, flat in enumerate(runs):
            run_classify(ClassifySettings.from_flat(flat), place / f"run{number}" if not number else None)
    return found


@pytest.mark.parametrize("path", sorted(set(flat_fields(ClassifySettings).values()) - _ELSEWHERE))
def test_a_setting_is_read(path, reads):
    room, _, field = path.rpartition(".")
    settings = ClassifySettings()
    owner = type(settings.at(room) if room else settings)
    assert path in reads or (owner, field) in reads
