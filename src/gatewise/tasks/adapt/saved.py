"""The folder of an adapted encoder: what transformers reads, its tokenizer as it was, and what was done to it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch

from gatewise.encoders.quiet import quiet
from gatewise.encoders.source import CONFIG, TOKENIZER_FILES, EncoderSource
from gatewise.errors import InputError, OutputError
from gatewise.runs.atomic import read_json, replacing_folder, write_json, write_text
from gatewise.settings import AdaptSettings
from gatewise.tasks.adapt.network import MaskedNetwork

#: What was done; also what a folder of this kind is known by.
FACTS = "adapted.json"


def find_finished(folder: Path, source: EncoderSource, fingerprint: str, *, overwrite: bool) -> dict[str, Any] | None:
    """Return what a folder says when it holds the very adaptation that is asked for, None when it can be written.

    Raises
    ------
    OutputError
        If it holds something else, or lies in the way of the encoder that is adapted.
    """
    here, there = folder.resolve(), source.folder.resolve()
    if here == there or here in there.parents or there in here.parents:
        raise OutputError(
            f"{folder} is the folder of the encoder {source.name}, or inside or around it: choose another"
        )
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return None
    if not (folder / FACTS).is_file():
        raise OutputError(f"{folder} holds something else than an adapted encoder: choose another folder")
    try:
        facts = read_json(folder / FACTS)
    except InputError as error:
        if overwrite:
            return None
        raise OutputError(f"{error}, or replace it with --overwrite") from error
    if overwrite:
        return None
    if facts.get("fingerprint") != fingerprint:
        raise OutputError(
            f"{folder} holds an encoder that was adapted with other settings or texts: choose another folder, or "
            "replace it with --overwrite"
        )
    return {**facts, "folder": str(folder)}


def write(
    folder: Path, source: EncoderSource, settings: AdaptSettings, network: MaskedNetwork, result: dict[str, Any]
) -> None:
    """Write the folder, whole or not at all."""
    model = network.to("cpu", torch.float32).model
    with replacing_folder(folder, known_by=FACTS) as new:
        with quiet():
            model.save_pretrained(new)
        for weights in new.glob("*.safetensors"):  # which safetensors lets nobody else read
            weights.chmod((new / CONFIG).stat().st_mode)
        for name in TOKENIZER_FILES:
            if (source.folder / name).is_file():
                shutil.copyfile(source.folder / name, new / name)
        write_json(new / FACTS, {**result, "settings": settings.model_dump(mode="json")})
        write_text(new / "README.md", card(result, settings))


def card(result: dict[str, Any], settings: AdaptSettings) -> str:
    """Return the model card: what this is, what it was adapted on, and what it says of its texts."""
    encoder, perplexity, sizes = result["encoder"], result["perplexity"], result["sizes"]
    revision = f", revision {encoder['revision']}" if encoder["revision"] else ""
    cleaning = ", ".join(settings.data.cleaning) or "none"
    notes = "".join(f"- {note}\n" for note in result["notes"])
    return f"""---
library_name: transformers
pipeline_tag: fill-mask
tags: [gatewise, {encoder["architecture"]}, domain-adaptation]
---
# {encoder["name"]}, adapted

The encoder {encoder["name"]} ({encoder["architecture"]}{revision}), its training continued by guessing hidden tokens of
{sizes["train"]:,} texts ({result["tokens"]["train"]:,} tokens), {result["epochs"]["run"]} epochs; the weights are those
of epoch {result["epochs"]["best"]}. Cleaning of the texts: {cleaning}. Made with gatewise, after the recipe of HateBERT
(Caselli et al. 2021, arXiv:2010.12472).

| {sizes["validation"]:,} other texts of the same kind | before | after |
|---|---|---|
| perplexity of a hidden token | {perplexity["before"]:.4g} | {perplexity["after"]:.4g} |

A lower perplexity says that it knows these texts' language better, not that it is better at a task: compare by
`gatewise fit classify DATA --encoder {encoder["name"]}` and the same with this folder. What its texts say, it has
learned too: their insults, their prejudices, and perhaps a sentence as it stands. The licence is that of the encoder
and of the texts.

{notes}"""
