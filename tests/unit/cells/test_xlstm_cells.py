import itertools

import numpy as np
import pytest
import torch

from gatewise.cells import create_cell
from gatewise.errors import SettingsError


def drawn_cell(name, heads, **options):
    generator = torch.Generator().manual_seed(0)
    cell = create_cell(name, input_size=3, units=4, generator=generator, heads=heads, **options).double()
    with torch.no_grad():
        for weight in cell.parameters():
            weight.normal_(0.0, 0.5, generator=generator)
    return cell, torch.randn(2, 5, 3, generator=generator, dtype=torch.float64)


def sigmoid(a):
    return 1.0 / (1.0 + np.exp(-a))


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_slstm_equals_the_papers_equations_without_a_stabiliser(heads):
    cell, x = drawn_cell("slstm", heads)
    W, U, b = (weight.detach().numpy() for weight in (cell.input_kernel, cell.recurrent_kernel, cell.bias))
    d = 4 // heads
    h = c = n = np.zeros((2, 4))
    for x_t in x.numpy().transpose(1, 0, 2):
        gates = np.split(x_t @ W.T + b, 4, axis=1)
        for head, gate in itertools.product(range(heads), range(4)):
            own = slice(head * d, (head + 1) * d)
            gates[gate][:, own] += h[:, own] @ U[head, gate * d : (gate + 1) * d].T
        i, f, z, o = gates
        c = sigmoid(f) * c + np.exp(i) * np.tanh(z)
        n = sigmoid(f) * n + np.exp(i)
        h = sigmoid(o) * c / n
    h_end, c_end, n_end, m_end = (part.detach().numpy() for part in cell(x)[1])
    np.testing.assert_allclose(h_end, h, rtol=1e-10)
    np.testing.assert_allclose(c_end * np.exp(m_end), c, rtol=1e-10)
    np.testing.assert_allclose(n_end * np.exp(m_end), n, rtol=1e-10)


@pytest.mark.parametrize("kernel", ["reference", "parallel"])
@pytest.mark.parametrize("heads", [1, 2])
def test_mlstm_equals_the_papers_equations_without_a_stabiliser(heads, kernel):
    cell, x = drawn_cell("mlstm", heads, kernel=kernel)
    sums = (x @ cell.input_kernel.T + cell.bias).detach().numpy()
    d = 4 // heads
    for b, head in itertools.product(range(2), range(heads)):
        own = slice(head * d, (head + 1) * d)
        C, n = np.zeros((d, d)), np.zeros(d)
        for row in sums[b]:
            q, k, v, o = (part[own] for part in np.split(row[:16], 4))
            k, i, f = k / np.sqrt(d), np.exp(row[16 + head]), sigmoid(row[16 + heads + head])
            C, n = f * C + i * np.outer(v, k), f * n + i * k
            h = sigmoid(o) * (C @ q) / max(abs(n @ q), 1.0)
        h_end, C_end, n_end, m_end = (part[b].detach().numpy() for part in cell(x)[1])
        scale = np.exp(m_end[head])
        np.testing.assert_allclose(h_end[own], h, rtol=1e-10)
        np.testing.assert_allclose(C_end[head] * scale, C, rtol=1e-10)
        np.testing.assert_allclose(n_end[head] * scale, n, rtol=1e-10)


@pytest.mark.parametrize(("name", "kernel"), [("slstm", "reference"), ("mlstm", "reference"), ("mlstm", "parallel")])
def test_gates_of_a_hundred_overflow_nothing(name, kernel):
    """Two inputs move the gates i and f to +-100 in every order of four steps."""
    cell = create_cell(name, input_size=3, units=4, kernel=kernel, generator=torch.Generator().manual_seed(0))
    gates = {"slstm": [(0, 4), (4, 8)], "mlstm": [(16, 17), (17, 18)]}[name]
    with torch.no_grad():
        for column, (first, last) in enumerate(gates):
            cell.input_kernel[first:last, column] = 100.0
    signs = torch.tensor(list(itertools.product([1.0, -1.0], repeat=8))).view(256, 4, 2)
    x = torch.cat([signs, torch.linspace(-1.0, 1.0, 256 * 4).view(256, 4, 1)], dim=-1).requires_grad_()
    y, state = cell(x)
    y.sum().backward()
    for part in (y, *state, x.grad, *(weight.grad for weight in cell.parameters())):
        assert part.isfinite().all()
    assert y.abs().max() > 0.01


def test_mlstm_reads_zero_where_its_query_is_zero_and_its_memory_large():
    cell = create_cell("mlstm", input_size=1, units=2)
    with torch.no_grad():
        cell.bias[8] = 120.0  # the input gate: exp(-m) is zero in float32
    y, _ = cell(torch.zeros(1, 3, 1))
    assert torch.equal(y, torch.zeros(1, 3, 2))


def test_slstm_keeps_what_the_first_step_writes_however_small_its_input_gate():
    cell = create_cell("slstm", input_size=3, units=2, generator=torch.Generator().manual_seed(0))
    x = torch.tensor([[[1.0, -1.0, 2.0]]])
    expected, _ = cell(x)
    with torch.no_grad():
        cell.bias[:2] = -150.0
    torch.testing.assert_close(cell(x)[0], expected)
    assert expected.abs().min() > 0.01


def test_heads_of_slstm_do_not_see_each_other():
    cell, x = drawn_cell("slstm", heads=2)
    state = cell.initial_state(2)
    other = (state[0].clone(), *state[1:])
    other[0][:, 2:] = 1.0
    y, y_other = cell(x, state)[0], cell(x, other)[0]
    assert torch.equal(y[:, :, :2], y_other[:, :, :2])
    assert not torch.equal(y[:, :, 2:], y_other[:, :, 2:])


@pytest.mark.parametrize("name", ["slstm", "mlstm", "gated_delta"])
def test_heads_must_divide_the_units(name):
    with pytest.raises(SettingsError, match=r"heads must divide the 6 units \(found 4\): take one of 1, 2, 3, 6"):
        create_cell(name, input_size=3, units=6, heads=4)
    with pytest.raises(SettingsError, match=r"heads must be a whole number of at least 1 \(found 0\)"):
        create_cell(name, input_size=3, units=6, heads=0)


def test_start_weights_are_the_authors():
    slstm = create_cell("slstm", input_size=3, units=6, heads=2)
    i, f, z, o = slstm.bias.view(4, 2, 3)
    torch.testing.assert_close(f, torch.tensor([[5.0, 5.0 - 12.0 * 0.5**0.3, -7.0]] * 2))
    assert not any(part.any() for part in (i, z, o, slstm.recurrent_kernel))
    mlstm = create_cell("mlstm", input_size=50, units=400, heads=2, generator=torch.Generator().manual_seed(0))
    assert mlstm.bias[-2:].tolist() == [3.0, 6.0]
    assert bool((mlstm.bias[-4:-2].abs() < 0.5).all())
    assert not mlstm.bias[:-4].any()
    assert not mlstm.input_kernel[-4:].any()
    torch.testing.assert_close(mlstm.input_kernel[:-4].std().item(), (2 / (5 * 50)) ** 0.5, rtol=0.02, atol=0.0)
