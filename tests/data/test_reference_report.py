"""The reference report on the real data: what is found there, and two of its parts trained for a moment."""

import os
from dataclasses import replace
from functools import partial

import pytest

from gatewise.report import make_report
from gatewise.studies import run_study
from gatewise.studies.bundle import load_bundle, plan_bundle, run_bundle

FOLDER = os.environ.get("GATEWISE_DATA", "")
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not FOLDER, reason="GATEWISE_DATA does not name the folder of real data"),
]
TINY = {
    "stocks-losses.seeds": 2, "stocks-losses.model.units": 4, "stocks-losses.model.head": [4],
    "stocks-losses.train.epochs": 1, "stocks-losses.train.batch_size": 256,
    "text-learning-rate.seeds": 2, "text-learning-rate.model.units": 4, "text-learning-rate.model.head": [4],
    "text-learning-rate.train.epochs": 1, "text-learning-rate.data.stride": 20000,
    "text-learning-rate.baselines": ["uniform", "unigram"],
}  # fmt: skip


@pytest.mark.timeout(200)
def test_prices_and_tweets_are_the_report_s_own_and_the_text_is_not():
    bundle = load_bundle("reference-report", preset="paper", data=FOLDER)
    parts = {part.name: part for part in bundle.parts}
    assert (parts["stocks-cells"].stand_in, parts["stocks-cells"].no_figures) == ("", "")
    assert (parts["tweets-encoders"].stand_in, parts["tweets-encoders"].no_figures) == ("", "")
    assert "cannot be shared" in parts["text-cells"].no_figures
    planned = {one.part.name: one for one in plan_bundle(bundle)}
    assert len(planned["stocks-cells"].plan.runs) == 84


@pytest.mark.timeout(200)
def test_two_parts_are_trained_judged_and_shown(tmp_path):
    bundle = load_bundle("reference-report", data=FOLDER, set=TINY)
    parts = tuple(part for part in bundle.parts if part.name in ("stocks-losses", "text-learning-rate"))
    out = run_bundle(replace(bundle, parts=parts), tmp_path / "out", partial(run_study, jobs=1))
    assert out["failed"] == []
    assert {claim["part"] for claim in out["claims"]} == {"stocks-losses", "text-learning-rate"}
    assert all("in direction only" in claim["why"] for claim in out["claims"])
    figures = [claim for part in out["parts"] for claim in part["claims"] if claim["kind"] == "figure"]
    assert len(figures) == 12
    assert {claim["verdict"] for claim in figures} == {"not comparable"}
    assert all(claim["ours"] is not None for claim in figures)
    page = make_report(tmp_path / "out").read_text()
    assert page.count('class="claim"') == 2
    assert "another text than the report" in page
