import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewise.cells.parallel import repeat_over_padding
from gatewise.cells.scan import linear_scan

size = st.integers(1, 4)
every_format = pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex64, torch.complex128])
GAPS = torch.tensor([[True, False, True, False], [False, True, True, False]])


def draw(*shape, seed=1, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def plain_loop(a, b, start, mask=None):
    a, steps = a.expand(b.shape), []
    for t in range(b.shape[1]):
        new = a[:, t] * start + b[:, t]
        start = new if mask is None else torch.where(mask[:, t, None], new, start)
        steps.append(start)
    return torch.stack(steps, dim=1)


@every_format
@given(batch=st.integers(0, 4), T=size, N=size, data=st.data())
@settings(max_examples=20, deadline=None)
def test_equals_a_plain_loop(dtype, batch, T, N, data):
    shape = data.draw(st.sampled_from([(batch, T, N), (1, T, N), (batch, 1, N), (N,), (1, 1, 1), ()]))
    mask = data.draw(st.sampled_from([None, draw(batch, T) > 0, torch.zeros(batch, T, dtype=torch.bool)]))
    call = draw(*shape, dtype=dtype), draw(batch, T, N, seed=2, dtype=dtype), draw(batch, N, seed=3, dtype=dtype), mask
    s = linear_scan(*call)
    assert s.dtype == dtype
    torch.testing.assert_close(s, plain_loop(*call))


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("shape", [(2, 4, 3), (3,), (2, 1, 3)])
@pytest.mark.parametrize("mask", [None, GAPS], ids=["whole", "gaps"])
def test_first_and_second_derivatives_equal_finite_differences(dtype, shape, mask):
    call = draw(*shape, dtype=dtype), draw(2, 4, 3, seed=2, dtype=dtype), draw(2, 3, seed=3, dtype=dtype)
    call = [part.requires_grad_() for part in call]
    assert torch.autograd.gradcheck(lambda *parts: linear_scan(*parts, mask), call)
    assert torch.autograd.gradgradcheck(lambda *parts: linear_scan(*parts, mask), call)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_the_gradient_is_the_same_whether_or_not_a_second_one_is_wanted(dtype):
    call = draw(2, 9, 3, dtype=dtype), draw(2, 9, 3, seed=2, dtype=dtype), draw(2, 3, seed=3, dtype=dtype)
    call = [part.requires_grad_() for part in call]
    loss = linear_scan(*call).abs().square().sum()
    plain = torch.autograd.grad(loss, call, retain_graph=True)
    torch.testing.assert_close(torch.autograd.grad(loss, call, create_graph=True), plain)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_widest_number_format_decides(place):
    call = [draw(3, dtype=torch.float32), draw(2, 4, 3, dtype=torch.float32), draw(2, 3, dtype=torch.float32)]
    call[place] = draw(*call[place].shape, seed=4, dtype=torch.complex128)
    s = linear_scan(*call)
    assert s.dtype == torch.complex128
    torch.testing.assert_close(s, plain_loop(*call))


def test_what_stands_under_the_mask_reaches_nothing():
    a, b, start = draw(2, 4, 3), draw(2, 4, 3, seed=2), draw(2, 3, seed=3)
    broken = [torch.where(GAPS[:, :, None], part, float("nan")).requires_grad_() for part in (a, b)]
    s = linear_scan(*broken, start, GAPS)
    torch.testing.assert_close(s, plain_loop(a, b, start, GAPS))
    for gradient in torch.autograd.grad(s.sum(), broken):
        assert gradient.isfinite().all()
        assert not gradient[~GAPS].any()


def test_views_of_any_layout_will_do():
    a, b = draw(4, 2, 6).transpose(0, 1)[:, :, ::2], draw(2, 4, 3, seed=2)
    assert not a.is_contiguous()
    torch.testing.assert_close(linear_scan(a, b, draw(2, 3)), plain_loop(a, b, draw(2, 3)))


@pytest.mark.parametrize(
    ("real", "expected"),
    [
        ([True, False, True, False], [0, 0, 2, 2]),
        ([False, False, True, True], [-1, -1, 2, 3]),
        ([False] * 4, [-1] * 4),
    ],
)
def test_outputs_repeat_over_the_padding(real, expected):
    y, before = torch.arange(4.0).view(1, 4, 1), torch.full((1, 1), -1.0)
    assert repeat_over_padding(y, before, torch.tensor([real])).flatten().tolist() == expected
