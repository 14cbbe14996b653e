"""Tiny encoders with random weights and a tokenizer of their own, as folders; for tests."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from gatewise.encoders.quiet import quiet

_WORDS = """
the a an of to and in is it you that he was for on are with as his they be at one have this from or had by not word but
what some we can out other were all there when up use your how said she each which their time will way about many then
them write would like so these her long make thing see him two has look more day could go come
"""
WORDS = tuple(_WORDS.split())
KINDS = ("bert", "roberta", "distilbert", "deberta", "deberta-v2", "electra", "mpnet", "albert", "t5")
_SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}


def make_texts(count: int, *, seed: int = 0, longest: int = 12) -> list[str]:
    """Return texts of known words, of different lengths."""
    draw = random.Random(seed)
    return [" ".join(draw.choices(WORDS, k=draw.randint(1, longest))) for _ in range(count)]


def make_encoder(folder: Path, kind: str = "bert", *, layers: int = 2, width: int = 16, positions: int = 40) -> Path:
    """Write a tiny random encoder of one architecture and its tokenizer into `folder`, and return the folder.

    Parameters
    ----------
    kind
        One of ``KINDS``.
    layers
        Hidden layers, without the embeddings.
    width
        Numbers of one token's state.
    positions
        Tokens that a text may have, where the architecture has such a limit.
    """
    import torch
    import transformers

    pad, tokens = make_tokenizer(folder, kind)
    sizes = _SIZES | {"hidden_size": width, "num_hidden_layers": layers}
    more: dict[str, Any] = {"vocab_size": tokens, "pad_token_id": pad, "max_position_embeddings": positions}
    if kind in ("roberta", "mpnet"):
        more["max_position_embeddings"] = positions + pad + 1
    if kind == "distilbert":
        sizes = {"dim": width, "n_layers": layers, "n_heads": 2, "hidden_dim": 24}
    if kind == "t5":
        sizes = {
            "d_model": width,
            "num_layers": layers,
            "num_decoder_layers": layers,
            "num_heads": 2,
            "d_kv": 8,
            "d_ff": 24,
        }
        more = {"vocab_size": tokens, "pad_token_id": pad, "decoder_start_token_id": pad}
    if kind.startswith("deberta"):
        more |= {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "position_biased_input": kind == "deberta"}
    if kind in ("electra", "albert"):
        more["embedding_size"] = 12
    with torch.random.fork_rng():
        torch.manual_seed(7)
        config = transformers.AutoConfig.for_model(kind, **sizes, **more)
        module = transformers.AutoModel.from_config(config)
        for weights in module.parameters():  # larger than the published start, so that every part is felt
            torch.nn.init.normal_(weights, std=0.3)
    with quiet():
        module.save_pretrained(folder)
    return folder


def make_tokenizer(folder: Path, kind: str = "bert") -> tuple[int, int]:
    """Write a tokenizer with the marks of an architecture, and return its padding's number and its size."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    marks = {
        "roberta": ("<s>", "<pad>", "</s>", "<unk>"),
        "mpnet": ("<s>", "<pad>", "</s>", "<unk>"),
        "t5": ("", "<pad>", "</s>", "<unk>"),
    }.get(kind, ("[CLS]", "[PAD]", "[SEP]", "[UNK]"))
    begin, pad, end, unknown = marks
    names = [mark for mark in marks if mark] + ["[MASK]", *WORDS, *"abcdefghijklmnopqrstuvwxyz"]
    names += [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    tokenizer = Tokenizer(models.WordPiece(numbers, unk_token=unknown))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    form = f"{begin} $A {end}".strip()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=form, special_tokens=[(mark, numbers[mark]) for mark in (begin, end) if mark]
    )
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    about = {
        "tokenizer_class": "PreTrainedTokenizerFast", "pad_token": pad, "unk_token": unknown, "eos_token": end,
        "mask_token": "[MASK]", "model_max_length": 512,
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(about))
    return numbers[pad], len(numbers)
