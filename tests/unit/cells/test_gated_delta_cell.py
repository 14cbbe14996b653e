import numpy as np
import pytest
import torch

from gatewise.cells import create_cell


def drawn_cell(**options):
    generator = torch.Generator().manual_seed(0)
    cell = create_cell("gated_delta", input_size=3, units=4, generator=generator, **options).double()
    with torch.no_grad():
        for weight in cell.parameters():
            weight.normal_(0.0, 0.5, generator=generator)
    return cell, torch.randn(2, 5, 3, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("kernel", ["reference", "parallel"])
@pytest.mark.parametrize(("heads", "negative"), [(1, False), (2, True)])
def test_equals_the_papers_equation(kernel, heads, negative):
    cell, x = drawn_cell(heads=heads, negative_eigenvalues=negative, kernel=kernel)
    sums = (x @ cell.input_kernel.T).detach().numpy()
    a, bias = cell.log_decay.detach().numpy(), cell.decay_bias.detach().numpy()
    d = 4 // heads

    def sigmoid(values):
        return 1.0 / (1.0 + np.exp(-values))

    for b in range(2):
        for head in range(heads):
            own = slice(head * d, (head + 1) * d)
            S = np.zeros((d, d))
            for row in sums[b]:
                q, k, v = (part[own] * sigmoid(part[own]) for part in np.split(row[:12], 3))
                q, k = (part / np.sqrt(part @ part + 1e-6) for part in (q, k))
                alpha = np.exp(-np.exp(a[head]) * np.log1p(np.exp(row[12 + head] + bias[head])))
                beta = sigmoid(row[12 + heads + head]) * (2.0 if negative else 1.0)
                S = S @ (alpha * (np.eye(d) - beta * np.outer(k, k))) + beta * np.outer(v, k)
            h_end, S_end = (part[b].detach().numpy() for part in cell(x)[1])
            np.testing.assert_allclose(S_end[head], S, rtol=1e-10, atol=1e-12)
            np.testing.assert_allclose(h_end[own], S @ q, rtol=1e-10, atol=1e-12)


def steps(cell, writes, query, *, alpha=1.0, beta=1.0):
    """Read under `query` after pairs (key, value) were written, from given gates; by both ways of computing."""
    rows = [torch.cat([query, key, value, torch.tensor([np.log(alpha), beta])]) for key, value in writes]
    projected = torch.stack(rows).double()[None]
    start = cell.initial_state(1)
    y, end = cell.parallel(projected, start, None, None)
    state = start
    for t in range(len(writes)):
        state = cell.update(projected[:, t], state[0], state)
    torch.testing.assert_close(state, end)
    return y[0, -1]


E = torch.eye(4, dtype=torch.float64)
VALUES = torch.tensor([[1.0, -2.0, 3.0, 0.5], [4.0, 0.0, -1.0, 2.0], [-3.0, 1.0, 0.0, 7.0]], dtype=torch.float64)


def test_a_stored_pair_is_recalled_exactly_and_written_over():
    cell, _ = drawn_cell()
    pairs = list(zip(E, VALUES, strict=False))
    for key, value in pairs:
        assert torch.equal(steps(cell, pairs, key), value)
    again = [*pairs, (E[0], VALUES[2])]
    assert torch.equal(steps(cell, again, E[0]), VALUES[2])
    assert torch.equal(steps(cell, again, E[1]), VALUES[1])


def test_alpha_fades_everything_and_beta_two_turns_the_sign_under_its_key():
    cell, _ = drawn_cell()
    pairs = [(E[0], VALUES[0]), (E[1], VALUES[1])]
    faded = steps(cell, [*pairs, (E[2], VALUES[2])], E[0], alpha=0.5)
    torch.testing.assert_close(faded, VALUES[0] / 4)
    nothing = torch.zeros(4, dtype=torch.float64)
    once = steps(cell, [(E[0], VALUES[0] / 2), (E[1], VALUES[1] / 2)], E[0], beta=2.0)
    turned = steps(cell, [(E[0], VALUES[0] / 2), (E[1], VALUES[1] / 2), (E[0], nothing)], E[0], beta=2.0)
    torch.testing.assert_close(turned, -once)
    torch.testing.assert_close(once, VALUES[0])


@pytest.mark.parametrize(("negative", "largest"), [(False, 1.0), (True, 2.0)])
def test_negative_eigenvalues_let_beta_go_up_to_two(negative, largest):
    cell, _ = drawn_cell(negative_eigenvalues=negative)
    x = torch.linspace(-100.0, 100.0, 201, dtype=torch.float64)[:, None].expand(-1, 3)
    beta = cell.project(x)[:, -1]
    assert beta.min() < 0.001
    torch.testing.assert_close(beta.max().item(), largest)


def test_decay_starts_as_in_mamba_2():
    cell = create_cell("gated_delta", input_size=3, units=256, heads=256, generator=torch.Generator().manual_seed(0))
    rate, step = cell.log_decay.exp(), torch.nn.functional.softplus(cell.decay_bias)
    for found, low, high in [(rate, 1.0, 16.0), (step, 0.001, 0.1)]:
        assert low * 0.999 <= found.min() < low * 1.1
        assert high * 0.9 < found.max() <= high * 1.001
    assert step.median() < 0.02  # even in the logarithm
