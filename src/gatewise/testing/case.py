"""The cell under test, and what all checks share: draws, states, and comparisons that say what was expected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from gatewise.cells.base import Cell, State, option_names
from gatewise.cells.kernels import Call
from gatewise.errors import SettingsError, did_you_mean


@dataclass(frozen=True)
class CellCase:
    """A cell's class and the options it is checked with.

    Raises
    ------
    SettingsError
        If the class is no cell, or has no such option.
    """

    kind: type[Cell]
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (isinstance(self.kind, type) and issubclass(self.kind, Cell)):
            raise SettingsError(f"{self.kind!r} is no cell: a cell is a subclass of gatewise.cells.Cell")
        known = option_names(self.kind)
        for option in self.options:
            if option not in known:
                raise SettingsError(f"{self.kind.__name__} has no option {option!r}{did_you_mean(option, known)}")

    def fit(self, units: int) -> int:
        """Return a number of units that the cell's heads or blocks divide."""
        return units * int(self.options.get("heads", self.options.get("blocks", 1)))

    def create(self, inputs: int, units: int, generator: torch.Generator, **more: Any) -> Cell:
        """Return a cell as a user gets it, float32 and in training."""
        return self.kind(inputs, units, generator=generator, **{**self.options, **more})

    def make(self, inputs: int = 3, units: int = 4, *, seed: int = 0, **more: Any) -> Cell:
        """Return a float64 cell in ``eval()``, every weight of which, biases too, is drawn and not zero."""
        generator = torch.Generator().manual_seed(seed)
        cell = self.create(inputs, units, generator, **more).double().eval()
        with torch.no_grad():
            for weight in cell.parameters():
                weight.normal_(0.0, 0.5, generator=generator)
        return cell


def make_call(cell: Cell, x: Tensor, start: State, mask: Tensor | None = None) -> Call:
    """Return the call that ``forward`` makes, with its draws."""
    B, T = x.shape[:2]
    return Call(cell, x, start, mask, cell.draw_recurrent_mask(B), cell.draw_recurrent_kernel(), cell.draw_holds(B, T))


def draw(*shape: int, seed: int = 1) -> Tensor:
    """Return float64 values from a standard normal distribution."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def start_state(cell: Cell, batch: int) -> State:
    """Return a start state that is nowhere zero."""
    return tuple(draw(batch, *size, seed=7 + n) for n, size in enumerate(cell.state_sizes))


def ragged(lengths: list[int], T: int) -> Tensor:
    """Return the mask ``(B, T)`` of sequences that are padded on the right."""
    return torch.arange(T)[None, :] < torch.tensor(lengths, dtype=torch.int64)[:, None]


def gradient(weight: Tensor) -> Tensor:
    """Return a copy of a weight's gradient, zeros where it has none."""
    return torch.zeros_like(weight) if weight.grad is None else weight.grad.clone()


@contextmanager
def global_generator_untouched() -> Iterator[None]:
    """Fail if the code inside draws from torch's global generator."""
    before = torch.get_rng_state()
    yield
    hint = "something is drawn from torch's global generator: pass `generator` (or `dropout_generator`) on"
    expect(torch.equal(torch.get_rng_state(), before), hint)


def expect(holds: bool, otherwise: str) -> None:
    """Fail with a sentence unless something holds."""
    if not holds:
        raise AssertionError(otherwise)


def expect_shape(tensor: Tensor, shape: tuple[int, ...], name: str) -> None:
    """Fail unless a tensor has a shape."""
    expect(tuple(tensor.shape) == shape, f"{name} has shape {tuple(tensor.shape)}, expected {shape}")


def expect_close(found: Any, expected: Any, otherwise: str, tolerance: float = 1e-9) -> None:
    """Fail with a sentence and the difference unless tensors, or lists of them, are equal up to rounding."""
    torch.testing.assert_close(
        found, expected, rtol=tolerance, atol=tolerance, msg=lambda difference: f"{otherwise}\n{difference}"
    )
