"""Tiny encoders of random weights: nothing is known by them, so they show what the recurrent head does alone.

They are made on this machine when they are first asked for, from a fixed seed, and kept in the cache. Their tokenizer
knows every letter and every pair of letters, and needs neither a download nor a text to learn from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from string import ascii_lowercase, digits, punctuation
from typing import TYPE_CHECKING

from gatewise.caching import cache_folder
from gatewise.encoders.quiet import quiet
from gatewise.encoders.source import CONFIG, EncoderSource, read_source
from gatewise.runs.atomic import replacing_folder
from gatewise.runs.lock import waited_lock

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

#: Changes with everything that changes their weights or tokens.
VERSION = 1
_SEED = 0
_BEGIN, _END, _PAD, _UNKNOWN, _MASK = _MARKS = ("[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]")
_LAYERS, _WIDTH, _HEADS, _INNER = 3, 64, 4, 128


def random_encoder(name: str) -> EncoderSource:
    """Return one of ``RANDOM``, made now where this machine has not made it yet.

    Raises
    ------
    MissingExtraError
        If transformers is not installed.
    OutputError
        If the cache cannot be written.
    """
    folder = _folder(name)
    if not (folder / CONFIG).is_file():
        with waited_lock(folder.with_suffix(".lock")):
            if not (folder / CONFIG).is_file():  # nobody made it while we waited
                _make(folder, RANDOM[name])
    return read_source(folder, name, place="random")


def made_encoders() -> list[EncoderSource]:
    """Return those that this machine has made already."""
    return [random_encoder(name) for name in RANDOM if (_folder(name) / CONFIG).is_file()]


def _folder(name: str) -> Path:
    return cache_folder("encoders") / "random" / f"{name}-v{VERSION}"


def _make(folder: Path, config_of: Callable[[Mapping[str, int]], PreTrainedConfig]) -> None:
    """Write configuration, weights and tokenizer, all or nothing."""
    with quiet(), replacing_folder(folder, known_by=CONFIG) as new:
        import torch
        import transformers

        numbers = _pieces()
        _write_tokenizer(new, numbers)
        with torch.random.fork_rng(devices=[]):  # transformers draws from torch's own generator
            torch.manual_seed(_SEED)
            module = transformers.AutoModel.from_config(config_of(numbers))
        module.save_pretrained(new)


def _bert(numbers: Mapping[str, int]) -> PreTrainedConfig:
    from transformers import BertConfig

    return BertConfig(
        vocab_size=len(numbers), hidden_size=_WIDTH, num_hidden_layers=_LAYERS, num_attention_heads=_HEADS,
        intermediate_size=_INNER, max_position_embeddings=512, pad_token_id=numbers[_PAD],
    )  # fmt: skip


def _t5(numbers: Mapping[str, int]) -> PreTrainedConfig:
    from transformers import T5Config

    return T5Config(
        vocab_size=len(numbers), d_model=_WIDTH, d_kv=_WIDTH // _HEADS, d_ff=_INNER, num_layers=_LAYERS,
        num_decoder_layers=_LAYERS, num_heads=_HEADS, pad_token_id=numbers[_PAD], eos_token_id=numbers[_END],
        decoder_start_token_id=numbers[_PAD],
    )  # fmt: skip


def _pieces() -> dict[str, int]:
    """Return the number of each piece: marks, single signs, pairs of letters; ``##`` stands before what goes on."""
    signs = [*ascii_lowercase, *digits, *punctuation]
    pieces = [*signs, *map("".join, product(ascii_lowercase, repeat=2))]
    return {piece: number for number, piece in enumerate([*_MARKS, *pieces, *(f"##{piece}" for piece in pieces)])}


def _write_tokenizer(folder: Path, numbers: Mapping[str, int]) -> None:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.WordPiece(dict(numbers), unk_token=_UNKNOWN))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{_BEGIN} $A {_END}", special_tokens=[(mark, numbers[mark]) for mark in (_BEGIN, _END)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    about = {
        "tokenizer_class": "PreTrainedTokenizerFast", "pad_token": _PAD, "unk_token": _UNKNOWN, "cls_token": _BEGIN,
        "sep_token": _END, "mask_token": _MASK, "model_max_length": 512,
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(about), encoding="utf-8")


#: Name of each random encoder, and what makes its configuration from the numbers of the pieces.
RANDOM: Mapping[str, Callable[[Mapping[str, int]], PreTrainedConfig]] = {"random-bert": _bert, "random-t5": _t5}
