"""Pretrained encoders: found on this machine, run once over each text, their hidden states kept on disk.

They are computed by transformers, which the extra ``text`` brings and which loads when an encoder does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatewise.encoders.cache import encode_texts as encode_texts
    from gatewise.encoders.features import Features as Features
    from gatewise.encoders.features import encode_now as encode_now
    from gatewise.encoders.find import encoder_digests as encoder_digests
    from gatewise.encoders.find import find_encoder as find_encoder
    from gatewise.encoders.find import list_encoders as list_encoders
    from gatewise.encoders.load import Encoder as Encoder
    from gatewise.encoders.plan import Plan as Plan
    from gatewise.encoders.plan import plan_encoding as plan_encoding
    from gatewise.encoders.source import ARCHITECTURES as ARCHITECTURES
    from gatewise.encoders.source import EncoderSource as EncoderSource
    from gatewise.encoders.tokens import Tokens as Tokens

_HOMES = {
    "ARCHITECTURES": "source",
    "Encoder": "load",
    "EncoderSource": "source",
    "Features": "features",
    "Plan": "plan",
    "Tokens": "tokens",
    "encode_now": "features",
    "encoder_digests": "find",
    "encode_texts": "cache",
    "find_encoder": "find",
    "list_encoders": "find",
    "plan_encoding": "plan",
}
__all__ = [
    "ARCHITECTURES", "Encoder", "EncoderSource", "Features", "Plan", "Tokens", "encode_now", "encode_texts",
    "encoder_digests",
    "find_encoder", "list_encoders", "plan_encoding",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"gatewise.encoders.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'gatewise.encoders' has no attribute {name!r}")
