"""Every registered loss over classes: a mean over texts, the right gradient, weights and soft targets."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from gatewise import registry
from gatewise.errors import UnknownNameError
from gatewise.settings import ClassifyTrainSettings
from gatewise.tasks.classify.losses import ClassLoss, create_class_loss

NAMES = registry.CLASS_LOSSES.names()
COUNTS = np.array([10, 60, 30])
B, C = 6, 3


def make(name, **options):
    return create_class_loss(ClassifyTrainSettings(loss=name, **options), COUNTS)


def tensors(seed=0, *, soft=False, dtype=torch.float64):
    draw = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(B, C, generator=draw, dtype=dtype)
    if soft:
        return logits, torch.rand(B, C, generator=draw, dtype=dtype).softmax(dim=-1)
    return logits, functional.one_hot(torch.arange(B) % C, C).to(dtype)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("options", [{}, {"class_weight": "balanced"}, {"label_smoothing": 0.1}, {"focal_gamma": 0.5}])
@pytest.mark.parametrize("soft", [False, True])
def test_a_scalar_whose_gradient_is_that_of_the_value(name, options, soft):
    logits, targets = tensors(soft=soft)
    loss = make(name, **options)
    assert isinstance(loss, ClassLoss)
    assert loss(logits, targets).shape == ()
    assert torch.autograd.gradcheck(lambda x: loss(x, targets), logits.requires_grad_())


@pytest.mark.parametrize("name", NAMES)
def test_the_loss_is_the_mean_over_texts_in_any_order(name):
    logits, targets = tensors()
    alone = torch.stack([make(name)(logits[i : i + 1], targets[i : i + 1]) for i in range(B)])
    torch.testing.assert_close(make(name)(logits, targets), alone.mean())
    torch.testing.assert_close(make(name)(logits.flip(0), targets.flip(0)), alone.mean())


@pytest.mark.parametrize("name", NAMES)
def test_balanced_texts_weigh_as_much_as_their_class_is_rare(name):
    logits, targets = tensors()
    weights = torch.tensor(100 / (3 * COUNTS))[targets.argmax(dim=-1)]
    alone = torch.stack([make(name)(logits[i : i + 1], targets[i : i + 1]) for i in range(B)])
    expected = (alone * weights).sum() / weights.sum()
    torch.testing.assert_close(make(name, class_weight="balanced")(logits, targets), expected)


@pytest.mark.parametrize("name", NAMES)
def test_the_loss_falls_when_the_right_class_grows_likelier(name):
    logits, targets = tensors()
    values = [float(make(name)(logits + step * targets, targets)) for step in (0, 1, 3, 9)]
    assert values == sorted(values, reverse=True)
    assert values[0] > values[-1]


def test_cross_entropy_is_torch_s_with_weights_and_smoothing():
    logits, targets = tensors()
    labels, weights = targets.argmax(dim=-1), torch.tensor(100 / (3 * COUNTS))
    torch.testing.assert_close(make("cross_entropy")(logits, targets), functional.cross_entropy(logits, labels))
    torch.testing.assert_close(
        make("cross_entropy", class_weight="balanced")(logits, targets),
        functional.cross_entropy(logits, labels, weight=weights),
        rtol=1e-6,
        atol=0,
    )
    torch.testing.assert_close(
        make("cross_entropy", label_smoothing=0.2)(logits, targets),
        functional.cross_entropy(logits, labels, label_smoothing=0.2),
    )


def test_focal_without_gamma_is_cross_entropy_and_looks_away_from_what_is_easy():
    logits, targets = tensors()
    plain = make("cross_entropy")(logits, targets)
    torch.testing.assert_close(make("focal", focal_gamma=0)(logits, targets), plain)
    assert make("focal", focal_gamma=2)(logits, targets) < plain


def test_logit_adjustment_makes_rare_classes_win_by_a_margin():
    logits, targets = torch.zeros(1, C, dtype=torch.float64), torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64)
    assert float(make("logit_adjusted", logit_adjustment=1)(logits, targets)) == pytest.approx(-np.log(0.1))
    assert float(make("logit_adjusted", logit_adjustment=0)(logits, targets)) == pytest.approx(np.log(3))


def test_an_unknown_loss_is_named():
    with pytest.raises(UnknownNameError, match="did you mean 'focal'"):
        create_class_loss(ClassifyTrainSettings.model_construct(loss="fokal"), COUNTS)
