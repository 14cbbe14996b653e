"""What is timed: a recurrent layer of ours, of torch.nn and of Keras, forward and backward, and one step of ours."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import torch
from torch import nn

from gatewise.cells import Cell, create_cell
from gatewise.models import RecurrentStack

Step = Callable[[], object]

#: What torch.nn and Keras call the cells that they have.
TORCH_NAMES = {"rnn": "RNN", "gru": "GRU", "lstm": "LSTM"}
KERAS_NAMES = {"rnn": "SimpleRNN", "gru": "GRU", "lstm": "LSTM"}


class Sizes(NamedTuple):
    """Sizes of a layer and its batch."""

    batch: int
    steps: int
    inputs: int
    units: int
    layers: int = 1

    def __str__(self) -> str:
        layers = f", {self.layers} layers" if self.layers > 1 else ""
        return f"B {self.batch}, T {self.steps}, I {self.inputs}, H {self.units}{layers}"


def our_layer(cell: str, sizes: Sizes, options: Mapping[str, Any]) -> Cell | RecurrentStack:
    """Make the cell, or a stack of it when there are several layers."""
    generator = torch.Generator().manual_seed(0)
    if sizes.layers == 1:
        return create_cell(cell, input_size=sizes.inputs, units=sizes.units, generator=generator, **options)
    beside = {name: options[name] for name in ("recurrent_dropout", "recompute_steps", "kernel") if name in options}
    return RecurrentStack(
        cell,
        sizes.inputs,
        sizes.units,
        layers=sizes.layers,
        cell_options={name: value for name, value in options.items() if name not in beside},
        init_generator=generator,
        dropout_generator=generator,
        **beside,
    )


def torch_layer(cell: str, sizes: Sizes) -> nn.Module | None:
    """Make torch.nn's layer of the same sizes, None where torch has none."""
    if cell not in TORCH_NAMES:
        return None
    kind = getattr(nn, TORCH_NAMES[cell])
    layer: nn.Module = kind(sizes.inputs, sizes.units, num_layers=sizes.layers, batch_first=True)
    return layer


def layer_pass(layer: nn.Module, sizes: Sizes, *, backward: bool = True) -> Step:
    """Return one pass over a batch of noise: outputs, then the gradients of every weight and of the inputs.

    Without `backward` it is what a trained model does: nothing is kept for gradients, nothing dropped.
    """
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(sizes.batch, sizes.steps, sizes.inputs, generator=generator)
    if not backward:
        layer.eval()

        def forward() -> None:
            with torch.inference_mode():
                layer(x)

        return forward

    layer.train()
    x.requires_grad_()
    width = getattr(layer, "output_size", sizes.units)
    gradient = torch.randn(sizes.batch, sizes.steps, width, generator=generator)

    def forward_and_backward() -> None:
        layer.zero_grad()
        x.grad = None
        layer(x)[0].backward(gradient)

    return forward_and_backward


def keras_pass(cell: str, sizes: Sizes, *, backward: bool = True) -> Step | None:
    """Return the same pass in Keras on TensorFlow, compiled to a graph; None where Keras or the cell is missing."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if cell not in KERAS_NAMES:
        return None
    try:
        import keras
        import tensorflow as tf
    except ImportError:
        return None
    with suppress(RuntimeError):  # TensorFlow takes a number of threads before its first work only
        tf.config.threading.set_intra_op_parallelism_threads(torch.get_num_threads())
    kind = getattr(keras.layers, KERAS_NAMES[cell])
    network = keras.Sequential([kind(sizes.units, return_sequences=True) for _ in range(sizes.layers)])
    x = tf.random.stateless_normal((sizes.batch, sizes.steps, sizes.inputs), seed=(0, 1))
    gradient = tf.random.stateless_normal((sizes.batch, sizes.steps, sizes.units), seed=(0, 2))
    network(x)

    def step() -> Any:
        if not backward:
            return network(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = network(x, training=True)
        return tape.gradient(y, [x, *network.trainable_weights], output_gradients=gradient)

    compiled = tf.function(step)
    return lambda: tf.nest.map_structure(lambda one: one.numpy(), compiled())


def one_step(cell: Cell) -> Step:
    """Return one step of one stream that carries its state on, as a generator of text does."""
    cell.eval()
    x = torch.randn(1, cell.input_size, generator=torch.Generator().manual_seed(1))
    state = cell.initial_state(1)

    def step() -> None:
        nonlocal state
        with torch.inference_mode():
            _, state = cell.step(x, state)

    return step


def one_product(cell: Cell) -> Step:
    """Return one ``torch.mv`` over as many weights as the cell's step multiplies: the least that a step can cost."""
    columns = cell.input_size + cell.output_size
    matrix = torch.randn(max(1, round(cell.step_flops / 2 / columns)), columns)
    vector = torch.randn(columns)

    def product() -> None:
        with torch.inference_mode():
            torch.mv(matrix, vector)

    return product


def kernel_of(layer: Cell | RecurrentStack) -> str:
    """Return the name of the kernel that computes the layer's training pass."""
    cell = layer if isinstance(layer, Cell) else next(one for one in layer.cells if isinstance(one, Cell))
    return cell.kernel_in_use()
