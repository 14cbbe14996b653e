"""minGRU, minLSTM, QRNN, SRU, IndRNN, RG-LRU and LRU: the papers' equations in NumPy, and their start weights."""

import math

import numpy as np
import pytest
import torch

from gatewise.cells import create_cell
from gatewise.errors import SettingsError

B, T, H = 2, 5, 4


def sigmoid(a):
    return 1.0 / (1.0 + np.exp(-a))


def mingru(w, x, state, keep):
    z, n = np.split(x @ w["input_kernel"].T + w["bias"], 2, axis=1)
    return ((1 - sigmoid(z)) * state[0] + sigmoid(z) * n * keep,)


def minlstm(w, x, state, keep):
    f, i, n = np.split(x @ w["input_kernel"].T + w["bias"], 3, axis=1)
    f, i = sigmoid(f), sigmoid(i)
    return (f / (f + i) * state[0] + i / (f + i) * n * keep,)


def qrnn(w, x, state, keep):
    window = np.concatenate([*state[2].swapaxes(0, 1), x], axis=1)
    z, f, o = np.split(window @ w["input_kernel"].T + w["bias"], 3, axis=1)
    c = sigmoid(f) * state[1] + (1 - sigmoid(f)) * np.tanh(z) * keep
    return sigmoid(o) * c, c, np.concatenate([state[2][:, 1:], x[:, None]], axis=1)


def sru(w, x, state, keep):
    W, W_f, W_r, *W_s = np.split(w["input_kernel"], w["input_kernel"].shape[0] // H)
    (v_f, v_r), (b_f, b_r), c = w["memory_kernel"], np.split(w["bias"], 2), state[1]
    f = sigmoid(x @ W_f.T + v_f * c + b_f)
    r = sigmoid(x @ W_r.T + v_r * c + b_r)
    c = f * c + (1 - f) * (x @ W.T) * keep
    return r * c + (1 - r) * (x @ W_s[0].T if W_s else math.sqrt(3) * x), c


def indrnn(w, x, state, keep):
    return (np.maximum(x @ w["input_kernel"].T + w["recurrent_kernel"] * state[0] * keep + w["bias"], 0.0),)


def rglru(w, x, state, keep):
    u = x @ w["input_kernel"].T if "input_kernel" in w else x
    parts = np.split(u, w["gate_kernel"].shape[0], axis=1)
    gates = [part @ W.T + b for part, W, b in zip(parts, w["gate_kernel"], w["gate_bias"], strict=True)]
    r, i = (sigmoid(np.concatenate([np.split(gate, 2, axis=1)[n] for gate in gates], axis=1)) for n in range(2))
    a = sigmoid(w["decay"]) ** (8 * r)
    return (a * state[0] + np.sqrt(1 - a**2) * i * u * keep,)


def lru(w, x, state, keep):
    factor = np.exp(-np.exp(w["nu"]) + 1j * np.exp(w["theta"]))
    into = w["input_kernel"][:, 0] + 1j * w["input_kernel"][:, 1]
    out = w["output_kernel"][:, :, 0] - 1j * w["output_kernel"][:, :, 1]
    s = factor * (state[1] @ np.array([1, 1j])) + np.exp(w["gamma"]) * (x @ into.T) * keep
    return (s @ out.T).real + x @ w["skip_kernel"].T, np.stack([s.real, s.imag], axis=-1)


@pytest.mark.parametrize("kernel", ["auto", "reference"])
@pytest.mark.parametrize(
    ("paper", "inputs", "options"),
    [
        (mingru, 3, {}),
        (minlstm, 3, {}),
        (qrnn, 3, {"width": 3}),
        (sru, 3, {}),
        (sru, H, {}),
        (indrnn, 3, {}),
        (rglru, 3, {}),
        (rglru, H, {"blocks": 2}),
        (lru, 3, {}),
    ],
)
def test_equals_the_paper_with_recurrent_dropout(paper, inputs, options, kernel):
    generator = torch.Generator().manual_seed(0)
    cell = create_cell(
        paper.__name__, input_size=inputs, units=H, kernel=kernel, recurrent_dropout=0.5,
        dropout_generator=torch.Generator().manual_seed(5), **options,
    ).double()  # fmt: skip
    with torch.no_grad():
        for weight in cell.parameters():
            weight.normal_(0.0, 0.5, generator=generator)
    x = torch.randn(B, T, inputs, generator=generator, dtype=torch.float64)
    start = [torch.randn(B, *shape, generator=generator, dtype=torch.float64) for shape in cell.state_sizes]
    keep = torch.empty(B, H, dtype=torch.float64).bernoulli_(0.5, generator=torch.Generator().manual_seed(5)).numpy()
    assert 0 < keep.sum() < B * H
    weights = {name: weight.detach().numpy() for name, weight in cell.named_parameters()}
    state, outputs = [part.numpy() for part in start], []
    for t in range(T):
        state = paper(weights, x[:, t].numpy(), state, keep / 0.5)
        outputs.append(state[0])
    y, end = cell(x, start)
    np.testing.assert_allclose(y.detach().numpy(), np.stack(outputs, axis=1), rtol=1e-10, atol=1e-12)
    for ours, theirs in zip(end, state, strict=True):
        np.testing.assert_allclose(ours.detach().numpy(), theirs, rtol=1e-10, atol=1e-12)


def test_qrnn_starts_as_a_convolution_over_zeros_on_the_left():
    cell = create_cell("qrnn", input_size=3, units=H, width=3, generator=torch.Generator().manual_seed(0))
    x = torch.randn(B, T, 3, generator=torch.Generator().manual_seed(1))
    kernel = cell.input_kernel.unflatten(1, (3, 3)).transpose(1, 2)  # (3H, I, width)
    padded = torch.nn.functional.pad(x.transpose(1, 2), (2, 0))
    z, f, o = torch.nn.functional.conv1d(padded, kernel, cell.bias).transpose(1, 2).chunk(3, dim=-1)
    c = torch.zeros(B, H)
    for t in range(T):
        c = torch.sigmoid(f[:, t]) * c + (1 - torch.sigmoid(f[:, t])) * torch.tanh(z[:, t])
    torch.testing.assert_close(cell(x)[0][:, -1], torch.sigmoid(o[:, -1]) * c)


def test_blocks_are_what_a_block_diagonal_matrix_computes():
    blocks = create_cell("rglru", input_size=H, units=H, blocks=2, generator=torch.Generator().manual_seed(0))
    dense = create_cell("rglru", input_size=H, units=H)
    r, i = blocks.gate_kernel.detach().chunk(2, dim=1)
    with torch.no_grad():
        dense.decay.copy_(blocks.decay)
        dense.gate_kernel.copy_(torch.cat([torch.block_diag(*r), torch.block_diag(*i)])[None])
    x = torch.randn(B, T, H, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(blocks(x), dense(x))


@pytest.mark.parametrize(("name", "weight"), [("minlstm", "bias"), ("rglru", "gate_bias")])
def test_closed_gates_give_finite_outputs_and_gradients(name, weight):
    cell = create_cell(name, input_size=3, units=H)
    with torch.no_grad():
        cell.get_parameter(weight).fill_(-300.0)
    y, _ = cell(torch.ones(B, T, 3))
    y.sum().backward()
    assert y.isfinite().all()
    assert all(one.grad.isfinite().all() for one in cell.parameters())


def wide(name, **options):
    return create_cell(name, input_size=100, units=400, generator=torch.Generator().manual_seed(0), **options)


def test_minlstm_starts_with_an_open_forget_gate():
    assert create_cell("minlstm", input_size=3, units=2).bias.tolist() == [1, 1, 0, 0, 0, 0]


def test_sru_starts_with_the_papers_variances():
    cell = wide("sru")
    variances = [part.var().item() * 100 for part in cell.input_kernel.detach().chunk(4)]
    assert variances == pytest.approx([1.0, 0.5, 0.5, 3.0], rel=0.03)
    assert cell.memory_kernel.var().item() == pytest.approx(0.5, rel=0.1)
    assert not cell.bias.any()


def test_indrnn_starts_with_memories_of_every_length():
    u = wide("indrnn").recurrent_kernel.detach()
    assert 0 <= u.min() < 0.01 < 0.99 < u.max() <= 1


def test_rglru_starts_with_decays_from_09_to_0999():
    cell = wide("rglru")
    decay = torch.sigmoid(cell.decay.detach().double()) ** 8
    assert 0.9 <= decay.min() < 0.901 < 0.998 < decay.max() <= 0.999
    assert decay.mean().item() == pytest.approx(0.9495, abs=0.005)
    assert cell.gate_kernel.std().item() == pytest.approx(1 / math.sqrt(400), rel=0.01)
    assert cell.input_kernel.std().item() == pytest.approx(1 / math.sqrt(100), rel=0.02)


def test_lru_starts_on_a_ring_that_keeps_the_size_of_its_state():
    cell = wide("lru", r_min=0.5, r_max=0.99, max_phase=1.0)
    radius = torch.exp(-torch.exp(cell.nu.detach()))
    assert 0.5 <= radius.min() < 0.52 < 0.98 < radius.max() <= 0.99
    assert radius.square().mean().item() == pytest.approx((0.5**2 + 0.99**2) / 2, rel=0.05)  # uniform in area
    phase = torch.exp(cell.theta.detach())
    assert 0 < phase.min() < 0.05 < 0.95 < phase.max() <= 1
    x = torch.randn(8, 300, 100, generator=torch.Generator().manual_seed(1))
    _, (_, s) = cell(x)
    assert s.square().sum(-1).mean().item() == pytest.approx(1.0, rel=0.1)  # that of the input: variance 1


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("qrnn", {"width": 0}, r"width must be a whole number of at least 1 \(found 0\)"),
        ("indrnn", {"activation": "gelu"}, r"activation must be one of relu, tanh \(found 'gelu'\)"),
        ("rglru", {"blocks": 3}, r"blocks must divide the 4 units \(found 3\)"),
        ("rglru", {"blocks": 0}, "blocks must be a whole number of at least 1"),
        ("lru", {"r_min": 0.9, "r_max": 0.5}, r"0 <= r_min < r_max <= 1 \(found 0.9 and 0.5\)"),
        ("lru", {"r_max": 1.1}, r"0 <= r_min < r_max <= 1 \(found 0.0 and 1.1\)"),
        ("lru", {"r_min": "low"}, r"r_min must be a finite number \(found 'low'\)"),
        ("lru", {"r_max": float("nan")}, r"r_max must be a finite number \(found nan\)"),
        ("lru", {"max_phase": 0.0}, r"max_phase must be above 0 and at most 2 pi \(found 0.0\)"),
        ("lru", {"max_phase": True}, r"max_phase must be a finite number \(found True\)"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused(name, options, message):
    with pytest.raises(SettingsError, match=message):
        create_cell(name, input_size=3, units=4, **options)


@pytest.mark.parametrize(
    ("name", "options", "shown"),
    [("qrnn", {"width": 3}, "width=3"), ("indrnn", {}, "activation='relu'"), ("rglru", {"blocks": 2}, "blocks=2")],
)
def test_a_printed_cell_says_its_options(name, options, shown):
    assert shown in repr(create_cell(name, input_size=3, units=4, **options))
