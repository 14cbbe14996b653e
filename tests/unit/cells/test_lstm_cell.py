import numpy as np
import torch

from gatewise.cells import create_cell


def drawn_cell(**options):
    generator = torch.Generator().manual_seed(0)
    cell = create_cell("lstm", input_size=3, units=4, generator=generator, **options).double()
    with torch.no_grad():
        for weight in cell.parameters():
            weight.normal_(0.0, 0.5, generator=generator)
    return cell, torch.randn(2, 5, 3, generator=generator, dtype=torch.float64)


def test_equals_torch_with_the_same_weights():
    cell, x = drawn_cell()
    theirs = torch.nn.LSTM(3, 4, batch_first=True).double()
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(cell.input_kernel)
        theirs.weight_hh_l0.copy_(cell.recurrent_kernel)
        theirs.bias_ih_l0.copy_(cell.bias)
        theirs.bias_hh_l0.zero_()
    h, c = torch.randn(2, 2, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    y, (h_end, c_end) = theirs(x, (h[None], c[None]))
    for kernel in ("torch", "reference"):
        cell.kernel = kernel
        torch.testing.assert_close(cell(x, (h, c)), (y, (h_end[0], c_end[0])))


def test_equals_the_paper_with_recurrent_dropout():
    cell, x = drawn_cell(recurrent_dropout=0.5, dropout_generator=torch.Generator().manual_seed(5))
    keep = torch.empty(2, 4, dtype=torch.float64).bernoulli_(0.5, generator=torch.Generator().manual_seed(5)).numpy()
    W, U, b = (weight.detach().numpy() for weight in (cell.input_kernel, cell.recurrent_kernel, cell.bias))
    h = c = np.zeros((2, 4))

    def sigmoid(a):
        return 1.0 / (1.0 + np.exp(-a))

    for t in range(5):
        i, f, g, o = np.split(x[:, t].numpy() @ W.T + (h * keep / 0.5) @ U.T + b, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
    h_end, c_end = (part.detach().numpy() for part in cell(x)[1])
    np.testing.assert_allclose(h_end, h, rtol=1e-12)
    np.testing.assert_allclose(c_end, c, rtol=1e-12)


def test_the_forget_gates_bias_starts_at_one_and_the_others_at_zero():
    bias = create_cell("lstm", input_size=3, units=2).bias
    assert bias.tolist() == [0, 0, 1, 1, 0, 0, 0, 0]
