"""The tweets of Davidson et al. 2017: what is read, cleaned and divided, against what their table and the report say."""

import os
from pathlib import Path

import numpy as np
import pytest

from gatewise.data.labelled import near_duplicates, read_labelled, split_labelled
from gatewise.settings import ClassifyDataSettings, ClassifySplitSettings

FOLDER = os.environ.get("GATEWISE_DATA", "")
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not FOLDER, reason="GATEWISE_DATA does not name the folder of real data"),
]


@pytest.fixture(scope="module")
def tweets():
    return read_labelled(
        ClassifyDataSettings(
            files=str(Path(FOLDER) / "davidson_labeled_data.csv"),
            names={"0": "hate", "1": "offensive", "2": "neither"},
            votes=("hate_speech", "offensive_language", "neither"),
            cleaning="report",
        )
    )


def test_rows_and_classes(tweets):
    assert len(tweets) == 24_783
    assert (tweets.columns.text, tweets.columns.label) == ("tweet", "class")
    assert dict(zip(tweets.classes, tweets.counts().tolist(), strict=True)) == {
        "hate": 1_430, "offensive": 19_190, "neither": 4_163,
    }  # fmt: skip
    unanimous = tweets.votes.max(axis=1) == tweets.votes.sum(axis=1)
    assert unanimous.mean() == pytest.approx(0.705, abs=5e-4)
    assert (unanimous & (tweets.labels == 0)).sum() == 263
    assert sum("\n" in text for text in tweets.texts) == 917


def test_nothing_of_a_name_link_or_entity_is_left(tweets):
    assert not any("http" in text or "&" in text or "#" in text or '"' in text for text in tweets.clean)
    assert sum("@" in text for text in tweets.clean) < 60  # @ that stands alone
    assert not any(text != text.lower() for text in tweets.clean)


def test_the_report_split(tweets):
    kept = ClassifySplitSettings(kind="random", seed=42)
    assert split_labelled(tweets, kept).sizes() == {"train": 15_613, "validation": 1_735, "test": 7_435}


def test_near_duplicates_are_on_one_side(tweets):
    groups = near_duplicates(tweets.texts)
    sizes = np.bincount(groups)
    assert 272 <= (sizes[sizes > 1] - 1).sum() < 1_500
    split = split_labelled(tweets)
    for one in (split.train, split.validation):
        assert not set(groups[one].tolist()) & set(groups[split.test].tolist())
    for rows in split.parts().values():
        assert np.abs(np.bincount(tweets.labels[rows]) / len(rows) - tweets.counts() / len(tweets)).max() < 0.002
