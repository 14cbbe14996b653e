"""The compiled part: finding and building it, the scan, recomputing, and its use from threads and forked processes."""

import copy
import importlib.util
import multiprocessing
import sys
import threading
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from torch.autograd import forward_ad
from torch.nn.utils import prune

from gatewise.cells import create_cell
from gatewise.cells.kernels import Call, library
from gatewise.cells.kernels.library import pool
from gatewise.cells.lstm import LSTM
from gatewise.cells.scan import linear_scan
from gatewise.errors import SettingsError
from gatewise.registry import KERNELS

ROOT = Path(__file__).parents[3]
compiled = pytest.mark.skipif(
    library.library() is None, reason="the compiled kernels are not built for this machine, or GATEWISE_NATIVE=none"
)
every_cell = pytest.mark.parametrize(
    ("name", "options"),
    [("rnn", {}), ("gru", {}), ("gru", {"reset": "before"}), ("lstm", {}), ("lstm_norm", {})],
    ids=["rnn", "gru", "gru before", "lstm", "lstm_norm"],
)


def draw(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def make(name, inputs, units, **options):
    return create_cell(
        name,
        input_size=inputs,
        units=units,
        generator=torch.Generator().manual_seed(1),
        **{"kernel": "native"} | options,
    )


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


# ---------------------------------------------------------------------------------------------- finding and building


@pytest.fixture
def look_again(monkeypatch):
    """Forget what was found, before and after."""
    library.library.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    library.library.cache_clear()


@pytest.mark.parametrize("wish", ["none", "avx1024"])
def test_the_variable_does_without_the_compiled_part(look_again, wish):
    look_again.setenv(library.VARIABLE, wish)
    assert library.library() is None
    cell = make("lstm", 2, 3, kernel="auto", recurrent_dropout=0.2)
    call = Call(cell, torch.zeros(2, 4, 2), cell.initial_state(2), None, None)
    assert "is not there" in KERNELS.load("native").refusal(call)
    assert cell(torch.zeros(2, 4, 2))[0].shape == (2, 4, 3)


@compiled
@pytest.mark.parametrize("name", ["avx2", "avx512"])
def test_the_variable_chooses_a_build(look_again, name):
    look_again.setenv(library.VARIABLE, name)
    there = name in library._BUILDS[torch.backends.cpu.get_cpu_capability()]
    found = library.library()
    assert (found.name if found else None) == (name if there else None)


def test_a_file_that_is_no_library_is_passed_by(look_again, tmp_path):
    look_again.setattr(library, "_BUILDS", {torch.backends.cpu.get_cpu_capability(): ("avx2",)})
    look_again.setattr(library, "__file__", str(tmp_path / "library.py"))
    look_again.delenv(library.VARIABLE, raising=False)
    assert library.library() is None  # no file at all
    library.library.cache_clear()
    (tmp_path / "gatewise_avx2.so").write_text("no library")
    assert library.library() is None


@pytest.fixture
def hatch_build(monkeypatch):
    """Load the build script; hatchling, which only builds have, is stood in for by its one name."""
    interface = types.ModuleType("hatchling.builders.hooks.plugin.interface")
    interface.BuildHookInterface = object
    monkeypatch.setitem(sys.modules, interface.__name__, interface)
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_source_builds_with_this_machines_compiler(hatch_build, tmp_path, look_again):
    compiler, names = hatch_build.own_compiler(), library._BUILDS.get(torch.backends.cpu.get_cpu_capability(), ())
    if compiler is None or "avx2" not in names:
        pytest.skip("no C compiler, or a processor without AVX2")
    source, target = ROOT / hatch_build.KERNELS / "csrc" / "native.c", tmp_path / "gatewise_avx2.so"
    hatch_build.compile_one(compiler, [*hatch_build.BUILDS["avx2"], "-Werror"], source, target)
    assert [one.name for one in tmp_path.iterdir()] == [target.name]
    look_again.setattr(library, "__file__", str(tmp_path / "library.py"))
    look_again.setenv(library.VARIABLE, "avx2")
    cell, x = make("lstm", 3, 19), draw(2, 5, 3)
    found = cell(x)[0]
    cell.kernel = "reference"
    torch.testing.assert_close(found, cell(x)[0])


def test_a_source_that_does_not_compile_leaves_the_old_build(hatch_build, tmp_path):
    compiler = hatch_build.own_compiler()
    if compiler is None:
        pytest.skip("no C compiler")
    (tmp_path / "broken.c").write_text("no C")
    (tmp_path / "old.so").write_text("old")
    with pytest.raises(hatch_build.subprocess.CalledProcessError):
        hatch_build.compile_one(compiler, [], tmp_path / "broken.c", tmp_path / "old.so")
    assert (tmp_path / "old.so").read_text() == "old"


# ---------------------------------------------------------------------------------------------- the scan


@compiled
@pytest.mark.parametrize("width", [1, 15, 17, 130])
@pytest.mark.parametrize("batch", [0, 1, 5])
@pytest.mark.parametrize("steps", [1, 40])
@pytest.mark.parametrize("count", [1, 3])
def test_the_compiled_scan_equals_a_loop(width, batch, steps, count, monkeypatch):
    a, b, start = draw(batch, steps, width) / 2, draw(batch, steps, width, seed=2), draw(batch, width, seed=3)
    monkeypatch.setattr(torch, "get_num_threads", lambda: count)
    outputs = []
    for dtype in (torch.float32, torch.float64):
        parts = [part.to(dtype).requires_grad_() for part in (a, b, start)]
        if dtype is torch.float32:
            s = linear_scan(*parts)
        else:
            last, all_steps = parts[2], []
            for a_t, b_t in zip(parts[0].unbind(1), parts[1].unbind(1), strict=True):
                last = a_t * last + b_t
                all_steps.append(last)
            s = torch.stack(all_steps, dim=1)
        grads = torch.autograd.grad((s * draw(*s.shape, seed=4)).sum(), parts)
        outputs.append([s.detach().double(), *(grad.double() for grad in grads)])
    torch.testing.assert_close(*outputs, rtol=1e-5, atol=1e-6)


# ---------------------------------------------------------------------------------------------- recomputing


def kept_for_backward(cell, x):
    """Return the bytes of all memory that is kept between forward and backward, weights and inputs aside."""
    kept = {}
    own = {one.untyped_storage().data_ptr() for one in (x, *cell.parameters())}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        y, _ = cell(x)
    assert y.requires_grad
    return sum(kept.values())


@compiled
@pytest.mark.parametrize("name", ["rnn", "gru", "lstm", "lstm_norm", "mingru"])
def test_recomputing_keeps_less_than_half_and_changes_no_gradient(name):
    whole = make(name, 3, 16, kernel="auto")
    x, found = draw(2, 1000, 3), []
    pieces = copy.deepcopy(whole)
    pieces.recompute_steps = 50
    for cell in (whole, pieces):
        inputs = x.clone().requires_grad_()
        y, ends = cell(inputs)
        loss = (y * draw(2, 1000, 16)).sum() + sum(end.sum() for end in ends)
        found.append([y, *ends, *torch.autograd.grad(loss, [inputs, *cell.parameters()])])
    for mine, expected in zip(*found, strict=True):
        assert (mine - expected).abs().max() <= 1e-5 * max(1.0, expected.abs().max().item())
    assert kept_for_backward(pieces, x) < kept_for_backward(whole, x) / 2


@pytest.mark.parametrize("name", ["mingru", "lru"])
def test_what_is_kept_between_pieces_is_no_view_of_a_whole_piece(name):
    cell = make(name, 3, 16, kernel="auto", recompute_steps=50)
    states = 19 * sum(part.nbytes for part in cell(draw(2, 4, 3))[1])
    assert kept_for_backward(cell, draw(2, 1000, 3)) <= states + 2 * 16 * 16


class TwoBiases(LSTM):
    """Two weights with one gradient, and one that only steps with a positive input use."""

    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)
        self.first, self.second, self.third = (torch.nn.Parameter(torch.zeros(self.units)) for _ in range(3))

    def update(self, projected, h, state):
        h, c = super().update(projected, h, state)
        extra = self.first + self.second
        return h + (extra + self.third if (projected > 0).any() else extra), c


def test_pieces_sum_gradients_of_weights_that_share_one_and_of_weights_used_in_some():
    cell = TwoBiases(1, 3, forget_bias=0.0, generator=torch.Generator().manual_seed(1))
    cell.input_kernel.data.fill_(1.0)
    x = torch.tensor([1.0, 1, -1, -1, 1, 1]).view(1, 6, 1)
    whole = torch.autograd.grad(cell(x)[0].sum(), list(cell.parameters()))
    cell.recompute_steps = 1
    torch.testing.assert_close(torch.autograd.grad(cell(x)[0].sum(), list(cell.parameters())), whole)


# ---------------------------------------------------------------------------------------------- uses of torch


@compiled
@every_cell
def test_torchs_defaults_do_not_reach_the_loops(name, options):
    cell, x = make(name, 3, 7, **options), draw(2, 5, 3)
    expected = cell(x)[0]
    try:
        torch.set_default_dtype(torch.float64)
        with torch.device("meta"), torch.no_grad():
            pool._free.clear()
            assert torch.equal(cell(x)[0], expected)
    finally:
        torch.set_default_dtype(torch.float32)


@compiled
@every_cell
def test_pruned_weights_are_the_ones_that_count(name, options):
    cell, x = make(name, 3, 7, **options), draw(2, 5, 3)
    prune.custom_from_mask(cell, "recurrent_kernel", draw(*cell.recurrent_kernel.shape) > 0)
    state = tuple(draw(2, 7, seed=3 + k) for k in range(len(cell.state_names)))
    weights, found = list(cell.parameters()), []
    for kernel in ("native", "reference"):
        cell.kernel = kernel
        y = cell(x, state)[0]
        found.append([y, *torch.autograd.grad(y.square().sum(), weights)])
    torch.testing.assert_close(*found, rtol=1e-5, atol=1e-5)


@compiled
@every_cell
@pytest.mark.filterwarnings("ignore:.*torch.jit.script.* is deprecated:DeprecationWarning")  # by torch's own import
def test_transforms_of_functions_and_forward_derivatives_go_another_way(name, options):
    cell, x = make(name, 3, 7, **options | {"kernel": "auto"}), draw(2, 5, 3).requires_grad_()
    expected = torch.autograd.grad(cell(x)[0].sum(), x)[0]
    torch.testing.assert_close(torch.func.grad(lambda x: cell(x)[0].sum())(x), expected, rtol=1e-5, atol=1e-6)
    cell.kernel = "native"
    with forward_ad.dual_level(), pytest.raises(SettingsError, match="neither the transforms"):
        cell(forward_ad.make_dual(x.detach(), torch.ones_like(x)))


@compiled
def test_threads_that_call_different_cells_at_once_disturb_nobody(two_threads):
    names = ["rnn", "gru", "lstm", "lstm_norm"] * 2
    cells = [make(name, 9, 33 + 16 * place) for place, name in enumerate(names)]
    x = draw(13, 20, 9)

    def work(cell):
        y, _ = cell(x)
        return [y.detach().clone(), *torch.autograd.grad(y.square().sum(), list(cell.parameters()))]

    alone = [work(cell) for cell in cells]
    with ThreadPoolExecutor(4) as executor:
        for _ in range(3):
            for found, expected in zip(executor.map(work, cells), alone, strict=True):
                torch.testing.assert_close(found, expected)


@compiled
@every_cell
def test_two_threads_may_ask_one_graph_for_its_gradients(name, options):
    cell, x = make(name, 9, 65, **options), draw(6, 60, 9)
    loss = cell(x)[0].square().sum()
    together, found = threading.Barrier(2), []

    def work():
        together.wait()
        found.append(torch.autograd.grad(loss, list(cell.parameters()), retain_graph=True))

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    expected = torch.autograd.grad(loss, list(cell.parameters()))
    for one in found:
        torch.testing.assert_close(one, expected)


def compute_in_child(cell, x, answers):
    with torch.no_grad():
        answers.put(cell(x)[0].double().sum().item())


@compiled
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize("inputs", [3, 40])
def test_a_forked_child_computes(inputs, two_threads):
    # torch itself waits forever there, even for a sum: its threads do not live in the child. See `_stay_alone`.
    cell, x = make("lstm", inputs, 130), draw(13, 20, inputs)
    expected = cell(x)[0].double().sum().item()
    fork = multiprocessing.get_context("fork")
    answers = fork.Queue()
    child = fork.Process(target=compute_in_child, args=(cell, x, answers))
    child.start()
    try:
        assert answers.get(timeout=60) == pytest.approx(expected, rel=1e-5)
    finally:
        child.kill()
        child.join()


@compiled
def test_weights_that_are_computed_before_a_call_are_refused_where_their_gradient_would_be_lost():
    cell = create_cell("lstm", input_size=2, units=4, recompute_steps=2)
    prune.random_unstructured(cell, "recurrent_kernel", amount=0.5)
    with pytest.raises(SettingsError, match="cannot follow recurrent_kernel back"):
        cell(torch.zeros(1, 5, 2))
    prune.remove(cell, "recurrent_kernel")
    cell(torch.zeros(1, 5, 2))[0].sum().backward()
    assert cell.recurrent_kernel.grad is not None
