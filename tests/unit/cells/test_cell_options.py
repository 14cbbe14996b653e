"""Options of SimpleRNN, GRU and LSTM against their papers, written out in NumPy."""

import numpy as np
import pytest
import torch

from gatewise.cells import create_cell
from gatewise.cells.kernels import Call, choose_kernel
from gatewise.errors import SettingsError
from gatewise.registry import KERNELS


def drawn_cell(name="lstm", **options):
    generator = torch.Generator().manual_seed(0)
    cell = create_cell(name, input_size=3, units=4, generator=generator, **options).double()
    with torch.no_grad():
        for weight in cell.parameters():
            weight.normal_(0.0, 0.5, generator=generator)
    return cell, torch.randn(2, 5, 3, generator=generator, dtype=torch.float64)


def arrays(cell):
    return {name: weight.detach().numpy() for name, weight in cell.named_parameters()}


def sigmoid(a):
    return 1.0 / (1.0 + np.exp(-a))


def mogrify(w, x, h, rounds, rank):
    """Melis et al. 2019, eq. 1 and 2; round 1 is the first."""
    for i in range(1, rounds + 1):
        matrix = w[f"mogrifier.left.{i - 1}"]
        matrix = matrix if rank is None else matrix @ w[f"mogrifier.right.{i - 1}"]
        if i % 2 == 1:
            x = 2 * sigmoid(h @ matrix.T) * x
        else:
            h = 2 * sigmoid(x @ matrix.T) * h
    return x, h


def lstm(cell, x, *, coupled=False, peepholes=False, projection=None, mogrifier_rounds=0, mogrifier_rank=None):
    """Graves 2013, eq. 7-11, Sak et al. 2014, eq. 12, with the gates' matrices taken apart."""
    w = arrays(cell)
    gates = "fgo" if coupled else "ifgo"
    W, U, b = (
        dict(zip(gates, np.split(w[key], len(gates)), strict=True))
        for key in ("input_kernel", "recurrent_kernel", "bias")
    )
    p = dict.fromkeys("ifo", np.zeros(4))
    if peepholes:
        p.update(zip(gates.replace("g", ""), w["peephole_kernel"], strict=True))
    h, c = np.zeros((2, projection or 4)), np.zeros((2, 4))
    for x_t in x.numpy().transpose(1, 0, 2):
        x_t, inner = mogrify(w, x_t, h, mogrifier_rounds, mogrifier_rank)
        a = {gate: x_t @ W[gate].T + inner @ U[gate].T + b[gate] for gate in gates}
        f = sigmoid(a["f"] + p["f"] * c)
        i = 1 - f if coupled else sigmoid(a["i"] + p["i"] * c)
        c = f * c + i * np.tanh(a["g"])
        h = sigmoid(a["o"] + p["o"] * c) * np.tanh(c)
        if projection:
            h = h @ w["projection_kernel"].T
    return h, c


@pytest.mark.parametrize(
    "options",
    [
        {"coupled": True},
        {"peepholes": True},
        {"projection": 2},
        {"mogrifier_rounds": 1},
        {"mogrifier_rounds": 4},
        {"mogrifier_rounds": 5, "mogrifier_rank": 2},
        {"coupled": True, "peepholes": True, "projection": 2, "mogrifier_rounds": 5, "mogrifier_rank": 2},
    ],
    ids=str,
)
def test_the_lstms_options_equal_their_papers(options):
    cell, x = drawn_cell(**options)
    for found, expected in zip(cell(x)[1], lstm(cell, x, **options), strict=True):
        np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("reset", ["after", "before"])
def test_the_mogrified_gru_gates_what_enters_the_products_and_carries_h_whole(reset):
    cell, x = drawn_cell("gru", reset=reset, mogrifier_rounds=3)
    w, h = arrays(cell), np.zeros((2, 4))
    d = w.get("recurrent_bias", np.zeros(12))
    for x_t in x.numpy().transpose(1, 0, 2):
        x_t, inner = mogrify(w, x_t, h, 3, None)
        a = np.split(x_t @ w["input_kernel"].T + w["bias"], 3, axis=1)
        u = np.split(inner @ w["recurrent_kernel"].T + d, 3, axis=1)
        r, z = sigmoid(a[0] + u[0]), sigmoid(a[1] + u[1])
        product = r * u[2] if reset == "after" else (r * inner) @ w["recurrent_kernel"][8:].T
        h = (1 - z) * np.tanh(a[2] + product) + z * h
    np.testing.assert_allclose(cell(x)[1][0].detach().numpy(), h, rtol=1e-12)


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
def test_the_projected_lstm_equals_torchs():
    cell, x = drawn_cell(projection=2)
    theirs = torch.nn.LSTM(3, 4, batch_first=True, proj_size=2).double()
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(cell.input_kernel)
        theirs.weight_hh_l0.copy_(cell.recurrent_kernel)
        theirs.weight_hr_l0.copy_(cell.projection_kernel)
        theirs.bias_ih_l0.copy_(cell.bias)
        theirs.bias_hh_l0.zero_()
    y, (h, c) = theirs(x)
    torch.testing.assert_close(cell(x), (y, (h[0], c[0])))


def test_a_mogrifier_starts_near_the_identity():
    cell = create_cell("lstm", input_size=64, units=64, mogrifier_rounds=5, mogrifier_rank=8)
    x, h = torch.full((1, 64), 0.1), torch.full((1, 64), 0.1)
    for before, after in zip((x, h), cell.mogrifier(x, h), strict=True):
        torch.testing.assert_close(after, before, rtol=0.2, atol=0.0)


@pytest.mark.parametrize("name", ["rnn", "gru", "lstm"])
def test_weight_drop_is_one_scaled_mask_over_the_recurrent_weights_of_a_call(name):
    dropping, x = drawn_cell(name, weight_drop=0.25, dropout_generator=torch.Generator().manual_seed(5))
    plain, _ = drawn_cell(name)
    U = dropping.recurrent_kernel
    mask = torch.empty_like(U).bernoulli_(0.75, generator=torch.Generator().manual_seed(5)) / 0.75
    before = U.detach().clone()
    found = dropping(x)
    with torch.no_grad():
        plain.recurrent_kernel.mul_(mask)
    torch.testing.assert_close(found, plain(x))
    assert dropping.recurrent_kernel is U  # no attribute was replaced
    assert U.is_contiguous()
    assert torch.equal(U, before)
    found[0].sum().backward()
    assert torch.equal(U.grad == 0, mask == 0)  # what was dropped learns nothing


@pytest.mark.parametrize("name", ["rnn", "gru", "lstm"])
def test_weight_drop_stays_on_the_fast_path(name):
    def chosen(**options):
        cell = create_cell(name, input_size=2, units=3, **options)
        masks = cell.draw_recurrent_mask(2), cell.draw_recurrent_kernel(), cell.draw_holds(2, 4)
        return choose_kernel(Call(cell, torch.zeros(2, 4, 2), cell.initial_state(2), None, *masks))

    assert chosen(weight_drop=0.5) is chosen() is not KERNELS.load("reference")


@pytest.mark.parametrize(
    ("name", "rates"), [("rnn", [0.3]), ("gru", [0.3]), ("lstm", [0.3, 0.6]), ("lstm", [0.0, 0.6])]
)
def test_zoneout_keeps_old_values_and_h_comes_from_the_new_c(name, rates):
    options = dict(zip(("zoneout", "zoneout_cell"), rates, strict=False))
    cell, x = drawn_cell(name, **options, dropout_generator=torch.Generator().manual_seed(5))
    plain, _ = drawn_cell(name)
    generator = torch.Generator().manual_seed(5)
    held = [torch.empty(5, 2, 4).double().bernoulli_(rate, generator=generator) if rate else None for rate in rates]
    for training in (True, False):
        y, _ = cell.train(training)(x)
        state = plain.initial_state(2)
        for t in range(5):
            _, new = plain.step(x[:, t], state)  # h of the LSTM from its new c
            shares = [0.0 if rate == 0.0 else held[n][t] if training else rate for n, rate in enumerate(rates)]
            state = tuple(share * a + (1 - share) * b for share, a, b in zip(shares, state, new, strict=True))
            torch.testing.assert_close(y[:, t], state[0])


def test_a_step_takes_zoneouts_mean_in_training_too():
    cell, x = drawn_cell(zoneout=0.3, zoneout_cell=0.6)
    h, c = state = tuple(torch.ones(2, 4, dtype=torch.float64) for _ in range(2))
    _, (new_h, new_c) = drawn_cell()[0].step(x[:, 0], state)
    for training in (True, False):
        found = cell.train(training).step(x[:, 0], state)[1]
        torch.testing.assert_close(found, (0.3 * h + 0.7 * new_h, 0.6 * c + 0.4 * new_c))


@pytest.mark.parametrize("coupled", [False, True])
def test_the_forget_bias_is_where_the_forget_gate_starts(coupled):
    bias = create_cell("lstm", input_size=3, units=2, coupled=coupled, forget_bias=2.5).bias
    assert bias.tolist() == ([] if coupled else [0, 0]) + [2.5, 2.5, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("name", "options", "why"),
    [
        ("gru", {"mogrifier_rounds": 2}, "mogrifier_rounds"),
        ("lstm", {"coupled": True, "peepholes": True}, "coupled and peepholes"),
        ("lstm", {"projection": 2}, "projection"),
        ("lstm", {"zoneout_cell": 0.1}, "zoneout"),
    ],
)
def test_torch_refuses_what_it_does_not_compute(name, options, why):
    cell = create_cell(name, input_size=2, units=3, kernel="torch", **options)
    with pytest.raises(SettingsError, match=f"the kernel 'torch' cannot compute this call: torch.* {why}"):
        cell(torch.zeros(2, 4, 2))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("lstm", {"mogrifier_rounds": -1}, r"mogrifier_rounds must be a whole number of at least 0 \(found -1\)"),
        ("gru", {"mogrifier_rounds": 2, "mogrifier_rank": 0}, "mogrifier_rank must be a whole number of at least 1"),
        ("gru", {"mogrifier_rank": 2}, r"mogrifier_rank is set \(2\) and mogrifier_rounds is 0: set rounds"),
        ("lstm", {"coupled": 1}, r"coupled must be true or false \(found 1\)"),
        ("lstm", {"peepholes": "yes"}, r"peepholes must be true or false \(found 'yes'\)"),
        ("lstm", {"projection": 0}, "projection must be a whole number of at least 1"),
        ("lstm", {"forget_bias": float("inf")}, r"forget_bias must be a finite number \(found inf\)"),
        ("lstm", {"forget_bias": True}, "forget_bias must be a finite number"),
        ("rnn", {"weight_drop": 1.0}, r"weight_drop must be a share from 0 to below 1 \(found 1.0\)"),
        ("rnn", {"zoneout": -0.1}, "zoneout must be a share"),
        ("lstm", {"zoneout_cell": 2}, "zoneout_cell must be a share"),
        ("rnn", {"peepholes": True}, "the cell 'rnn' has no option 'peepholes'"),
        ("gru", {"zoneout_cell": 0.1}, "the cell 'gru' has no option 'zoneout_cell': did you mean 'zoneout'"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused(name, options, message):
    with pytest.raises(SettingsError, match=message):
        create_cell(name, input_size=2, units=3, **options)


def test_options_in_force_are_printed():
    text = str(create_cell("lstm", input_size=2, units=3, coupled=True, weight_drop=0.5, zoneout=0.1, zoneout_cell=0.2))
    assert "weight_drop=0.5, zoneout=0.1, zoneout_cell=0.2, coupled" in text
