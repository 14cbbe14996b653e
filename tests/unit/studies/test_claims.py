"""Every kind of claim with every verdict, on numbers whose answer is plain."""

from pathlib import Path

import pytest

from gatewise.errors import SettingsError
from gatewise.settings import parse
from gatewise.studies.claims import judge
from gatewise.studies.claims_ground import Ground
from gatewise.studies.claims_settings import Claim
from gatewise.studies.file import resolve
from gatewise.studies.levels import LevelResults
from gatewise.studies.rules import Rules
from gatewise.wording import say, speaking
from gatewise.yaml12 import parse_yaml

#: Small, uneven steps from seed to seed, the same for every level: seeds are paired.
STEPS = (0.0, 0.3, -0.2, 0.5, 0.1, -0.4, 0.2, -0.5, 0.3)
#: Steps of one level alone: what is about equal is then told apart by nothing.
NOISE = (0.4, -0.3, 0.1, -0.2, 0.3, -0.1, -0.2, 0.1, -0.1)


def level(name, mse, *, noise=0.0, seeds=9, accuracy=0.5, timed=(), last=90.0, factor="optimizer", f1=0.3):
    results = {
        seed: {
            "metrics": {"test": {"mse": mse + STEPS[seed] + noise * NOISE[seed], "accuracy": accuracy}},
            "baselines": {"last_value": {"test": {"mse": last}}},
            "per_class": {"test": {"hate": {"f1": f1}}},
        }
        for seed in range(seeds)
    }
    made = LevelResults(name, {factor: name}, dict.fromkeys(results, "run"), results)
    if timed:
        made.timing = {"exclusive": True}
        made.timing_log = [{"seconds": seconds, "step_ms_median": 10 * seconds} for seconds in timed]
    return made


LEVELS = [
    level("adagrad", 80.0, timed=(9.0, 1.0, 1.1, 0.9)),
    level("adam", 100.0, timed=(9.0, 2.0, 2.1, 1.9)),
    level("rmsprop", 120.0, timed=(9.0, 4.0, 4.1, 3.9)),
    level("twin", 100.0),
    level("near", 100.0, noise=0.5),
]
GONE = {"label": "gone", "levels": {"optimizer": "gone"}, "runs": 9, "of": 9}


def verdict(claim, *, levels=LEVELS, diverged=(GONE,), **more):
    return judge(parse(Claim, claim), Ground(levels, "optimizer", "mse", diverged, **more))


def one(name):
    return {"optimizer": name}


CLAIMS = [
    ({"report": 80.2, "where": one("adagrad")}, "holds"),
    ({"report": [70.0, 81.0], "where": one("adagrad")}, "holds"),
    ({"report": 90.0, "where": one("adagrad")}, "does not hold"),
    ({"report": 90.0, "where": one("sgd")}, "not comparable"),
    ({"report": 90.0, "where": one("gone")}, "not comparable"),
    ({"report": "adagrad"}, "holds"),
    ({"report": "rmsprop"}, "does not hold"),
    ({"report": "sgd"}, "not comparable"),
    ({"order": ["adagrad", "adam", "rmsprop"]}, "holds"),
    ({"order": ["adagrad", "adam", "gone"]}, "holds"),
    ({"order": ["gone", "adam"]}, "does not hold"),
    ({"order": ["adagrad", "rmsprop", "adam"]}, "does not hold"),
    ({"order": ["adagrad", "adam", "near"]}, "undecided"),
    ({"order": ["adagrad", "sgd"]}, "not comparable"),
    ({"better": one("adagrad"), "than": one("adam")}, "holds"),
    ({"better": one("adam"), "than": one("adagrad")}, "does not hold"),
    ({"better": one("adam"), "than": one("near")}, "undecided"),
    ({"better": one("adam"), "than": one("twin")}, "undecided"),
    ({"better": one("adam"), "than": one("gone")}, "holds"),
    ({"better": one("gone"), "than": one("gone")}, "undecided"),
    ({"better": one("adagrad"), "than": {"baseline": "last_value"}}, "holds"),
    ({"better": one("adam"), "than": {"baseline": "last_value"}}, "does not hold"),
    ({"better": {"baseline": "last_value"}, "than": one("adam"), "where": one("adam")}, "holds"),
    ({"better": one("adam"), "than": {"baseline": "ridge"}}, "not comparable"),
    ({"as_good": one("adam"), "than": one("near"), "margin": 1.0}, "holds"),
    ({"as_good": one("adam"), "than": one("twin"), "margin": 1e-9}, "holds"),
    ({"as_good": one("adam"), "than": one("adagrad"), "margin": 5.0}, "does not hold"),
    ({"as_good": one("adagrad"), "than": one("adam"), "margin": 1.0}, "holds"),
    ({"as_good": one("near"), "than": one("adam"), "margin": 0.05}, "undecided"),
    ({"as_good": one("gone"), "than": one("adam"), "margin": 1.0}, "does not hold"),
    ({"as_good": one("adam"), "than": one("gone"), "margin": 1.0}, "holds"),
    ({"as_good": one("gone"), "than": one("gone"), "margin": 1.0}, "undecided"),
    ({"as_good": {"baseline": "last_value"}, "than": one("gone"), "where": one("gone"), "margin": 1.0}, "holds"),
    ({"better": one("gone"), "than": {"baseline": "last_value"}}, "does not hold"),
    ({"ratio": one("rmsprop"), "over": one("adagrad"), "least": 1.4}, "holds"),
    ({"ratio": one("rmsprop"), "over": one("adagrad"), "most": 1.4}, "does not hold"),
    ({"ratio": one("near"), "over": one("adam"), "least": 1.0}, "undecided"),
    ({"ratio": one("rmsprop"), "over": one("adam"), "metric": "seconds_per_epoch", "least": 1.5}, "holds"),
    ({"ratio": one("adagrad"), "over": one("adam"), "metric": "ms_per_step", "least": 1.0}, "does not hold"),
    ({"ratio": one("twin"), "over": one("adam"), "metric": "ms_per_step", "least": 1.0}, "not comparable"),
    ({"where": one("adam"), "most": 101.0}, "holds"),
    ({"where": one("adam"), "most": 99.0}, "does not hold"),
    ({"where": one("adam"), "least": 100.0}, "undecided"),
    ({"where": one("adam"), "metric": "f1", "of_class": "hate", "least": 0.2, "most": 0.4}, "holds"),
    ({"all": [{"report": "adagrad"}, {"where": one("adam"), "most": 101.0}]}, "holds"),
    ({"all": [{"report": "adagrad"}, {"where": one("adam"), "least": 100.0}]}, "undecided"),
    ({"all": [{"report": "sgd"}, {"where": one("adam"), "least": 100.0}]}, "not comparable"),
    ({"all": [{"report": "sgd"}, {"report": "rmsprop"}]}, "does not hold"),
]


@pytest.mark.parametrize(("claim", "expected"), CLAIMS, ids=[str(claim) for claim, _ in CLAIMS])
def test_every_kind_of_claim_has_every_verdict_and_a_reason(claim, expected):
    judged = verdict({"claim": "it is so", **claim})
    assert (judged["claim"], judged["verdict"]) == ("it is so", expected)
    assert judged["why"].endswith(".")
    with speaking("fa"):
        assert verdict({"claim": "it is so", **claim})["why"] != judged["why"]


def test_the_numbers_and_the_interval_of_the_pair_that_decided_are_told():
    judged = verdict({"order": ["adagrad", "adam", "rmsprop"]})
    assert judged["ours"] == "adagrad 80.03; adam 100; rmsprop 120"
    assert judged["interval"] == pytest.approx([-20.0, -20.0])
    assert "adagrad is better than adam" in judged["why"]
    assert "p is 0.0117 after Holm's correction, 9 seeds." in judged["why"]  # three times 2 / 2^9
    wrong = verdict({"order": ["rmsprop", "adam"]})
    assert (wrong["interval_of"], wrong["interval"]) == ("rmsprop less adam", pytest.approx([20.0, 20.0]))
    assert "rmsprop is worse than adam" in wrong["why"]


def test_an_order_that_is_wrong_in_part_says_which_part_is_right():
    judged = verdict({"order": ["adagrad", "rmsprop", "adam"]})
    assert judged["verdict"] == "does not hold"
    assert "The tests decide against it: rmsprop is worse than adam. p is" in judged["why"]
    assert "Shown: adagrad is better than rmsprop; adagrad is better than adam." in judged["why"]
    nearly = verdict({"order": ["adagrad", "adam", "near"]})
    assert nearly["verdict"] == "undecided"
    assert "Shown: adagrad is better than adam; adagrad is better than near." in nearly["why"]


def test_the_test_and_the_level_are_those_of_the_study():
    four = [level("adagrad", 80.0, noise=0.5, seeds=4), level("adam", 100.0, seeds=4)]
    claim = {"better": one("adagrad"), "than": one("adam")}
    assert verdict(claim, levels=four)["verdict"] == "undecided"  # 2 / 2^4
    assert verdict(claim, levels=four, rules=Rules("t"))["verdict"] == "holds"
    assert verdict(claim)["verdict"] == "holds"  # 2 / 2^9
    assert verdict(claim, rules=Rules(alpha=0.001))["verdict"] == "undecided"


@pytest.mark.parametrize(
    "claim",
    [
        {"ratio": one("near"), "over": one("adam"), "least": 1.0005},
        {"as_good": one("near"), "than": one("adam"), "margin": 0.05},
        {"where": one("adam"), "least": 100.0},
    ],
)
def test_an_interval_with_a_border_inside_says_how_many_seeds_would_take_it_off(claim):
    judged = verdict(claim)
    assert judged["verdict"] == "undecided"
    assert judged["seeds_needed"] > judged["seeds"] == 9
    assert f"{judged['seeds_needed']} seeds would decide" in judged["why"] or judged["seeds_needed"] > 100


def test_a_time_says_on_how_many_epochs_it_rests():
    claim = {"ratio": one("rmsprop"), "over": one("adam"), "metric": "seconds_per_epoch", "least": 1.5}
    assert "Each side has 3 timed epochs or more." in verdict(claim)["why"]


def test_undecided_says_how_many_seeds_would_decide():
    few = [level(name, mse, seeds=3) for name, mse in (("adagrad", 80.0), ("adam", 100.0))]
    judged = verdict({"better": one("adagrad"), "than": one("adam")}, levels=few)
    assert (judged["verdict"], judged["seeds"], judged["seeds_needed"]) == ("undecided", 3, 6)
    assert "Not told apart with 3 seeds: adagrad and adam. About 6 seeds would decide." in judged["why"]
    same = verdict({"better": one("adam"), "than": one("twin")})
    assert same["seeds_needed"] is None
    assert "Every seed gave both the same number" in same["why"]


@pytest.mark.parametrize(
    "claim",
    [
        {"report": 80.0, "where": one("adagrad")},
        {"as_good": one("adagrad"), "than": one("adam"), "margin": 100.0},
        {"ratio": one("adagrad"), "over": one("adam"), "most": 100.0},
        {"where": one("adagrad"), "most": 1000.0},
        {"better": one("adagrad"), "than": one("adam")},
    ],
)
def test_one_seed_is_never_a_result(claim):
    alone = [level(name, mse, seeds=1) for name, mse in (("adagrad", 80.0), ("adam", 100.0))]
    assert verdict(claim, levels=alone)["verdict"] == "undecided"


def test_figures_need_the_report_s_own_settings_and_directions_do_not():
    claim, order = {"report": 80.2, "where": one("adagrad")}, {"better": one("adagrad"), "than": one("adam")}
    why = {"no_figures": "Small networks.", "stand_in": "another text"}
    judged = verdict(claim, **why)
    assert (judged["verdict"], judged["why"]) == ("not comparable", "Small networks.")
    assert judged["ours"] == pytest.approx(80.03, abs=0.01)
    assert verdict({**claim, "figures": False}, **why)["verdict"] == "holds"
    assert verdict({**order, "figures": True}, **why)["verdict"] == "not comparable"
    told = verdict(order, **why)
    assert told["verdict"] == "holds"
    assert told["why"].endswith("Comparable in direction only: another text.")


def test_times_of_a_machine_that_had_other_work_tell_nothing():
    busy = [level("adagrad", 80.0, timed=(9.0, 1.0, 1.1, 4.0)), level("adam", 100.0, timed=(9.0, 20.0, 21.0, 19.0))]
    claim = {"ratio": one("adam"), "over": one("adagrad"), "metric": "ms_per_step", "least": 1.0}
    judged = verdict(claim, levels=busy)
    assert judged["verdict"] == "undecided"
    assert "the machine had other work" in judged["why"]


def test_a_class_that_the_data_do_not_have_is_no_run_that_is_missing():
    spam = {"metric": "f1", "of_class": "spam", "least": 0.2}
    assert verdict({**spam, "where": one("adam")})["why"] == "No run of ours is about it."
    assert verdict({**spam, "where": one("sgd")})["why"] == "Not run here: sgd."


def test_what_was_left_out_is_told_with_its_reason():
    judged = verdict({"report": 1.0, "where": one("BERT")}, absent={"BERT": "BERT is not on this machine."})
    assert (judged["verdict"], judged["why"]) == ("not comparable", "BERT is not on this machine.")


def test_sentences_of_a_claim_follow_the_language():
    claim = {
        "claim": {"en": "best", "fa": "بهترین"},
        "report": "adagrad",
        "why": {"en": "So it is.", "fa": "چنین است."},
    }
    assert (verdict(claim)["claim"], verdict(claim)["why"][-9:]) == ("best", "So it is.")
    with speaking("fa"):
        judged = verdict(claim)
        assert judged["claim"] == "بهترین"
        assert judged["why"].endswith("چنین است.")
        assert say("claims.verdict.holds") == "برقرار است"
        assert judged["verdict"] == "holds"  # the word of the file is the same in every language


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ({"claim": "c"}, "give the figure that is printed"),
        ({"claim": "c", "better": one("adam")}, "better needs than"),
        ({"claim": "c", "as_good": one("adam"), "than": one("twin")}, "as_good needs margin"),
        ({"claim": "c", "ratio": one("adam"), "over": one("twin")}, "ratio needs least or most"),
        ({"claim": "c", "order": ["adam"]}, "order needs two levels"),
        ({"claim": "c", "order": ["adam", "sgd"], "better": one("adam"), "than": one("sgd")}, "is of one kind"),
        ({"claim": "c", "report": 3.0, "metric": "seconds_per_epoch"}, "give a ratio of two of them"),
        ({"claim": {"fa": "c"}, "report": 3.0}, "in each language"),
    ],
)
def test_half_a_claim_is_refused(claim, said):
    with pytest.raises(SettingsError, match=said):
        parse(Claim, claim)


def test_a_claim_about_what_a_study_does_not_have_is_refused_all_at_once():
    claims = [
        {"claim": "a", "report": 1.0, "where": {"model.cell": "gr"}},
        {"claim": "b", "better": {"model.sell": "gru"}, "than": {"model.cell": "rnn"}},
        {"claim": "c", "order": ["gru", "lstm"]},
        {"claim": "d", "all": [{"report": "lstm"}]},
        {"claim": "e", "report": 1.0, "part": "other"},
        {"claim": "f", "report": "gru", "factor": "model.units"},
    ]
    tree = {"name": "s", "data": {"files": ["sample:A"]}, "vary": {"model.cell": ["rnn", "gru"]}, "claims": claims}
    with pytest.raises(SettingsError) as told:
        resolve(tree)
    said = str(told.value)
    for line in (
        "claims.0.where: model.cell has no level 'gr': did you mean 'gru'?",
        "claims.1.better: 'model.sell' is not varied: did you mean 'model.cell'?",
        "claims.2.order: model.cell has no level 'lstm'",
        "claims.3.report: model.cell has no level 'lstm'",
        "claims.4.part: only a study made of studies has parts",
        "claims.5.factor: 'model.units' is not varied",
    ):
        assert line in said


def test_the_claims_of_the_documentation_are_such():
    text = (Path(__file__).resolve().parents[3] / "docs" / "studies.md").read_text(encoding="utf-8")
    block = text.split("## What a report states")[1].split("```yaml\n")[1].split("```")[0]
    claims = parse_yaml(block)["claims"]
    vary = {"model.cell": ["rnn", "gru", "lstm"]}
    study = resolve({"name": "s", "data": {"files": ["sample:A"]}, "vary": vary, "claims": claims})
    assert [claim.kind for claim in study.claims] == [
        "figure", "best", "order", "better", "better", "as_good", "ratio", "limit",
    ]  # fmt: skip
