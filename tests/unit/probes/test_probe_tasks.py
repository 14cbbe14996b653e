"""Every task against the answer that counting by hand gives, and what guessing reaches."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewise.probes.settings import LONGER, TRAINED
from gatewise.probes.tasks import Adding, AssociativeRecall, BracketDepth, Copying, ModularAddition, Parity
from gatewise.probes.tasks import SelectiveCopying as Selective
from gatewise.registry import PROBES

TASKS = PROBES.names()
seeds = st.integers(0, 2**32)
lengths = st.integers(12, 60)


def drawn(task, length, seed, count=3):
    """Return the strings as lists of symbols (of numbers for adding), with the batch."""
    batch = task.draw(count, length, torch.Generator().manual_seed(seed))
    return batch.x.argmax(-1).tolist(), batch


def asked(batch):
    """Return the scored answers of each string."""
    return [target[scored].tolist() for target, scored in zip(batch.target, batch.scored, strict=True)]


@pytest.mark.parametrize("name", TASKS)
@settings(deadline=None, max_examples=20)
@given(seed=seeds, length=lengths)
def test_shapes_and_places(name, seed, length):
    task = PROBES.load(name)
    batch = task.draw(3, length, torch.Generator().manual_seed(seed))
    again = task.draw(3, length, torch.Generator().manual_seed(seed))
    assert batch.x.shape == (3, length, task.inputs)
    assert batch.target.shape == batch.trained.shape == batch.scored.shape == (3, length)
    assert torch.equal(batch.x, again.x)
    assert bool((batch.trained | ~batch.scored).all())  # what is scored is trained
    assert bool(batch.scored.any(1).all())
    assert bool(batch.scored[:, -1].all())


@settings(deadline=None, max_examples=30)
@given(seed=seeds, length=lengths)
def test_parity_counts_ones(seed, length):
    strings, batch = drawn(Parity, length, seed)
    for string, target in zip(strings, batch.target.tolist(), strict=True):
        assert target == [string[: step + 1].count(1) % 2 for step in range(length)]
    assert asked(batch) == [[string.count(1) % 2] for string in strings]


@settings(deadline=None, max_examples=30)
@given(seed=seeds, length=lengths)
def test_modular_addition_sums(seed, length):
    strings, batch = drawn(ModularAddition, length, seed)
    for string, target in zip(strings, batch.target.tolist(), strict=True):
        assert target == [sum(string[: step + 1]) % 3 for step in range(length)]


@settings(deadline=None, max_examples=30)
@given(seed=seeds, length=lengths)
def test_bracket_depth_counts_the_open_ones(seed, length):
    strings, batch = drawn(BracketDepth, length, seed)
    for string, target in zip(strings, batch.target.tolist(), strict=True):
        depths, depth = [], 0
        for symbol in string:
            depth += 1 if symbol == 1 else -1
            depths.append(depth)
        assert target == depths
        assert 0 <= min(depths) <= max(depths) <= 6


@pytest.mark.parametrize("task", [Copying, Selective])
@settings(deadline=None, max_examples=30)
@given(seed=seeds, length=lengths)
def test_copying_says_the_symbols_again(task, seed, length):
    strings, batch = drawn(task, length, seed)
    for string, answer in zip(strings, asked(batch), strict=True):
        said = [symbol for symbol in string if symbol < 8]
        assert answer == said
        assert len(said) == 5
        assert string[-6:] == [9, 8, 8, 8, 8, 8]
        if task is Copying:
            assert string[:5] == said


def test_selective_copying_strews_its_symbols():
    places = Selective.draw(200, 40, torch.Generator().manual_seed(0)).x[..., :8].sum(-1).sum(0)  # (T,)
    assert bool((places[:34] > 0).all())
    assert bool((places[34:] == 0).all())


@settings(deadline=None, max_examples=30)
@given(seed=seeds, length=lengths)
def test_adding_adds_one_number_of_each_half(seed, length):
    _, batch = drawn(Adding, length, seed)
    for x, answer in zip(batch.x, asked(batch), strict=True):
        marked = [step for step in range(length) if x[step, 1] == 1.0]
        assert len(marked) == 2
        assert marked[0] < length // 2 <= marked[1]
        assert answer == pytest.approx([sum(float(x[step, 0]) for step in marked)])


@settings(deadline=None, max_examples=30)
@given(seed=seeds, length=lengths)
def test_recall_knows_which_value_came_with_a_key(seed, length):
    _, batch = drawn(AssociativeRecall, length, seed)
    for x, answer in zip(batch.x, asked(batch), strict=True):
        steps = [set(row.nonzero().flatten().tolist()) for row in x]
        pairs = {min(step): max(step) - 8 for step in steps[:4]}
        assert len(pairs) == 4
        assert all(step == {16} for step in steps[4:-4])
        assert answer == [pairs[min(step)] for step in steps[-4:]]
        assert {min(step) for step in steps[-4:]} == set(pairs)


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("length", [TRAINED, *LONGER])
def test_chance_is_what_the_best_blind_answer_reaches(name, length):
    task = PROBES.load(name)
    batch = task.draw(8000, length, torch.Generator().manual_seed(1))
    if name == "adding":
        answers = [torch.full((8000, length, 1), value) for value in (0.9, 1.0, 1.1)]
    else:
        answers = [torch.eye(task.outputs)[value].expand(8000, length, -1) for value in range(task.outputs)]
    reached = [float(task.right(answer, batch).float().mean()) for answer in answers]
    assert max(reached) == pytest.approx(task.chance, abs=0.02)


@pytest.mark.parametrize("name", TASKS)
def test_the_right_answer_is_right_and_costs_nothing(name):
    task = PROBES.load(name)
    batch = task.draw(20, 40, torch.Generator().manual_seed(2))
    if name == "adding":
        answer = batch.target[..., None]
    else:
        answer = 50.0 * torch.nn.functional.one_hot(batch.target, task.outputs).float()
    assert bool(task.right(answer, batch).all())
    assert float(task.loss(answer, batch)) == pytest.approx(0.0, abs=1e-6)


def test_the_test_has_lengths_that_training_never_sees():
    assert min(LONGER) > TRAINED
    assert all(PROBES.load(name).shortest < TRAINED for name in TASKS)


@pytest.mark.parametrize("name", TASKS)
def test_the_shortest_string_can_be_drawn(name):
    task = PROBES.load(name)
    assert task.draw(2, task.shortest, torch.Generator().manual_seed(0)).scored.any()
