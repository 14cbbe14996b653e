"""What a study file says of deciding: reference, margin, test, level; and what stands beside each decision."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gatewise.errors import SettingsError
from gatewise.studies import effects, paired_tests, power
from gatewise.studies import statistics as s
from gatewise.studies.compare import compare_study
from gatewise.studies.file import resolve
from gatewise.studies.plan import plan_study
from gatewise.studies.rules import read_margin
from study_samples import STEPS, make, rows_of

VARY = {"model.cell": ["rnn", "gru", "lstm"]}


def study(**tree):
    return resolve({"name": "small", "data": {"files": ["sample:A"]}, "vary": VARY, **tree})


# ---- tests of pairs


@pytest.mark.parametrize("side", ["both", "above", "below"])
@pytest.mark.parametrize("n", [3, 6, 10])
def test_one_and_two_sided_tests_are_those_of_scipy(n, side):
    d = np.random.default_rng(n).normal(0.4, size=n)
    other = {"both": "two-sided", "above": "greater", "below": "less"}[side]
    t = stats.ttest_1samp(d, 0.0, alternative=other).pvalue
    assert paired_tests.t_test(d, side=side) == pytest.approx(t, rel=1e-9)
    w = stats.wilcoxon(d, alternative=other, method="exact").pvalue
    assert paired_tests.wilcoxon_test(d, side=side) == pytest.approx(w, rel=1e-9)
    p = stats.permutation_test((d,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative=other).pvalue
    assert paired_tests.sign_flip_test(d, side=side) == pytest.approx(p, rel=1e-9)


def test_wilcoxons_own_example():
    # Hollander & Wolfe, depression scores of nine patients before and after tranquilizers: T+ = 5, R: p = 0.03906.
    before = np.array([1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30])
    after = np.array([0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29])
    assert paired_tests.wilcoxon_test(before - after) == pytest.approx(0.0390625)
    assert paired_tests.wilcoxon_test(before - after, side="above") == pytest.approx(0.01953125)


def test_wilcoxon_leaves_out_zeros_and_takes_ties():
    assert paired_tests.wilcoxon_test([0.0, 0.0, 1.0, 2.0, 3.0]) == paired_tests.wilcoxon_test([1.0, 2.0, 3.0]) == 0.25
    assert paired_tests.wilcoxon_test([0.0, 0.0]) == 1.0
    assert paired_tests.wilcoxon_test([1.0, 1.0, 1.0, -1.0]) == 10 / 16


def test_student_slept():
    # Student (1908), sleep gained by one drug over another: t = 4.0621, p = 0.002833.
    d = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]
    assert paired_tests.t_test(d) == pytest.approx(0.002833, abs=1e-6)
    assert paired_tests.t_test([2.0, 2.0]) == 0.0
    assert paired_tests.t_test([0.0, 0.0]) == paired_tests.t_test([5.0]) == 1.0
    assert paired_tests.t_test([-2.0, -2.0], side="above") == 1.0


samples = st.lists(st.floats(-1e3, 1e3).filter(lambda x: x == 0 or abs(x) > 1e-3), min_size=2, max_size=8)


@settings(deadline=None, max_examples=60)
@given(samples, st.sampled_from(list(paired_tests.TESTS)), st.floats(1e-2, 1e2))
def test_swapping_and_scaling_change_no_test(d, name, scale):
    run = paired_tests.TESTS[name]
    assert run([-x for x in d]) == pytest.approx(run(d))
    assert run([-x for x in d], side="above") == pytest.approx(run(d, side="below"))
    assert run([x * scale for x in d]) == pytest.approx(run(d), rel=1e-6)
    same = paired_tests.equivalence_test(d, 10.0, test=name)
    assert paired_tests.equivalence_test([-x for x in d], 10.0, test=name) == pytest.approx(same)
    assert paired_tests.equivalence_test([x * scale for x in d], 10.0 * scale, test=name) == pytest.approx(
        same, rel=1e-6
    )
    assert paired_tests.equivalence_test(d, 20.0, test=name) <= same + 1e-12


def test_equivalence_by_t_is_the_90_percent_interval():
    d = np.random.default_rng(4).normal(0.1, 1.0, 30)
    low, high = stats.ttest_1samp(d, 0.0).confidence_interval(0.90)
    edge = max(-low, high)
    assert paired_tests.equivalence_test(d, edge, test="t") == pytest.approx(0.05, rel=1e-6)


def test_equivalence_of_students_sleep():
    # statsmodels 0.15: ttost_paired(d, 0, -2.5, 2.5)
    d = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]
    assert paired_tests.equivalence_test(d, 2.5, test="t") == pytest.approx(0.021116860246500745)


# ---- power


@pytest.mark.parametrize(("effect", "seeds", "comparisons"), [(1.43, 6, 1), (1.62, 7, 3), (1.45, 8, 3), (1.49, 9, 6)])
def test_power_of_the_exact_test_is_what_simulated_studies_show(effect, seeds, comparisons):
    d = np.random.default_rng(1).normal(effect, size=(1500, seeds))
    found = np.mean([paired_tests.sign_flip_test(row) <= 0.05 / comparisons for row in d])
    assert power.paired_power(effect, seeds, 0.05 / comparisons) == pytest.approx(found, abs=0.04)


def test_power_knows_no_nan_and_less_than_the_least_seeds_decide_nothing():
    # SciPy's own noncentral t gives nan for the far tail here.
    assert power.paired_t_power(2.769138922812708, 10) == pytest.approx(1.0, abs=1e-6)
    assert power.paired_power(9.0, 5, 0.05) == 0.0
    assert power.paired_power(9.0, 5, 0.05, "t") > 0.99
    for test in paired_tests.TESTS:
        effect = power.effect_for_seeds(8, comparisons=3, test=test)
        assert power.paired_power(effect, 8, 0.05 / 3, test) == pytest.approx(0.8, abs=0.01)
        assert power.seeds_for_effect(effect * 1.001, comparisons=3, test=test) == 8
    assert power.seeds_needed(3, test="t") == 2
    assert power.seeds_needed(3, alpha=0.1) == 6


# ---- effect sizes


def test_intervals_of_an_effect_are_those_of_statsmodels():
    # statsmodels 0.15: _noncentrality_t(d_z * sqrt(n), n - 1, 0.05).confint / sqrt(n)
    assert effects.d_z_interval(0.5, 20) == pytest.approx((0.028365488, 0.960038860), abs=1e-6)
    assert effects.d_z_interval(-1.3, 7) == pytest.approx((-2.305849794, -0.242734716), abs=1e-6)
    assert effects.d_z_interval(0.0, 5) == pytest.approx((-0.876522539, 0.876522541), abs=1e-6)


def test_cliffs_delta_by_hand():
    # Of 12 pairs 9 above, 2 below, 1 tie.
    assert effects.cliffs_delta([3.0, 5.0, 7.0], [1.0, 2.0, 3.0, 6.0]) == pytest.approx((9 - 2) / 12)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=2, max_size=9), st.floats(0.1, 10))
def test_an_effect_turns_round_with_its_sides_and_knows_no_unit(pairs, scale):
    a, b = np.array(pairs).T
    one, other = effects.effect_of(a, b), effects.effect_of(b, a)
    assert other.cliffs_delta == -one.cliffs_delta
    assert other.chance == pytest.approx(1 - one.chance)
    assert other.chance_interval == pytest.approx([1 - end for end in reversed(one.chance_interval)])
    assert effects.effect_of(a, b, better="higher").chance == pytest.approx(other.chance)
    if one.d_z is not None and abs(one.d_z) < 1e3:
        assert other.d_z == pytest.approx(-one.d_z)
        assert one.d_z_interval[0] <= one.d_z <= one.d_z_interval[1]
        assert effects.effect_of(a * scale, b * scale).d_z == pytest.approx(one.d_z, rel=1e-4, abs=1e-6)


# ---- words


def test_practically_the_same_is_a_word_of_its_own():
    near = [0.1, -0.1, 0.2, -0.2, 0.05, -0.05, 0.0]
    sure = [0.3, 0.31, 0.29, 0.3, 0.32, 0.28, 0.3]
    far = [2.0, 2.1, 1.9, 2.2, 1.8, 2.0, 2.0]
    found = s.decide_all([near, sure, far], margins=[1.0, 1.0, 1.0])
    assert [each.says for each in found] == [s.SAME, s.SAME, "worse"]
    assert [each.p_same for each in found] == pytest.approx([3 / 128, 3 / 128, 1.0])
    assert s.decide_all([near, sure, far])[1].says == "worse"
    assert s.decide_all([[0.0]], margins=[1.0])[0].says == "undecided"


def test_a_sure_difference_that_may_be_smaller_than_the_margin_is_said_to_be_small():
    wide = [0.2, 1.6, 0.3, 1.5, 0.4, 1.4, 0.9]
    (found,) = s.decide_all([wide], margins=[1.0])
    assert (found.says, found.small) == ("worse", True)
    assert not s.decide_all([wide], margins=[0.5])[0].small


# ---- settings


@pytest.mark.parametrize(("written", "read"), [(0.01, (0.01, False)), ("2 %", (0.02, True)), ("0.5%", (0.005, True))])
def test_margins(written, read):
    assert read_margin(written) == pytest.approx(read)
    assert study(margin=written).margin == written


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"margin": 0}, "margin.*above zero"),
        ({"margin": "-1 %"}, "margin.*percentage"),
        ({"margin": "much"}, "margin"),
        ({"margin": True}, "margin"),
        ({"reference": "gur"}, "reference: model.cell has no level 'gur'.*gru"),
        ({"reference": "gru", "vary": {}}, "reference: nothing varies"),
        ({"datasets": "data.file"}, "datasets: 'data.file' is not varied"),
        ({"datasets": "model.cell"}, "datasets: model.cell is the factor whose levels are compared"),
        ({"alpha": 0}, "alpha"),
        ({"alpha": 0.9}, "alpha"),
        ({"test": "anova"}, "test"),
    ],
)
def test_what_cannot_decide_is_refused(tree, message):
    with pytest.raises(SettingsError, match=message):
        study(**tree)


def test_the_plan_names_its_test_and_warns():
    def planned(**tree):
        return plan_study(study(**tree), lambda data: "digest")

    assert planned(seeds=7).warnings == ()
    assert "7 seeds can" in planned(seeds=6).warnings[0]
    assert planned(seeds=7, reference="lstm").warnings == ()
    assert "5 seeds cannot decide 2 comparisons" in planned(seeds=5, reference="lstm").warnings[0]
    assert "above 0.01; 9 seeds can" in planned(seeds=7, alpha=0.01, reference="lstm").warnings[0]
    assert planned(seeds=3, test="t").warnings == ()
    assert "one seed" in planned(seeds=1, test="t").warnings[0]
    first, second, third = planned(seeds=8, reference="lstm", test="wilcoxon", also=["mae"]).design
    assert first == (
        "test: exact Wilcoxon signed ranks, two-sided at 0.05; Holm over 2 comparisons of model.cell with lstm"
    )
    assert second.startswith("8 seeds find a difference")
    assert third.startswith("2 families of comparisons, 4 in all")


# ---- a study


def test_levels_are_compared_with_the_reference_alone(tmp_path):
    def score(levels, seed):
        return {"rnn": 120.0, "gru": 100.0, "lstm": 101.0}[levels["model.cell"]] + STEPS[seed] * (
            1 + 0.1 * (levels["model.cell"] == "rnn")
        )

    tree = compare_study(make(tmp_path / "s", score, seeds=7, reference="gru", margin="2 %").path)
    rows = rows_of(tree)
    assert set(rows) == {("rnn", "gru"), ("lstm", "gru")}
    assert rows["rnn", "gru"]["says"] == "worse"
    same = rows["lstm", "gru"]
    assert (same["says"], same["p_same"]) == ("practically the same", pytest.approx(2 / 128))
    assert same["margin"] == pytest.approx(0.02 * (100 + 5 / 7))
    assert tree["decide"] == {
        "test": "sign_flip", "alpha": 0.05, "margin": "2 %", "reference": "gru", "families": 1, "comparisons": 2,
    }  # fmt: skip
    assert any("GRU has the lowest" in one["text"] and "practically the same as LSTM" in one["text"]
               for one in tree["findings"])  # fmt: skip


def test_each_pair_has_its_effect_and_both_intervals(tmp_path):
    noise = (0.4, -0.3, 0.1, -0.2, 0.3, -0.1, -0.2)

    def score(levels, seed):
        return {"rnn": 120.0 + noise[seed], "gru": 100.0, "lstm": 100.0}[levels["model.cell"]] + STEPS[seed]

    rows = rows_of(compare_study(make(tmp_path / "s", score).path))
    row = rows["rnn", "gru"]
    assert row["effect"]["d_z"] == pytest.approx(20 / np.std(noise, ddof=1), rel=1e-6)
    assert (row["effect"]["cliffs_delta"], row["effect"]["chance"]) == (1.0, 0.0)
    assert row["effect"]["chance_interval"][0] == 0.0 < row["effect"]["chance_interval"][1] < 0.4
    low, high = row["interval_bca"]
    assert row["interval"][0] < low < 20.0 < high < row["interval"][1]  # few seeds: the bootstrap is the narrower one
    flat = rows["gru", "lstm"]
    assert (flat["interval_bca"], flat["effect"]["d_z"], flat["effect"]["chance"]) == (None, None, 0.5)


def test_another_test_and_level_are_used_and_named(tmp_path):
    def score(levels, seed):
        return {"rnn": 120.0, "gru": 100.0, "lstm": 100.0}[levels["model.cell"]] + STEPS[seed] * (
            1 + (levels["model.cell"] == "rnn")
        )

    tree = compare_study(make(tmp_path / "s", score, seeds=4, test="t", alpha=0.01).path)
    assert tree["test"] == "paired t at the level 0.01, Holm within each condition"
    row = rows_of(tree)["rnn", "gru"]
    assert row["says"] == "worse"  # four seeds: no exact test could
    assert row["interval"] == pytest.approx(s.mean_interval(np.array(STEPS[:4]) + 20.0))  # of 95 %, as the page says


def test_a_condition_in_which_the_reference_was_not_run_is_no_family(tmp_path):
    """Without any pair nothing is said to be best there, and no comparison is counted."""

    def score(levels, seed):
        return 100.0 + STEPS[seed] * (1 + len(levels["model.cell"]))

    skip = {(f"lstm, units {units}", seed) for units in (8, 16) for seed in range(7)}
    vary = {**VARY, "model.units": [8, 16, 32, 64]}
    tree = compare_study(make(tmp_path / "s", score, skip=skip, vary=vary, reference="lstm").path)
    assert (tree["decide"]["families"], tree["decide"]["comparisons"], len(tree["comparisons"])) == (2, 4, 4)
    assert not any("units 8," in one for finding in tree["findings"] for one in finding["evidence"])
