"""Optimisers with the update rules and defaults of Keras 3.15, so that "Adagrad at its default" means the same thing.

Keras differs from torch in where epsilon stands, in Adagrad's start, in momentum (which carries the learning rate)
and in weight decay (always decoupled: ``w -= learning_rate * weight_decay * w`` before the step, for every
optimiser). Adam and Adagrad run on torch's fused kernels, made to compute these rules exactly.

A network may offer groups of parameters with rates of their own; see :func:`parameter_groups`.

A new optimiser is a function ``name(params, settings) -> torch.optim.Optimizer`` and a line in ``gatewise.registry``.
Its states are tensors in ``optimizer.state[parameter]``, shaped like the parameter or scalar: the checkpoint saves
them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from gatewise import registry
from gatewise.settings import TrainSettings

_EPSILON = 1e-7


#: Parameters, or torch's groups of them: ``{"params": [...], "lr": rate}``.
Params = Iterable[nn.Parameter] | Iterable[dict[str, Any]]


def create_optimizer(params: Params, settings: TrainSettings) -> torch.optim.Optimizer:
    """Make the optimiser that ``settings.optimizer`` names, over the parameters that can be trained.

    Parameters
    ----------
    params
        Parameters, or groups of them; a group without ``"lr"`` has the rate of the settings.
    """
    groups = []
    for group in _as_groups(params):
        trainable = [parameter for parameter in group["params"] if parameter.requires_grad]
        groups += [{**group, "params": trainable}] if trainable else []
    optimizer: torch.optim.Optimizer = registry.OPTIMIZERS.load(settings.optimizer)(groups, settings)
    return optimizer


def parameter_groups(network: nn.Module) -> Params:
    """Return what a network wants to be trained: its own ``parameter_groups()``, or all its parameters.

    A network's ``parameter_groups()`` returns dicts as torch's optimisers take them: ``"params"``, and ``"lr"`` where
    a group has a rate of its own. The schedule moves every group's own rate. The log shows the first group's.
    """
    groups = getattr(network, "parameter_groups", None)
    return network.parameters() if groups is None else groups()


def adam(params: Params, settings: TrainSettings) -> torch.optim.Optimizer:
    """Adam (Kingma & Ba 2015, the form before section 2.1): rate 1e-3, betas 0.9 and 0.999, epsilon 1e-7."""
    return Adam(params, _rate(settings, 1e-3), _decay(settings, 0.0))


def adamw(params: Params, settings: TrainSettings) -> torch.optim.Optimizer:
    """Adam with decoupled weight decay 0.004 (Loshchilov & Hutter 2019)."""
    return Adam(params, _rate(settings, 1e-3), _decay(settings, 0.004))


def adagrad(params: Params, settings: TrainSettings) -> torch.optim.Optimizer:
    """Adagrad (Duchi et al. 2011): rate 1e-3, accumulator starting at 0.1, epsilon 1e-7."""
    return Adagrad(params, _rate(settings, 1e-3), _decay(settings, 0.0))


def rmsprop(params: Params, settings: TrainSettings) -> torch.optim.Optimizer:
    """RMSprop (Hinton 2012): rate 1e-3, rho 0.9, ``settings.momentum``, epsilon 1e-7 inside the root."""
    return RMSprop(params, _rate(settings, 1e-3), _decay(settings, 0.0), settings.momentum)


def sgd(params: Params, settings: TrainSettings) -> torch.optim.Optimizer:
    """Stochastic gradient descent: rate 0.01, ``settings.momentum``."""
    return SGD(params, _rate(settings, 1e-2), _decay(settings, 0.0), settings.momentum)


class Adam(torch.optim.AdamW):
    """Adam as Keras writes it.

    ``w -= rate * sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + epsilon)``. torch adds its epsilon to the corrected
    root ``sqrt(v / (1 - b2^t))``; with ``epsilon / sqrt(1 - b2^t)`` in its place the two are equal at every step.
    """

    def __init__(self, params: Params, lr: float, weight_decay: float) -> None:
        super().__init__(params, lr=lr, betas=(0.9, 0.999), eps=_EPSILON, weight_decay=weight_decay, fused=True)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Make one step."""
        for group in self.param_groups:
            states = (self.state[parameter] for parameter in group["params"])
            done = next((int(state["step"]) for state in states if "step" in state), 0)
            group["eps"] = _EPSILON / (1 - group["betas"][1] ** (done + 1)) ** 0.5
        result: float | None = super().step(closure)
        return result


class Adagrad(torch.optim.Adagrad):
    """Adagrad as Keras writes it: ``a += g^2; w -= rate * g / sqrt(a + epsilon)``.

    Keras' epsilon never changes and stands beside the accumulator, so here the accumulator starts with it and torch's
    own epsilon, outside the root, is 0.
    """

    def __init__(self, params: Params, lr: float, weight_decay: float) -> None:
        groups = _as_groups(params)
        on_cpu = all(parameter.device.type == "cpu" for group in groups for parameter in group["params"])
        kernel = {"fused": True} if on_cpu else {"foreach": True}  # torch fuses Adagrad on the CPU only
        super().__init__(groups, lr=lr, eps=0.0, initial_accumulator_value=0.1 + _EPSILON, **kernel)
        self.decay = weight_decay

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Make one step."""
        for group in self.param_groups:
            decay(_with_gradient(group), group["lr"] * self.decay)
        result: float | None = super().step(closure)
        return result


class _Momentum(torch.optim.Optimizer, ABC):
    """What RMSprop and SGD share: groups, weight decay, and lists of tensors for torch's foreach functions."""

    def __init__(self, params: Params, lr: float, weight_decay: float, momentum: float) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Make one step."""
        result = None if closure is None else torch.enable_grad()(closure)()
        for group in self.param_groups:
            params = _with_gradient(group)
            if params:
                decay(params, group["lr"] * group["weight_decay"])
                self.move(params, [param.grad for param in params if param.grad is not None], group)
        return result

    @abstractmethod
    def move(self, params: list[Tensor], grads: list[Tensor], group: dict[str, Any]) -> None:
        """Change the parameters in place."""

    def states(self, name: str, params: list[Tensor], start: float) -> list[Tensor]:
        """Return one state of every parameter, made with the value `start` when it is new."""
        for parameter in params:
            if name not in self.state[parameter]:
                self.state[parameter][name] = torch.full_like(parameter, start, requires_grad=False)
        return [self.state[parameter][name] for parameter in params]


class RMSprop(_Momentum):
    """RMSprop as Keras writes it.

    ``v = rho v + (1 - rho) g^2; d = rate * g / sqrt(v + epsilon); m = momentum m + d; w -= m``.
    """

    rho = 0.9

    def move(self, params: list[Tensor], grads: list[Tensor], group: dict[str, Any]) -> None:
        """Change the parameters in place."""
        velocity = self.states("velocity", params, 0.0)
        torch._foreach_mul_(velocity, self.rho)
        torch._foreach_addcmul_(velocity, grads, grads, 1 - self.rho)
        root = torch._foreach_add(velocity, _EPSILON)
        torch._foreach_sqrt_(root)
        if not group["momentum"]:
            torch._foreach_addcdiv_(params, grads, root, -group["lr"])
            return
        moment = self.states("momentum", params, 0.0)
        torch._foreach_mul_(moment, group["momentum"])
        torch._foreach_addcdiv_(moment, grads, root, group["lr"])
        torch._foreach_sub_(params, moment)


class SGD(_Momentum):
    """Gradient descent as Keras writes it: ``m = momentum m - rate * g; w += m``."""

    def move(self, params: list[Tensor], grads: list[Tensor], group: dict[str, Any]) -> None:
        """Change the parameters in place."""
        if not group["momentum"]:
            torch._foreach_add_(params, grads, alpha=-group["lr"])
            return
        moment = self.states("momentum", params, 0.0)
        torch._foreach_mul_(moment, group["momentum"])
        torch._foreach_add_(moment, grads, alpha=-group["lr"])
        torch._foreach_add_(params, moment)


def decay(params: list[Tensor], share: float) -> None:
    """Pull the parameters towards zero by a share of themselves."""
    if share:
        torch._foreach_mul_(params, 1 - share)


def states_of(optimizer: torch.optim.Optimizer) -> Iterator[tuple[str, Tensor]]:
    """Yield every state under a name that does not change: ``"<parameter's number>.<state>"``."""
    parameters = (parameter for group in optimizer.param_groups for parameter in group["params"])
    for number, parameter in enumerate(parameters):
        for name, value in sorted(optimizer.state[parameter].items()):
            yield f"{number}.{name}", value


def load_states(optimizer: torch.optim.Optimizer, states: dict[str, Tensor]) -> None:
    """Put states that :func:`states_of` gave back into a new optimiser; the rates come from the settings."""
    tree: dict[int, dict[str, Tensor]] = {}
    for key, value in states.items():
        number, name = key.split(".", 1)
        tree.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({"state": tree, "param_groups": optimizer.state_dict()["param_groups"]})


def _as_groups(params: Params) -> list[dict[str, Any]]:
    given: list[Any] = list(params)
    return given if given and isinstance(given[0], dict) else [{"params": given}]


def _with_gradient(group: dict[str, Any]) -> list[Tensor]:
    return [parameter for parameter in group["params"] if parameter.grad is not None]


def _rate(settings: TrainSettings, default: float) -> float:
    return default if settings.learning_rate is None else settings.learning_rate


def _decay(settings: TrainSettings, default: float) -> float:
    return default if settings.weight_decay is None else settings.weight_decay
