"""The model folder of text: everything that writing and scoring need, as JSON and safetensors.

::

    config.json             format, settings, the result of the run
    model.safetensors       weights of the network
    ngrams.safetensors      the n-grams beside the network, where there are some: they hold most of the training text
    vocabulary.json         the symbols in the order of their numbers, how often each was seen, how text is cleaned
    README.md               model card
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save as arrays_to_bytes
from safetensors.torch import load_file
from safetensors.torch import save as tensors_to_bytes

from gatewise import __version__
from gatewise.data.text import Vocabulary
from gatewise.models.mixture import NGramMixture
from gatewise.models.ngram import KneserNey
from gatewise.runs import atomic
from gatewise.settings import TextSettings, parse
from gatewise.tasks.generate.card import model_card
from gatewise.tasks.generate.model import TextModel, create_network
from gatewise.tasks.model_folder import CARD, CONFIG, WEIGHTS, find_model, read_config, reading, tell_other_kernel
from gatewise.tasks.weights import load_weights, weights_of
from gatewise.training.device import autocast
from gatewise.training.session import kernel_in_use

#: Version of the model folder; a folder of a higher one is refused, of a lower one is brought up to date on loading.
FORMAT_VERSION = 1

VOCABULARY, NGRAMS = "vocabulary.json", "ngrams.safetensors"
TASK = "generate"


def save(model: TextModel, folder: Path, result: dict[str, Any]) -> Path:
    """Write the model folder, whole or not at all; a model that is there is replaced.

    Raises
    ------
    OutputError
        If the folder cannot be written, or holds something else than a model.
    """
    config = {
        "format_version": FORMAT_VERSION,
        "task": TASK,
        "gatewise_version": __version__,
        "settings": model.settings.model_dump(mode="json"),
        "symbols": len(model.vocabulary),
        "parameters": model.parameters,
        "result": {key: value for key, value in result.items() if key != "folder"},
    }
    with atomic.replacing_folder(folder, known_by=CONFIG) as new:
        atomic.write_bytes(new / WEIGHTS, tensors_to_bytes(weights_of(model.network), metadata={"format": "pt"}))
        if model.network.mixture is not None:
            atomic.write_bytes(new / NGRAMS, arrays_to_bytes(model.network.mixture.ngrams.arrays()))
        atomic.write_json(new / VOCABULARY, model.vocabulary.to_json())
        atomic.write_text(new / CARD, model_card(config))
        atomic.write_json(new / CONFIG, config)
    return folder


def load(folder: Path) -> tuple[TextModel, dict[str, Any]]:
    """Read a model folder, or the model of a run folder, onto the CPU.

    Returns
    -------
    model
        Ready to write.
    result
        What the run had found.

    Raises
    ------
    ModelFolderError
        If it is missing, truncated, of another task, or made by a newer version.
    """
    folder = find_model(folder)
    config = read_config(folder, task=TASK, version=FORMAT_VERSION, files=(WEIGHTS, VOCABULARY))
    with reading(folder):
        # A model that was trained on a GPU is loaded to the CPU, where it always works.
        config["settings"]["train"]["device"] = "cpu"
        settings = parse(TextSettings, config["settings"])
        vocabulary = Vocabulary.from_json(json.loads((folder / VOCABULARY).read_text(encoding="utf-8")))
        if len(vocabulary) != config["symbols"]:
            raise ValueError(f"{VOCABULARY} has {len(vocabulary)} symbols and {CONFIG} says {config['symbols']}")
        network = create_network(settings, len(vocabulary))
        load_weights(network, load_file(folder / WEIGHTS))
        with autocast(settings.train, torch.device("cpu")):  # as it was when the run noted its kernel
            kernel = kernel_in_use(network.train())
        tell_other_kernel(folder, config["result"].get("kernel"), kernel)
        if settings.model.ngrams:
            ngrams = KneserNey.of_arrays(load_arrays(folder / NGRAMS), len(vocabulary))
            network.mixture = NGramMixture(ngrams, settings.model.ngram_share)
        network.eval()
        return TextModel(settings, network, vocabulary), config["result"]
