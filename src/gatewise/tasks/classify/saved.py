"""The model folder of a classifier: everything but the pretrained encoder, as JSON and safetensors.

::

    config.json             format, settings, classes, which encoder it needs, the result of the run
    model.safetensors       the weights that were trained
    vocabulary.json         the words or characters, where there is no pretrained encoder
    README.md               model card

The encoder is named with the digest of its files; another one is refused, because the weights fit no other.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from safetensors.torch import save as tensors_to_bytes

from gatewise import __version__
from gatewise.data.labelled import CLEANING_VERSION
from gatewise.encoders import Encoder, find_encoder
from gatewise.errors import InputError, ModelFolderError
from gatewise.registry import cleaning_steps
from gatewise.runs import atomic
from gatewise.settings import FROM_SCRATCH, ClassifySettings, parse
from gatewise.tasks.classify.card import model_card
from gatewise.tasks.classify.model import ClassifyModel, Floats, create_network
from gatewise.tasks.classify.reader import EncoderReader, Reader, WordReader, encoder_reader
from gatewise.tasks.classify.words import TokenVocabulary
from gatewise.tasks.model_folder import CARD, CONFIG, WEIGHTS, find_model, read_config, reading, tell_other_kernel
from gatewise.tasks.weights import load_weights, weights_of
from gatewise.training.device import autocast
from gatewise.training.session import kernel_in_use

#: Version of the model folder; a folder of a higher one is refused, of a lower one is brought up to date on loading.
FORMAT_VERSION = 1

VOCABULARY = "vocabulary.json"
TASK = "classify"


def save(model: ClassifyModel, folder: Path, result: dict[str, Any]) -> Path:
    """Write the model folder, whole or not at all; a model that is there is replaced.

    Raises
    ------
    OutputError
        If the folder cannot be written, or holds something else than a model.
    """
    settings, reader = model.settings, model.reader
    tree = settings.model_dump(mode="json")
    if model.network.embedding is not None and isinstance(reader, WordReader):
        tree["model"]["embedding"] = model.network.embedding.shape[1]  # as wide as a file of word vectors was
    config = {
        "format_version": FORMAT_VERSION,
        "task": TASK,
        "gatewise_version": __version__,
        "settings": tree,
        "classes": list(model.classes),
        "labels": None if model.labels is None else list(model.labels),
        "prior": model.prior.tolist(),
        "temperature": model.temperature,
        "offsets": None if model.offsets is None else model.offsets.tolist(),
        "cleaning": {"version": CLEANING_VERSION, "steps": list(cleaning_steps(settings.data.cleaning))},
        "encoder": _encoder(settings, reader),
        "parameters": model.parameters,
        "result": {key: value for key, value in result.items() if key not in ("folder", "mistakes")},
    }
    with atomic.replacing_folder(folder, known_by=CONFIG) as new:
        atomic.write_bytes(new / WEIGHTS, tensors_to_bytes(weights_of(model.network), metadata={"format": "pt"}))
        if isinstance(reader, WordReader):
            atomic.write_json(new / VOCABULARY, reader.tokens.to_json())
        atomic.write_text(new / CARD, model_card(config))
        atomic.write_json(new / CONFIG, config)
    return folder


def load(folder: Path, *, encoder: str | None = None) -> tuple[ClassifyModel, dict[str, Any]]:
    """Read a model folder, or the model of a run folder, onto the CPU.

    Parameters
    ----------
    encoder
        Where the encoder is now, when it has moved.

    Returns
    -------
    model
        Ready to classify.
    result
        What the run had found.

    Raises
    ------
    ModelFolderError
        If it is missing, truncated, of another task, made by a newer version, or the encoder is another one.
    InputError
        If the encoder is not on this machine.
    """
    folder = find_model(folder)
    config = read_config(folder, task=TASK, version=FORMAT_VERSION, files=(WEIGHTS,))
    with reading(folder):
        # A model that was trained on a GPU is loaded to the CPU, where it always works.
        config["settings"]["train"]["device"] = "cpu"
        settings = parse(ClassifySettings, config["settings"])
        if config["cleaning"]["version"] > CLEANING_VERSION:
            raise ValueError(f"its texts were cleaned by version {config['cleaning']['version']}: upgrade gatewise")
        if list(cleaning_steps(settings.data.cleaning)) != config["cleaning"]["steps"]:
            settings = settings.replace({"data.cleaning": config["cleaning"]["steps"] or ["none"]})
        digest = None if settings.encoder.name in FROM_SCRATCH else str(config["encoder"]["digest"])
    reader = _reader(folder, settings, digest, encoder)
    with reading(folder):
        classes = tuple(str(name) for name in config["classes"])
        if not isinstance(config["classes"], list) or len(set(classes)) < max(2, len(classes)):
            raise ValueError("the classes are not two or more different names")
        network = create_network(settings, reader, len(classes), fresh=False)
        load_weights(network, load_file(folder / WEIGHTS))
        with autocast(settings.train, torch.device("cpu")):  # as it was when the run noted its kernel
            kernel = kernel_in_use(network.train())
        tell_other_kernel(folder, config["result"].get("kernel"), kernel)
        model = ClassifyModel(settings, network.eval(), reader, classes, *_numbers(config, len(classes)))
        model.labels = _labels(config.get("labels"), len(classes))
    return model, config["result"]


def _encoder(settings: ClassifySettings, reader: Reader) -> dict[str, Any] | None:
    """Return what names the encoder that the weights were trained over."""
    if not isinstance(reader, EncoderReader):
        return None
    source = reader.encoder.source
    return {
        "name": settings.encoder.name,
        "revision": source.revision,
        "architecture": source.architecture,
        "digest": source.digest,
    }


def _numbers(config: dict[str, Any], count: int) -> tuple[Floats, float, Floats | None]:
    """Return prior, temperature and offsets, each as it can be."""
    prior, temperature = np.array(config["prior"], np.float64), float(config["temperature"])
    offsets = None if config["offsets"] is None else np.array(config["offsets"], np.float64)
    if prior.shape != (count,) or (offsets is not None and offsets.shape != (count,)):
        raise ValueError("prior and offsets need a number for every class")
    if not ((prior > 0) & (prior < 1)).all() or abs(prior.sum() - 1) > 1e-6:
        raise ValueError("the prior is no share of each class")
    if not 0 < temperature < np.inf or not (offsets is None or np.isfinite(offsets).all()):
        raise ValueError("temperature or offsets are not finite")
    return prior, temperature, offsets


def _labels(labels: Any, count: int) -> tuple[Any, ...] | None:
    """Return what stands for each class."""
    if labels is None:
        return None
    if len({type(one) for one in labels} & {bool, int, float, str}) != 1 or len(set(labels)) != count:
        raise ValueError("the labels are not a number or a name for every class")
    return tuple(labels)


def _reader(folder: Path, settings: ClassifySettings, digest: str | None, encoder: str | None) -> Reader:
    """Return what reads texts for this model; the encoder must be the one it was trained over."""
    if digest is None:
        if encoder is not None:
            raise InputError(f"encoder {encoder}: this model reads {settings.encoder.name}, and has no such encoder")
        if not (folder / VOCABULARY).is_file():
            raise ModelFolderError(f"{folder} is incomplete: {VOCABULARY} is missing; copy it again or train again")
        with reading(folder):
            tokens = TokenVocabulary.from_json(json.loads((folder / VOCABULARY).read_text(encoding="utf-8")))
            if tokens.kind != settings.encoder.name:
                raise ValueError(f"{VOCABULARY} is one of {tokens.kind}")
        return WordReader(tokens, settings.data.max_tokens)
    name = settings.encoder.name
    try:
        source = find_encoder(encoder or name, revision=None if encoder else settings.encoder.revision)
    except InputError as error:
        raise InputError(
            f"{folder} was trained over the encoder {name!r}. {str(error).rstrip('.')}. If it has moved, "
            "name its folder with --encoder (in Python: load(folder, encoder=...)) or GATEWISE_ENCODERS"
        ) from error
    if source.digest != digest:
        raise ModelFolderError(
            f"{folder} was trained over the encoder {name!r} with the digest {digest[:12]}, and "
            f"{source.folder} has {source.digest[:12]}: give the one it was trained over"
        )
    return encoder_reader(settings, Encoder.load(source, settings.encoder, max_tokens=settings.data.max_tokens))
