"""The compiled loops against the reference loop in float64 and against torch's own modules: sizes, options, uses."""

import copy
import ctypes
from functools import cache

import pytest
import torch
from torch.func import functional_call

from gatewise.cells import create_cell
from gatewise.cells.kernels import Call, library
from gatewise.cells.kernels.library import pool
from gatewise.registry import KERNELS

pytestmark = pytest.mark.skipif(
    library.library() is None, reason="the compiled kernels are not built for this machine, or GATEWISE_NATIVE=none"
)

CELLS = {
    "rnn": ("rnn", {}),
    "gru": ("gru", {}),
    "gru before": ("gru", {"reset": "before"}),
    "lstm": ("lstm", {}),
    "lstm_norm": ("lstm_norm", {}),
}
every_cell = pytest.mark.parametrize("name", CELLS)
every_cell_with_steps = pytest.mark.parametrize("name", [name for name in CELLS if name != "lstm_norm"])
load_build = cache(library.Library)


@pytest.fixture(params=["avx2", "avx512"])
def build(request, monkeypatch):
    """Compute with one build, whichever this processor would take."""
    path = library.Path(library.__file__).parent / f"gatewise_{request.param}.so"
    if request.param not in library._BUILDS.get(torch.backends.cpu.get_cpu_capability(), ()) or not path.is_file():
        pytest.skip(f"{request.param} is not built or not in this processor")
    for module in ("native", "library"):
        monkeypatch.setattr(f"gatewise.cells.kernels.{module}.library", lambda: load_build(path))


@pytest.fixture
def threads():
    """Give a setter of torch's number of threads; afterwards it is as before."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def make(name, inputs, units, seed=1, **options):
    kind, own = CELLS[name]
    g, threads = torch.Generator().manual_seed(seed), torch.get_num_threads()
    torch.set_num_threads(1)  # the QR that draws orthogonal weights can take minutes in two threads of a busy machine
    cell = create_cell(kind, input_size=inputs, units=units, generator=g, kernel="native", **own, **options)
    torch.set_num_threads(threads)
    with torch.no_grad():
        for weight in cell.parameters():
            weight += 0.2 * torch.randn(weight.shape, generator=g)  # no bias is zero, no gain is one
    return cell


def draw(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def start_of(cell, batch, seed=5):
    return tuple(draw(batch, cell.units, seed=seed + k) for k in range(len(cell.state_names)))


def everything(cell, x, state=None, mask=None, drop=None, kernel_drop=None, holds=None, *, kernel="native"):
    """Return outputs, last state and all gradients, by name; the reference loop computes in float64."""
    state = start_of(cell, x.shape[0]) if state is None else state
    if kernel == "reference":
        cell, x = copy.deepcopy(cell).double(), x.double()
        state = tuple(part.double() for part in state)
        drop, kernel_drop = (None if one is None else one.double() for one in (drop, kernel_drop))
        holds = holds and tuple(one.double() if isinstance(one, torch.Tensor) else one for one in holds)
    x, *state = (part.detach().requires_grad_() for part in (x, *state))
    dropped = None if kernel_drop is None else cell.recurrent_kernel * kernel_drop
    call = Call(cell, x, tuple(state), mask, drop, dropped, holds)
    assert KERNELS.load(kernel).refusal(call) is None
    y, ends = KERNELS.load(kernel).run(call)
    loss = sum((out * draw(*out.shape, seed=9 + k).to(out.dtype)).sum() for k, out in enumerate((y, *ends)))
    inputs = {"x": x, **dict(cell.named_parameters()), **dict(zip(cell.state_names, state, strict=True))}
    grads = torch.autograd.grad(loss, list(inputs.values()))
    outs = {"y": y, **{f"last {key}": end for key, end in zip(cell.state_names, ends, strict=True)}}
    return {key: out.detach() for key, out in outs.items()} | dict(zip(inputs, grads, strict=True))


def agree(found, expected, tolerance=1e-5):
    """Every tensor agrees relative to its own greatest value; what is small is a sum whose terms have cancelled."""
    for key, one in expected.items():
        error, scale = (found[key].double() - one).abs().max().item(), one.abs().max().item()
        assert error <= tolerance * max(scale, 0.1), f"{key}: {error:.1e} of {scale:.1e}"


def options_of(place, cell, batch, steps):
    """Return one of the ways to call a cell, by its place in a cycle."""
    kept = torch.rand(steps, batch, cell.units, generator=torch.Generator().manual_seed(7))
    drop = {"drop": (draw(batch, cell.units, seed=3) > 0) * 2.0}
    mask = {"mask": draw(batch, steps, seed=4) > 0}
    ways = [{}, mask, drop, mask | drop]
    if type(cell).__name__ == "LayerNormLSTM":
        return ways[place % len(ways)]
    parts = len(cell.state_names)
    weight_drop = {"kernel_drop": (draw(*cell.recurrent_kernel.shape, seed=8) > 0) * 2.0}
    holds = {"holds": ((kept < 0.3) * 1.0, None if place % 2 else (kept > 0.6) * 1.0)[:parts]}
    mean = {"holds": (0.3, 0.2)[:parts]}
    ways += [weight_drop | mask, holds, holds | mask | drop, mean, mean | mask | weight_drop]
    return ways[place % len(ways)]


@every_cell
@pytest.mark.parametrize("units", [1, 7, 16, 33, 70, 130])
def test_every_size_and_option_equals_the_reference_loop(name, units, build, threads):
    threads(3)
    place = units
    for batch in (1, 3, 6, 8, 13):
        for steps in (1, 2, 5):
            place += 1
            cell = make(name, (1, 3, 9, 40)[place % 4], units, seed=place)
            if name == "lstm_norm" and cell.input_size == 1:  # LN(W x) of one input has one direction: nothing to learn
                cell = make(name, 2, units, seed=place)
            x, options = draw(batch, steps, cell.input_size, seed=place), options_of(place, cell, batch, steps)
            tolerance = 1e-4 if name == "lstm_norm" and units < 16 else 1e-5  # a norm over few numbers divides by ~0
            agree(everything(cell, x, **options), everything(cell, x, **options, kernel="reference"), tolerance)


def long_call(name):
    cell = make(name, 3, 32)
    if name == "lstm_norm":  # else chaotic: float32 errors grow a thousandfold, in the reference loop too
        cell.recurrent_gain.data.mul_(0.3)
    return cell, draw(2, 1000, 3)


@cache
def long_reference(name):
    return everything(*long_call(name), kernel="reference")


@every_cell
def test_a_thousand_steps_equal_the_reference_loop(name, build):
    agree(everything(*long_call(name)), long_reference(name))


@pytest.mark.parametrize(("name", "module"), [("rnn", torch.nn.RNN), ("gru", torch.nn.GRU), ("lstm", torch.nn.LSTM)])
def test_equals_torchs_module_with_the_same_weights(name, module, build):
    cell, theirs = make(name, 9, 33), module(9, 33, batch_first=True).double()
    names = {"weight_ih_l0": "input_kernel", "weight_hh_l0": "recurrent_kernel", "bias_ih_l0": "bias"}
    with torch.no_grad():
        for key, own in names.items():
            getattr(theirs, key).copy_(getattr(cell, own))
        if name == "gru":
            names["bias_hh_l0"] = "recurrent_bias"
            theirs.bias_hh_l0.copy_(cell.recurrent_bias)
        else:  # their two biases are summed in ours
            theirs.bias_ih_l0.sub_(theirs.bias_hh_l0)
    x, state = draw(5, 7, 9), start_of(cell, 5)
    found = everything(cell, x, state)
    x, *state = (part.double().requires_grad_() for part in (x, *state))
    y, ends = theirs(x, tuple(part[None] for part in state) if name == "lstm" else state[0][None])
    ends = [end[0] for end in (ends if name == "lstm" else [ends])]
    loss = sum((out * draw(*out.shape, seed=9 + k).double()).sum() for k, out in enumerate((y, *ends)))
    grads = torch.autograd.grad(loss, [x, *(getattr(theirs, key) for key in names), *state])
    expected = dict(zip(["x", *names.values(), *cell.state_names], grads, strict=True))
    agree(found, expected | {"y": y, "last h": ends[0]})


@every_cell
def test_same_threads_same_bits_other_threads_same_numbers(name, build, threads):
    cell, x = make(name, 9, 130), draw(13, 20, 9)
    mask = draw(13, 20, seed=4) > -1
    results = {}
    for count in (1, 2, 5):
        threads(count)
        results[count], again = everything(cell, x, mask=mask), everything(cell, x, mask=mask)
        assert all(torch.equal(again[key], one) for key, one in results[count].items())
    for count in (2, 5):
        agree(results[count], results[1])


def poison():
    """Put NaN into all memory that the pool would give out again."""
    for one in pool._free:
        one.fill_(torch.nan)


@pytest.fixture
def nan_in_fresh_memory():
    torch.use_deterministic_algorithms(True)  # torch then fills what `torch.empty` gives with NaN
    yield
    torch.use_deterministic_algorithms(False)


@every_cell
@pytest.mark.parametrize(("batch", "steps"), [(1, 1), (1, 5), (5, 1), (3, 5)])
@pytest.mark.parametrize("inputs", [3, 9])
def test_nothing_is_read_that_was_not_written(name, batch, steps, inputs, nan_in_fresh_memory, build):
    for place in range(9):
        cell, x = make(name, inputs, 19), draw(batch, steps, inputs)
        options = options_of(place, cell, batch, steps)
        for _ in range(2):
            assert all(one.isfinite().all() for one in everything(cell, x, **options).values())
            poison()


@every_cell
@pytest.mark.parametrize(("batch", "steps"), [(1, 1), (1, 5), (5, 1), (3, 5)])
@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_memory_that_is_used_again_is_not_what_a_user_holds(name, batch, steps, mode):
    cell, x = make(name, 9, 19), draw(batch, steps, 9)
    with mode():
        y, ends = cell(x, start_of(cell, batch))
        stepped = [cell.step(x[:, 0], start_of(cell, batch))[1]]
        stepped.append(cell.step(x[:, 0], stepped[0])[1])
        held = [y, *ends, *stepped[0], *stepped[1]]
        copies = [one.clone() for one in held]
        poison()
        cell(x), cell.step(x[:, 0], start_of(cell, batch))
        poison()
    assert all(map(torch.equal, held, copies))


@every_cell
def test_gradients_may_be_asked_for_twice_with_other_calls_between(name):
    cell, x = make(name, 9, 33), draw(3, 6, 9).requires_grad_()
    wanted = [x, *cell.parameters()]
    loss = cell(x)[0].square().sum()
    first = torch.autograd.grad(loss, wanted, retain_graph=True)
    copies = [one.clone() for one in first]
    for _ in range(3):
        cell(2.0 * x)[0].sum().backward()
    poison()
    second = torch.autograd.grad(loss, wanted)
    assert all(map(torch.equal, first, copies))
    torch.testing.assert_close(second, first)


@every_cell
def test_gradients_of_gradients_equal_those_of_the_reference_loop(name):
    cell, x = make(name, 3, 7), draw(3, 4, 3)
    mask, state = draw(3, 4, seed=4) > -1, draw(3, 7, seed=5)
    double = copy.deepcopy(cell).double()
    double.kernel = "reference"
    found = []
    for one, dtype in ((cell, torch.float32), (double, torch.float64)):
        given = x.to(dtype).requires_grad_(), state.to(dtype).requires_grad_()  # h and c are one tensor
        y, _ = one(given[0], (given[1],) * len(one.state_names), mask)
        wanted = [*given, *one.parameters()]
        grads = torch.autograd.grad(y.square().sum(), wanted, create_graph=True)
        seconds = torch.autograd.grad(sum(g.square().sum() for g in grads), wanted)
        found.append({str(place): grad.detach() for place, grad in enumerate((*grads, *seconds))})
    agree(*found, tolerance=1e-4)


@every_cell
def test_weights_and_states_of_any_layout_give_the_same(name):
    cell, x = make(name, 3, 7), draw(7, 3, 5).permute(0, 2, 1)
    weights = {key: torch.stack([one, one], dim=-1)[..., 0] for key, one in cell.named_parameters()}
    weights["input_kernel"] = draw(3, cell.input_kernel.shape[0]).t()
    weights["bias"] = torch.tensor(0.25).expand(cell.bias.shape)
    state = tuple(draw(7, 7, seed=5 + k).t() for k in range(len(cell.state_names)))
    assert not any(one.is_contiguous() for one in (x, *state, *weights.values()))
    expanded = tuple(draw(1, 7, seed=5).expand(7, 7) for _ in state)
    for start in (state, expanded):
        found = []
        for given, given_x, given_start in (
            (weights, x, start),
            ({k: w.contiguous() for k, w in weights.items()}, x.contiguous(), [s.contiguous() for s in start]),
        ):
            parts = [one.detach().requires_grad_() for one in (given_x, *given_start)]
            y, _ = functional_call(cell, given, (parts[0], tuple(parts[1:])))
            loss = y.select(2, 2).sum() + (y * draw(7, 5, 7)).sum()
            with torch.no_grad():
                stepped = functional_call(
                    Steps(cell), {f"cell.{k}": w for k, w in given.items()}, (given_x, given_start)
                )
            found.append([y.detach(), stepped, *torch.autograd.grad(loss, parts)])
        torch.testing.assert_close(*found, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(found[0][0], found[0][1], rtol=1e-5, atol=1e-5)


class Steps(torch.nn.Module):
    """A whole sequence by single steps."""

    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def forward(self, x, state):
        outputs = []
        for step in x.unbind(1):
            h, state = self.cell.step(step, tuple(state))
            outputs.append(h)
        return torch.stack(outputs, dim=1)


@every_cell
@pytest.mark.parametrize("batch", [1, 5, 64])
@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_single_steps_equal_the_whole_sequence(name, batch, mode):
    zoneout = {} if name == "lstm_norm" else {"zoneout": 0.25}
    cell, x = make(name, 9, 33, **zoneout).eval(), draw(batch, 6, 9)
    with mode():
        state = start_of(cell, batch)
        stepped = Steps(cell)(x, state)
        torch.testing.assert_close(stepped, cell(x, state)[0], rtol=1e-5, atol=1e-6)
    if mode is torch.enable_grad:
        torch.testing.assert_close(
            torch.autograd.grad(stepped.square().sum(), list(cell.parameters())),
            torch.autograd.grad(cell(x, state)[0].square().sum(), list(cell.parameters())),
            rtol=1e-4,
            atol=1e-4,
        )


@every_cell_with_steps
def test_a_step_takes_masks_and_holds_in_other_forms(name):
    cell, x = make(name, 3, 7), draw(4, 3)
    state, row, held = start_of(cell, 4), (draw(1, 7) > 0) * 2.0, (draw(1, 7, seed=2) > 0) * 1.0
    with torch.no_grad():
        parts = len(state)
        whole = cell.step(x, state, row.expand(4, 7), holds=(held.expand(4, 7),) * parts)[0]
        torch.testing.assert_close(cell.step(x, state, row, holds=(held,) * parts)[0], whole)
        cell.kernel = "reference"
        torch.testing.assert_close(cell.step(x, state, row, holds=(held,) * parts)[0], whole)
    cell.kernel = "native"
    for weight in cell.parameters():
        weight.requires_grad_(False)
    drawn = cell.recurrent_kernel.clone().requires_grad_()
    assert cell.step(x, state, recurrent_kernel=drawn)[0].requires_grad


@every_cell
def test_nan_in_a_real_input_is_seen_and_nan_in_padding_is_not(name, build):
    cell, x = make(name, 9, 19), draw(3, 5, 9)
    x[1, 2, 3] = torch.nan
    y, _ = cell(x)
    assert y[1, 2:].isnan().all()
    assert y[[0, 2]].isfinite().all()
    assert y[1, :2].isfinite().all()
    mask = torch.ones(3, 5, dtype=torch.bool)
    mask[1, 2] = False
    found = everything(cell, x, mask=mask)
    x[1, 2] = 100.0
    assert all(map(torch.equal, found.values(), everything(cell, x, mask=mask).values()))


@every_cell
def test_nan_in_any_gate_is_seen(name, build):
    for gate in range(make(name, 3, 19).bias.numel() // 19):
        cell = make(name, 3, 19)
        cell.bias.data[19 * gate : 19 * (gate + 1)] = torch.nan
        assert cell(draw(2, 5, 3), start_of(cell, 2))[0].isnan().all()


def control_register():
    """Return the MXCSR of this thread, from the end of glibc's fenv_t."""
    room = (ctypes.c_uint32 * 8)()
    assert ctypes.CDLL("libm.so.6").fegetenv(room) == 0
    return room[7]


@pytest.mark.parametrize("count", [1, 2])
def test_denormal_numbers_become_zero_and_the_caller_keeps_its_mode(count, build, threads):
    threads(count)
    cell = make("rnn", 1, 130)
    with torch.no_grad():
        for weight in cell.parameters():
            weight.zero_()
        cell.input_kernel.fill_(1e-20)
        x, before = torch.full((64, 5, 1), 1e-20), control_register()
        assert not cell(x)[0].any()
        assert control_register() == before
        cell.kernel = "reference"
        assert cell(x)[0].any()
