"""The classifying network: batches change nothing, padding changes nothing, and what is read is checked."""

import pytest
import torch

from gatewise import registry
from gatewise.errors import InputError, SettingsError
from gatewise.models import ClassifyNetwork
from gatewise.models.pooling import create_pooling
from gatewise.settings import ClassifyModelSettings, parse

B, T, L, D = 4, 9, 3, 5
POOLINGS = [name for name in registry.POOLINGS.names() if name != "last_padded"]


def network(*, layers=L, vocabulary=0, width=D, encoder=None, **settings):
    made = ClassifyNetwork(
        ClassifyModelSettings(**{"units": 6, "head": (7,), **settings}),
        classes=3,
        width=width,
        layers=layers,
        vocabulary=vocabulary,
        encoder=encoder,
        init_generator=torch.Generator().manual_seed(0),
        dropout_generator=torch.Generator().manual_seed(1),
    )
    return made.eval()


def texts(seed=0):
    draw = torch.Generator().manual_seed(seed)
    lengths = torch.tensor([9, 4, 1, 6])
    mask = torch.arange(T) < lengths[:, None]
    return mask, torch.randn(B, L, T, D, generator=draw), torch.randint(20, (B, T), generator=draw)


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("pooling", [(name,) for name in POOLINGS] + [tuple(POOLINGS)])
@pytest.mark.parametrize("cell", ["lstm", "gru", "mingru"])
def test_a_text_alone_gets_the_logits_that_it_gets_in_a_padded_batch(cell, pooling, bidirectional):
    mask, states, _ = texts()
    made = network(cell=cell, pooling=pooling, bidirectional=bidirectional)
    together = made(mask, states=states)
    for row in range(B):
        n = int(mask[row].sum())
        alone = made(mask[row : row + 1, :n], states=states[row : row + 1, :, :n])
        torch.testing.assert_close(together[row : row + 1], alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_what_stands_in_the_padding_changes_nothing(pooling):
    mask, states, ids = texts()
    made = network(pooling=(pooling,), vocabulary=20, token_embedding=4)
    before = made(mask, states=states, ids=ids)
    states = states.masked_fill(~mask[:, None, :, None], float("nan"))
    ids = ids.masked_fill(~mask, 0)
    torch.testing.assert_close(made(mask, states=states, ids=ids), before)


def test_last_padded_reads_the_padding_as_the_report_did():
    mask, states, _ = texts()
    made = network(pooling=("last_padded",))
    assert made.reads_padding
    together, n = made(mask, states=states), int(mask[1].sum())
    alone = made(mask[1:2, :n], states=states[1:2, :, :n])
    assert (together[1] - alone[0]).abs().max() > 1e-3
    torch.testing.assert_close(together[0], made(mask[:1], states=states[:1])[0])  # the longest has no padding


def test_poolings_are_what_they_are_called():
    y = torch.tensor([[[1.0, 10.0], [4.0, 20.0], [99.0, 99.0]]])
    mask = torch.tensor([[True, True, False]])
    assert create_pooling("mean", 2, 1)(y, mask).tolist() == [[2.5, 15.0]]
    assert create_pooling("max", 2, 1)(y, mask).tolist() == [[4.0, 20.0]]
    assert create_pooling("last", 2, 2)(y, None).tolist() == [[99.0, 10.0]]  # forward's end, backward's start
    assert create_pooling("last_padded", 2, 2)(y, mask).tolist() == [[99.0, 99.0]]
    even = create_pooling("attention", 2, 1)
    torch.nn.init.zeros_(even.score.weight)
    torch.testing.assert_close(even(y, mask), torch.tensor([[2.5, 15.0]]))


def test_the_mix_begins_even_and_can_choose_one_layer():
    mask, states, _ = texts()
    made = network()
    assert made.mix_weights() == pytest.approx([1 / 3] * 3)
    even = made(mask, states=states)
    mean = states.mean(dim=1, keepdim=True).expand_as(states)
    torch.testing.assert_close(even, made(mask, states=mean))
    with torch.no_grad():
        made.mix.copy_(torch.tensor([0.0, 60.0, 0.0]))
    torch.testing.assert_close(made(mask, states=states), made(mask, states=states[:, 1:2].expand_as(states)))
    assert network(layers=1).mix is None


def test_the_report_s_head_has_the_parameters_that_arithmetic_gives():
    made = network(width=768, layers=1, units=384, head=(512,), pooling=("last",), head_norm=True)
    lstm = 2 * 4 * (768 * 384 + 384 * 384 + 384)
    assert sum(weight.numel() for weight in made.parameters()) == lstm + 768 * 512 + 512 + 2 * 512 + 512 * 3 + 3


def test_an_encoder_inside_computes_the_states():
    class Ones(torch.nn.Module):
        def forward(self, ids, mask):
            return torch.ones(*ids.shape, D)[:, None].expand(-1, L, -1, -1) * mask[:, None, :, None]

    mask, _, ids = texts()
    inside = network(encoder=Ones())
    outside = network()
    torch.testing.assert_close(inside(mask, ids=ids), outside(mask, states=torch.ones(B, L, T, D)))
    with pytest.raises(InputError, match="it needs ids"):
        inside(mask)


def test_words_from_scratch_need_no_states():
    mask, _, ids = texts()
    made = network(width=0, vocabulary=20, embedding=8)
    assert made(mask, ids=ids).shape == (B, 3)
    with pytest.raises(InputError, match="it needs ids"):
        made(mask)


@pytest.mark.parametrize(
    "mask", [torch.ones(2, 3), torch.ones(2, 0, dtype=torch.bool), torch.ones(3, dtype=torch.bool)]
)
def test_a_mask_that_is_none_is_refused(mask):
    with pytest.raises(InputError, match="mask must be"):
        network()(mask, states=torch.zeros(2, L, 3, D))


def test_states_of_another_width_are_refused():
    with pytest.raises(InputError, match="reads 5 values a token"):
        network()(torch.ones(2, 3, dtype=torch.bool), states=torch.zeros(2, L, 3, 4))


@pytest.mark.parametrize(
    ("pooling", "said"),
    [((), "one or more"), (("mean", "mean"), "each once"), (("last_padded", "mean"), "stands alone")],
)
def test_poolings_that_make_no_sense_are_refused(pooling, said):
    with pytest.raises(SettingsError, match=said):
        parse(ClassifyModelSettings, {"pooling": list(pooling)})
