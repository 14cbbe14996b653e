"""Cells that break one promise each: the check of that promise must see it, and say so."""

import pytest
import torch
from torch import nn

from gatewise.cells.gru import GRU
from gatewise.cells.parallel import ParallelCell
from gatewise.cells.rnn import SimpleRNN
from gatewise.errors import SettingsError, UnknownNameError
from gatewise.registry import CELLS
from gatewise.testing import CELL_CHECKS, CellCase, check_cell


class WrongStep(SimpleRNN):
    def step(self, x, state, *rest, **drawn):
        y, state = super().step(x, state, *rest, **drawn)
        return 0.5 * y, state


class NarrowOutput(SimpleRNN):
    def forward(self, x, state=None, mask=None):
        y, state = super().forward(x, state, mask)
        return y[:, :, :-1], state


class ForgetsBetweenHalves(GRU):
    def forward(self, x, state=None, mask=None):
        return super().forward(x, None, mask)


class RemembersOutsideItsState(SimpleRNN):
    seen = 0

    def update(self, projected, h, state):
        self.seen += 1
        return super().update(projected / self.seen, h, state)


class StartsAtOne(SimpleRNN):
    def initial_state(self, batch):
        return tuple(part + 1.0 for part in super().initial_state(batch))


class ReadsThePadding(SimpleRNN):
    def forward(self, x, state=None, mask=None):
        y, end = super().forward(x, state, mask)
        return y + 0.0 * self.project(x), end  # no valid output sees it, and 0 * NaN reaches the gradient


class IgnoresTheMask(SimpleRNN):
    def forward(self, x, state=None, mask=None):
        return super().forward(x.nan_to_num(), state)


class ZeroAtMaskedSteps(SimpleRNN):
    def forward(self, x, state=None, mask=None):
        y, end = super().forward(x, state, mask)
        return (y if mask is None else y * mask[:, :, None]), end


class NoGradientToTheState(SimpleRNN):
    def update(self, projected, h, state):
        return super().update(projected, h.detach(), state)


class WrongFormula(SimpleRNN):
    @classmethod
    def parameter_formula(cls, input_size, units, **options):  # noqa: ARG003
        return units * (input_size + units)


class GlobalDraws(SimpleRNN):
    def __init__(self, input_size, units, **common):
        super().__init__(input_size, units, **common)
        nn.init.uniform_(self.bias)


class AlwaysTheSameStart(SimpleRNN):
    def __init__(self, input_size, units, **common):
        super().__init__(input_size, units, **{**common, "generator": torch.Generator().manual_seed(0)})


class UnsavedNumbers(SimpleRNN):
    def __init__(self, input_size, units, **common):
        super().__init__(input_size, units, **common)
        self.scale = torch.rand(units, generator=common.get("generator")).double()

    def update(self, projected, h, state):
        return super().update(projected * self.scale.to(projected), h, state)


class OtherInTraining(SimpleRNN):
    def update(self, projected, h, state):
        return super().update(projected * (1.1 if self.training else 1.0), h, state)


class NoRecurrentDropout(SimpleRNN):
    def update(self, projected, h, state):
        return super().update(projected, state[0], state)


class GlobalDropout(SimpleRNN):
    def draw_recurrent_mask(self, batch):
        return nn.functional.dropout(torch.ones(batch, self.units, dtype=self.bias.dtype), 0.5, self.training)


class DropsInEval(SimpleRNN):
    def draw_recurrent_mask(self, batch):
        before = self.training
        self.training = True
        drawn = super().draw_recurrent_mask(batch)
        self.training = before
        return drawn


class DropsWhatItCarries(GRU):
    def update(self, projected, h, state):
        return super().update(projected, h, (h,))


class DrawsInEveryStep(SimpleRNN):
    """Noise that is drawn again when a piece is computed again."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.noise = torch.Generator().manual_seed(0)

    def update(self, projected, h, state):
        (new,) = super().update(projected, h, state)
        return (new + torch.randn(new.shape, generator=self.noise, dtype=new.dtype),)


class NoSuchWeights(SimpleRNN):
    recurrent_weights = ("kernel_of_recurrence",)


class LearnsNothing(SimpleRNN):
    def update(self, projected, h, state):
        return tuple(1e-3 * part for part in super().update(projected, h, state))


class WrongInParallel(ParallelCell, SimpleRNN):
    def parallel(self, projected, state, mask, recurrent_mask):
        y = torch.tanh(projected)
        return y, (y[:, -1],)


CAUGHT_BY = {
    WrongStep: "step_by_step_equals_the_whole_sequence",
    NarrowOutput: "shapes_follow_from_the_sizes",
    ForgetsBetweenHalves: "two_halves_with_carried_state_equal_one_whole",
    RemembersOutsideItsState: "two_halves_with_carried_state_equal_one_whole",
    StartsAtOne: "an_absent_start_state_is_the_initial_state",
    ReadsThePadding: "padding_changes_no_valid_output_and_no_gradient",
    IgnoresTheMask: "padding_changes_no_valid_output_and_no_gradient",
    ZeroAtMaskedSteps: "a_masked_step_repeats_the_output_before_it",
    NoGradientToTheState: "gradients_equal_finite_differences",
    WrongFormula: "the_parameter_count_equals_its_formula",
    GlobalDraws: "the_same_seed_gives_the_same_weights",
    AlwaysTheSameStart: "the_same_seed_gives_the_same_weights",
    UnsavedNumbers: "weights_make_the_round_trip_through_a_state_dict",
    OtherInTraining: "training_without_dropout_equals_eval",
    NoRecurrentDropout: "dropout_is_one_draw_a_sequence_and_a_new_one_a_call",
    GlobalDropout: "dropout_is_one_draw_a_sequence_and_a_new_one_a_call",
    DrawsInEveryStep: "recomputing_changes_no_number",
    DropsInEval: "recurrent_dropout_rests_in_eval",
    DropsWhatItCarries: "nothing_but_the_recurrent_product_is_dropped",
    NoSuchWeights: "nothing_but_the_recurrent_product_is_dropped",
    LearnsNothing: "the_cell_learns_to_remember_its_first_input",
    WrongInParallel: "every_kernel_equals_the_reference_loop",
}
CHECKS = {check.__name__: check for check in CELL_CHECKS}


def test_every_check_has_a_cell_that_breaks_it():
    assert set(CAUGHT_BY.values()) == set(CHECKS)


@pytest.mark.parametrize("kind", CAUGHT_BY, ids=lambda kind: kind.__name__)
def test_a_broken_promise_is_seen_by_its_check(kind):
    with pytest.raises(AssertionError):
        CHECKS[CAUGHT_BY[kind]](CellCase(kind))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            WrongStep,
            "WrongStep fails 'step_by_step_equals_the_whole_sequence': step 0 by `step` differs from `forward`",
        ),
        (WrongFormula, r"1 inputs, 1 units: the formula says 2, the cell has 3"),
        (GlobalDraws, "equal seeds give different start weights: draw all from `generator`"),
        (ReadsThePadding, "nan in the padding changes the gradient of input_kernel"),
        (DropsWhatItCarries, "use `state\\[0\\]` for everything else"),
        (NoSuchWeights, "recurrent_weights names 'kernel_of_recurrence', and the cell has no such parameter"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_check_cell_names_the_check_and_says_what_was_expected(kind, message):
    with pytest.raises(AssertionError, match=message):
        check_cell(kind)


def test_an_error_of_the_cells_own_code_is_named_too():
    class Raises(SimpleRNN):
        def update(self, projected, h, state):
            raise ZeroDivisionError("its own")

    with pytest.raises(AssertionError, match=r"Raises fails 'shapes_.*': raised ZeroDivisionError: its own"):
        check_cell(Raises)


def test_a_class_that_is_not_registered_is_checked():
    class Mine(GRU):
        """No name in any table."""

    assert Mine not in [CELLS.load(name) for name in CELLS.names()]
    check_cell(Mine, {"reset": "before"})


def test_a_name_is_looked_up():
    CELLS.register("wrong_step", WrongStep)
    try:
        with pytest.raises(AssertionError, match="WrongStep fails"):
            check_cell("wrong_step")
    finally:
        CELLS.unregister("wrong_step")
    with pytest.raises(UnknownNameError, match="did you mean 'lstm'"):
        check_cell("lstmm")


@pytest.mark.parametrize(
    ("cell", "options", "message"),
    [
        (nn.GRU, {}, "is no cell: a cell is a subclass of gatewise.cells.Cell"),
        (GRU, {"rest": "after"}, "GRU has no option 'rest': did you mean 'reset'"),
    ],
)
def test_what_cannot_be_checked_is_refused(cell, options, message):
    with pytest.raises(SettingsError, match=message):
        check_cell(cell, options)
