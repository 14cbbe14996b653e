"""A small run on the tweets of Davidson et al. 2017 is better than always saying the commonest class."""

import os
from pathlib import Path

import pytest

from gatewise.settings import ClassifySettings
from gatewise.tasks.classify import run_classify

FOLDER = os.environ.get("GATEWISE_DATA", "")
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not FOLDER, reason="GATEWISE_DATA does not name the folder of real data"),
]


@pytest.mark.timeout(60)
def test_1500_tweets_teach_more_than_the_commonest_class():
    settings = ClassifySettings.from_flat(
        {
            "files": [str(Path(FOLDER) / "davidson_labeled_data.csv")], "text": "tweet", "label": "class",
            "encoder": "words", "units": 32, "embedding": 48, "head": (64,), "train_size": 1500, "explained": 0,
            "epochs": 3, "least_steps": 0, "baselines": ("majority",), "threads": 1, "near_duplicates": "apart",
        }
    )  # fmt: skip
    result = run_classify(settings, None)
    assert result["sizes"]["train"] == 1500
    assert (result["verdict"]["against"], result["verdict"]["says"]) == ("majority", "better")
    assert result["metrics"]["test"]["accuracy"] > result["baselines"]["majority"]["test"]["accuracy"]
    assert result["metrics"]["test"]["f1_macro"] > 0.4
