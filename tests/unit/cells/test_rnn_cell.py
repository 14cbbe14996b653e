import numpy as np
import torch

from gatewise.cells import create_cell


def drawn_cell(**options):
    generator = torch.Generator().manual_seed(0)
    cell = create_cell("rnn", input_size=3, units=4, generator=generator, **options).double()
    with torch.no_grad():
        for weight in cell.parameters():
            weight.normal_(0.0, 0.5, generator=generator)
    return cell, torch.randn(2, 5, 3, generator=generator, dtype=torch.float64)


def test_equals_torch_with_the_same_weights():
    cell, x = drawn_cell()
    theirs = torch.nn.RNN(3, 4, batch_first=True).double()
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(cell.input_kernel)
        theirs.weight_hh_l0.copy_(cell.recurrent_kernel)
        theirs.bias_ih_l0.copy_(cell.bias)
        theirs.bias_hh_l0.zero_()
    start = torch.randn(2, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    y, h = theirs(x, start[None])
    for kernel in ("torch", "reference"):
        cell.kernel = kernel
        torch.testing.assert_close(cell(x, (start,)), (y, (h[0],)))


def test_equals_the_paper_with_recurrent_dropout():
    cell, x = drawn_cell(recurrent_dropout=0.5, dropout_generator=torch.Generator().manual_seed(5))
    keep = torch.empty(2, 4, dtype=torch.float64).bernoulli_(0.5, generator=torch.Generator().manual_seed(5)).numpy()
    W, U, b = (weight.detach().numpy() for weight in (cell.input_kernel, cell.recurrent_kernel, cell.bias))
    h = np.zeros((2, 4))
    for t in range(5):
        h = np.tanh(x[:, t].numpy() @ W.T + (h * keep / 0.5) @ U.T + b)
    np.testing.assert_allclose(cell(x)[1][0].detach().numpy(), h, rtol=1e-12)


def test_the_bias_starts_at_zero():
    assert not create_cell("rnn", input_size=3, units=4).bias.any()
