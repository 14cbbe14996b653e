"""A loss that is no longer finite: where it began, and what usually helps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from gatewise.errors import DivergedError

_ADVICE = (
    "What usually helps: a smaller learning rate (now {rate:g}), clip_norm=1, "
    "or for large values of a series a transform such as standard."
)

#: Said when all is finite in the step that was not.
NOWHERE = "none when the step is computed again (the machine's arithmetic is not repeatable)"


def gradients_finite(network: nn.Module) -> bool:
    """Say whether all gradients are finite, at the price of one sum over them."""
    grads = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    if not grads or bool(torch.stack([grad.sum() for grad in grads]).isfinite().all()):
        return True
    # the sum of finite numbers can overflow: look at each before anything is said
    return all(bool(grad.isfinite().all()) for grad in grads)


def diverged(first: str, *, where: str, rate: float) -> DivergedError:
    """Return the error for a step whose loss or gradients are not finite.

    Parameters
    ----------
    first
        From :func:`first_not_finite`.
    where
        Epoch and step, in words.
    rate
        Learning rate of the step.
    """
    return DivergedError(
        f"training diverged at {where}: the first tensor that is not finite is {first}. {_ADVICE.format(rate=rate)}"
    )


def diverged_in_validation(network: nn.Module, value: float, *, epoch: int, rate: float) -> DivergedError:
    """Return the error for a validation loss that is not finite after an epoch."""
    bad = next((f"the weight {name!r}" for name, _ in _bad(dict(network.named_parameters()))), None)
    first = bad or "the validation loss itself (all weights are finite)"
    return DivergedError(
        f"the validation loss became {value} after epoch {epoch}: the first tensor that is not finite is {first}. "
        + _ADVICE.format(rate=rate)
    )


def first_not_finite(network: nn.Module, batch: Any, loss: Callable[[], Tensor]) -> str:
    """Name the first tensor that is not finite: inputs, weights, outputs of the layers in order, loss, gradients.

    Parameters
    ----------
    batch
        The batch of the step.
    loss
        Computes the step's loss again, from the same state.
    """
    for name, tensor in _bad(dict(_tensors("batch", batch))):
        return f"the input {name} ({_what(tensor)})"
    for name, tensor in _bad(dict(network.named_parameters())):
        return f"the weight {name!r} ({_what(tensor)})"
    found: list[str] = []
    hooks = [
        module.register_forward_hook(_watch(name or "the network", type(module).__name__, found))
        for name, module in network.named_modules()
    ]
    try:
        value = loss()
    finally:
        for hook in hooks:
            hook.remove()
    if found:
        return found[0]
    if not bool(value.isfinite()):
        return f"the loss ({_what(value)})"
    grads = {name: parameter.grad for name, parameter in network.named_parameters() if parameter.grad is not None}
    for name, tensor in _bad(grads):
        return f"the gradient of {name!r} ({_what(tensor)})"
    return NOWHERE


def _watch(name: str, kind: str, found: list[str]) -> Callable[[nn.Module, Any, Any], None]:
    def hook(module: nn.Module, inputs: Any, output: Any) -> None:  # noqa: ARG001 - torch's signature
        for _, tensor in _bad(dict(_tensors("output", output))):
            found.append(f"the output of {name!r} ({kind}; {_what(tensor)})")
            return

    return hook


def _bad(tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            yield name, tensor


def _tensors(name: str, tree: Any) -> Iterator[tuple[str, Tensor]]:
    if isinstance(tree, Tensor):
        yield name, tree
    elif isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from _tensors(f"{name}[{key!r}]", value)
    elif isinstance(tree, list | tuple):
        for number, value in enumerate(tree):
            yield from _tensors(f"{name}[{number}]", value)


def _what(tensor: Tensor) -> str:
    nan, infinite = int(tensor.isnan().sum()), int(tensor.isinf().sum())
    parts = [f"{nan} NaN" if nan else "", f"{infinite} infinite" if infinite else ""]
    return " and ".join(part for part in parts if part) + f" of {tensor.numel()}"
