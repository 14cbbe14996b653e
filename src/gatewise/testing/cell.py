"""The checks of a cell, one promise each, in the order of :class:`gatewise.cells.base.Cell`'s list."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor
from torch.autograd.gradcheck import GradcheckError, gradcheck

from gatewise.cells.base import Cell
from gatewise.testing.case import (
    CellCase,
    draw,
    expect,
    expect_close,
    expect_shape,
    global_generator_untouched,
    gradient,
    make_call,
    ragged,
    start_state,
)

#: Sizes that the checks go through: B, T, I, H.
SIZES = [(1, 1, 1, 1), (2, 3, 4, 1), (3, 5, 1, 5), (5, 2, 3, 4)]


def shapes_follow_from_the_sizes(case: CellCase) -> None:
    """Outputs and state have the cell's sizes and number format, also for an empty batch."""
    for dtype, (B, T, inputs, units) in itertools.product([torch.float32, torch.float64], [(0, 2, 3, 4), *SIZES]):
        cell = case.make(inputs, case.fit(units)).to(dtype)
        y, state = cell(torch.zeros(B, T, inputs, dtype=dtype))
        expect_shape(y, (B, T, cell.output_size), "y")
        expect(y.dtype == dtype, f"y is {y.dtype} from inputs and weights in {dtype}")
        expect(
            len(state) == len(cell.state_names) == len(cell.state_sizes),
            f"the state has {len(state)} part(s), state_names {cell.state_names}, state_sizes {cell.state_sizes}",
        )
        for name, part, size in zip(cell.state_names, state, cell.state_sizes, strict=True):
            expect_shape(part, (B, *size), f"state {name}")
        expect_close(y[:, -1], state[0], "the last output is not the first part of the state")


def step_by_step_equals_the_whole_sequence(case: CellCase) -> None:
    """``step`` from any start state gives what ``forward`` gives."""
    for B, T, inputs, units in SIZES:
        cell, x = case.make(inputs, case.fit(units)), draw(B, T, inputs)
        state = start_state(cell, B)
        y, end = cell(x, state)
        for t in range(T):
            y_t, state = cell.step(x[:, t], state)
            expect_close(y_t, y[:, t], f"step {t} by `step` differs from `forward`")
        expect_close(state, end, "the state after the last `step` differs from that of `forward`")


def two_halves_with_carried_state_equal_one_whole(case: CellCase) -> None:
    """Everything that a cell remembers is in its state."""
    cell, x = case.make(), draw(2, 7, 3)
    start = start_state(cell, 2)
    whole, end = cell(x, start)
    first, carried = cell(x[:, :3], start)
    second, end_of_halves = cell(x[:, 3:], carried)
    expect_close(torch.cat([first, second], dim=1), whole, "outputs of two halves differ from those of the whole")
    expect_close(end_of_halves, end, "the state after two halves differs from that after the whole")


def an_absent_start_state_is_the_initial_state(case: CellCase) -> None:
    """``initial_state`` is zero, and is what ``forward`` starts from."""
    cell, x = case.make(), draw(2, 4, 3)
    expect(all(not part.any() for part in cell.initial_state(2)), "initial_state is not zero")
    expect_close(cell(x), cell(x, cell.initial_state(2)), "no start state differs from initial_state(B)")


def padding_changes_no_valid_output_and_no_gradient(case: CellCase) -> None:
    """A padded batch gives what its sequences give alone, gradients too, whatever stands in the padding."""
    T, lengths = 5, [5, 3, 1]
    start = start_state(case.make(), 3)
    right = ragged(lengths, T)
    for mask, padding in itertools.product([right, right.flip(1)], [0.0, 1e6, float("nan")]):
        cell = case.make()
        x = torch.where(mask[:, :, None], draw(3, T, 3), padding)
        y, end = cell(x, start, mask)
        (y * mask[:, :, None]).sum().backward()
        gradients = [gradient(weight) for weight in cell.parameters()]
        cell.zero_grad()
        for b in range(3):
            alone, end_alone = cell(x[b, mask[b]][None], tuple(part[b : b + 1] for part in start))
            expect_close(y[b, mask[b]], alone[0], f"{padding} in the padding changes valid outputs")
            states = tuple(part[b] for part in end), tuple(part[0] for part in end_alone)
            expect_close(*states, f"{padding} in the padding changes the last state")
            alone.sum().backward()
        for (name, weight), padded in zip(cell.named_parameters(), gradients, strict=True):
            expect_close(padded, gradient(weight), f"{padding} in the padding changes the gradient of {name}")


def a_masked_step_repeats_the_output_before_it(case: CellCase) -> None:
    """Over a masked step the state passes unchanged, from the start state on."""
    cell, x = case.make(), draw(1, 4, 3)
    start = start_state(cell, 1)
    y, _ = cell(x, start, torch.tensor([[False, True, False, False]]))
    expect_close(y[:, 0], start[0], "a masked first step does not repeat the start state's h")
    for t in (2, 3):
        expect_close(y[:, t], y[:, 1], "a masked step does not repeat the output before it")


def gradients_equal_finite_differences(case: CellCase) -> None:
    """Gradients to inputs, start state and every weight are right, with and without a mask."""
    cell = case.make(2, 2)
    names = [name for name, _ in cell.named_parameters()]
    weights = [weight.detach().requires_grad_() for weight in cell.parameters()]
    start = [part.requires_grad_() for part in start_state(cell, 2)]
    for mask in (None, ragged([2, 1], 3)):

        def run(x: Tensor, *rest: Tensor, mask: Tensor | None = mask) -> tuple[Tensor, ...]:
            state, values = rest[: len(start)], rest[len(start) :]
            y, end = torch.func.functional_call(cell, dict(zip(names, values, strict=True)), (x, state, mask))
            return (y, *end)

        try:
            gradcheck(run, (draw(2, 3, 2).requires_grad_(), *start, *weights))
        except GradcheckError as error:
            parts = ", ".join(["x", *(f"state {name}" for name in cell.state_names), *names])
            raise AssertionError(f"a gradient is wrong (inputs in the order {parts}): {error}") from None


def the_parameter_count_equals_its_formula(case: CellCase) -> None:
    """``parameter_formula`` tells the number of trainable parameters without making the cell."""
    for inputs, units in ((inputs, case.fit(units)) for _, _, inputs, units in SIZES):
        found = sum(weight.numel() for weight in case.make(inputs, units).parameters() if weight.requires_grad)
        formula = case.kind.parameter_formula(inputs, units, **case.options)
        expect(formula == found, f"{inputs} inputs, {units} units: the formula says {formula}, the cell has {found}")


def the_same_seed_gives_the_same_weights(case: CellCase) -> None:
    """Start weights come from the generator that is given, and from nowhere else."""

    def weights(seed: int) -> Tensor:
        cell = case.create(3, 4, torch.Generator().manual_seed(seed))
        return torch.cat([weight.detach().flatten() for weight in cell.parameters()])

    with global_generator_untouched():
        expect(
            torch.equal(weights(5), weights(5)), "equal seeds give different start weights: draw all from `generator`"
        )
        expect(
            not torch.equal(weights(5), weights(6)),
            "different seeds give the same start weights: draw them from `generator`",
        )


def weights_make_the_round_trip_through_a_state_dict(case: CellCase) -> None:
    """A cell that loads another one's ``state_dict`` computes what that one computes."""
    cell, other, x = case.make(seed=1), case.make(seed=2), draw(2, 3, 3)
    expect(not torch.equal(cell(x)[0], other(x)[0]), "cells with different weights give the same outputs")
    other.load_state_dict(cell.state_dict())
    expect(torch.equal(cell(x)[0], other(x)[0]), "something that the outputs depend on is not in the state_dict")


def training_without_dropout_equals_eval(case: CellCase) -> None:
    """Where nothing is to be dropped, ``train()`` and ``eval()`` are the same."""
    cell, x = case.make().train(), draw(2, 4, 3)
    if make_call(cell, x, cell.initial_state(2))[4:] == (None, None, None):
        expect_close(cell(x), cell.eval()(x), "train() and eval() differ though nothing is dropped")


def dropout_is_one_draw_a_sequence_and_a_new_one_a_call(case: CellCase) -> None:
    """What is dropped is drawn from the dropout generator, and the same draws make the same steps."""
    x = draw(8, 5, 3)

    def dropping() -> Cell:
        generator = torch.Generator().manual_seed(9)
        return case.make(units=16, recurrent_dropout=0.5, dropout_generator=generator).train()

    cell, stepped = dropping(), dropping()
    start = start_state(cell, 8)
    with global_generator_untouched():
        first, second = cell(x, start)[0], cell(x, start)[0]
        expect(not torch.equal(first, second), "recurrent dropout changes nothing, or drops the same in every call")
        for whole in (first, second):  # an equal generator: the same draws, in the same order
            call, state = make_call(stepped, x, start), start
            for t in range(5):
                y, state = stepped.step(
                    x[:, t],
                    state,
                    call.recurrent_mask,
                    recurrent_kernel=call.dropped_kernel,
                    holds=call.holds_at(t),
                )
                expect_close(y, whole[:, t], "`step` with the draws of a sequence differs from `forward`")


def recomputing_changes_no_number(case: CellCase) -> None:
    """``recompute_steps`` gives the outputs and gradients of a call that keeps everything."""
    x, mask = draw(3, 7, 3), ragged([7, 4, 2], 7)
    found = []
    for steps in (None, 1, 3, 9):
        generator = torch.Generator().manual_seed(9)
        cell = case.make(recurrent_dropout=0.5, dropout_generator=generator, recompute_steps=steps).train()
        y, end = cell(x, start_state(cell, 3), mask)
        loss = torch.stack([(part * draw(*part.shape, seed=3)).sum() for part in (y, *end)]).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        found.append([y, *end, *(gradient(weight) for weight in cell.parameters())])
    for other in found[1:]:
        expect_close(other, found[0], "recompute_steps changes outputs or gradients")


def recurrent_dropout_rests_in_eval(case: CellCase) -> None:
    """``eval()`` drops nothing, ``train()`` does."""
    plain, cell, x = case.make(), case.make(recurrent_dropout=0.5), draw(2, 5, 3)
    cell.load_state_dict(plain.state_dict())
    expect_close(cell(x), plain(x), "recurrent dropout goes on in eval()")
    expect(not torch.equal(cell.train()(x)[0], plain(x)[0]), "recurrent dropout changes nothing in train()")


def nothing_but_the_recurrent_product_is_dropped(case: CellCase) -> None:
    """Where every recurrent weight is zero, recurrent dropout cannot change anything."""
    cell = case.make(units=16, recurrent_dropout=0.9).train()
    if not cell.recurrent_weights:  # such a cell drops parts of what it writes to its state
        return
    weights = dict(cell.named_parameters())
    for name in cell.recurrent_weights:
        expect(name in weights, f"recurrent_weights names {name!r}, and the cell has no such parameter")
        weights[name].detach().zero_()
    x, start, mask = draw(2, 3), start_state(cell, 2), cell.draw_recurrent_mask(2)
    hint = "recurrent dropout reaches more than the products with recurrent_weights: use `state[0]` for everything else"
    expect_close(cell.step(x, start, mask), cell.step(x, start), hint)


def the_cell_learns_to_remember_its_first_input(case: CellCase) -> None:
    """Adam cuts the error of a task of four steps to less than a third.

    A single layer of units that do not see each other cannot tell the first step from the others: it has the step that
    counts marked, more time, and all its units to answer with.
    """
    generator = torch.Generator().manual_seed(0)
    marked = not _units_see_each_other(case.make())
    cell = case.create(2 if marked else 1, 8, generator)
    x = torch.randn(64, 4, cell.input_size, generator=generator)
    answer, steps = torch.eye(cell.output_size)[0], 40
    if marked:
        x[:, :, 1] = torch.tensor([1.0, 0.0, 0.0, 0.0])
        answer, steps = torch.tensor([0.25, -0.25] * 4), 100  # outputs that are never negative can answer too
    optimizer = torch.optim.Adam(cell.parameters(), lr=0.05)

    def loss() -> Tensor:
        error: Tensor = cell(x)[0][:, -1] @ answer - x[:, 0, 0].tanh()
        return error.square().mean()

    before = loss().item()
    for _ in range(steps):
        optimizer.zero_grad()
        loss().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    cell.eval()
    after = loss().item()
    expect(after < 0.3 * before, f"{steps} steps of Adam take the error from {before:.3g} to {after:.3g} only")


def _units_see_each_other(cell: Cell) -> bool:
    return any(cell.get_parameter(name).dim() > 1 for name in cell.recurrent_weights)
