"""An encoder in memory: texts in, hidden states out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from gatewise.encoders.source import EncoderSource
from gatewise.encoders.tokens import Tokenizer, Tokens
from gatewise.errors import InputError, SettingsError
from gatewise.settings.classify import EncoderSettings

if TYPE_CHECKING:
    from torch import Tensor, nn


class Runtime(Protocol):
    """What computes hidden states."""

    module: nn.Module
    layers: tuple[int, ...]

    def states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the hidden states ``(B, L, T, D)`` of numbers ``(B, T)``; `mask` is False where they are padding."""
        ...


class Encoder:
    """A pretrained encoder with its tokenizer, frozen.

    Made by :meth:`load`.

    Attributes
    ----------
    source
        Where it lies.
    width
        Numbers of one token's state, D.
    layers
        Hidden layers that it gives, L.
    layer_numbers
        Which they are, 0 for the embeddings.
    max_tokens
        Most tokens of a text that are read.
    notes
        What was changed to make the settings fit the encoder, in sentences.
    module
        Its network, in torch.
    """

    def __init__(
        self,
        source: EncoderSource,
        settings: EncoderSettings,
        tokenizer: Tokenizer,
        runtime: Runtime,
        notes: Sequence[str],
    ) -> None:
        self.source = source
        self.settings = settings
        self.tokenizer = tokenizer
        self.runtime = runtime
        self.notes = tuple(notes)
        self.module = runtime.module
        self.width = source.width
        self.layer_numbers = runtime.layers
        self.layers = len(runtime.layers)
        self.max_tokens = tokenizer.max_tokens
        self.vocabulary_size = tokenizer.vocabulary_size
        self.pad = tokenizer.pad
        #: Changes with everything that decides one hidden layer's states.
        self.states_digest = _sha(source.digest, settings.states, settings.runtime, self.max_tokens)
        self.digest = _sha(self.states_digest, self.layer_numbers)

    @classmethod
    def load(cls, source: EncoderSource, settings: EncoderSettings, *, max_tokens: int) -> Encoder:
        """Load weights and tokenizer.

        Parameters
        ----------
        source
            From :func:`find_encoder`.
        settings
            Which layers, which states, and what computes them.
        max_tokens
            Most tokens of a text that are read; lowered, with a note, to what the encoder can read.

        Raises
        ------
        SettingsError
            If there is no such layer, or the encoder has no decoder.
        InputError
            If weights or tokenizer are damaged, incomplete or do not belong together.
        """
        notes: list[str] = []
        layers = choose_layers(source, settings, notes)
        if source.max_tokens is not None and source.max_tokens < max_tokens:
            notes.append(
                f"the encoder {source.name} reads at most {source.max_tokens} tokens of a text, not {max_tokens}: "
                f"what is longer is cut there"
            )
            max_tokens = source.max_tokens
        tokenizer = Tokenizer(source, max_tokens)
        runtime = _runtime(source, settings, layers)
        known = runtime.module.get_input_embeddings().num_embeddings  # type: ignore[operator]
        if tokenizer.vocabulary_size > known:
            raise InputError(
                f"encoder {source.name}: its tokenizer has {tokenizer.vocabulary_size:,} tokens, its weights know "
                f"{known:,}: the two files do not belong together"
            )
        return cls(source, settings, tokenizer, runtime, notes)

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        """Return texts as numbers of tokens, cut at ``max_tokens``."""
        return self.tokenizer.tokenize(texts)

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Return the pieces of text that numbers stand for."""
        return self.tokenizer.pieces(ids)

    def states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the hidden states of a padded batch.

        Parameters
        ----------
        ids
            Numbers of tokens, int64 ``(B, T)``; what stands in the padding must be a token's number, such as ``pad``.
        mask
            True where a token is valid, bool ``(B, T)``.

        Returns
        -------
        Tensor
            float32 ``(B, L, T, D)``; padding changes nothing of what is valid, and holds nothing of use itself.
        """
        return self.runtime.states(ids, mask)


def choose_layers(source: EncoderSource, settings: EncoderSettings, notes: list[str]) -> tuple[int, ...]:
    """Return the numbers of the hidden states that the settings ask for, in the settings' order; none means all.

    The settings' own default, the last four, means as many of them as a shallow encoder has.

    Raises
    ------
    SettingsError
        If there is no such layer, one is named twice, or an encoder without a decoder is asked for a decoder's states.
    """
    if settings.states == "decoder" and source.kind != "t5":
        raise SettingsError(f"states decoder: {source.architecture} has no decoder; set states to encoder")
    count = source.decoder_layers if settings.states == "decoder" else source.hidden_layers
    asked = settings.layers
    if not asked:
        return tuple(range(count))
    if asked == EncoderSettings.model_fields["layers"].default and len(asked) > count:
        notes.append(f"the encoder {source.name} has {count} hidden states, embeddings included: all of them are taken")
        return tuple(range(count))
    for layer in asked:
        if not -count <= layer < count:
            raise SettingsError(
                f"encoder_layers {layer}: the encoder {source.name} has {count} hidden states, embeddings included: "
                f"-1 (the last) to -{count}"
            )
    numbers = tuple(layer % count for layer in asked)
    if len(set(numbers)) < len(numbers):
        raise SettingsError(f"encoder_layers {', '.join(map(str, asked))}: one of them is named twice")
    return numbers


def _runtime(source: EncoderSource, settings: EncoderSettings, layers: tuple[int, ...]) -> Runtime:
    decoder = settings.states == "decoder"
    if settings.runtime == "torch":
        from gatewise.encoders.torch_runtime import TorchRuntime

        return TorchRuntime(source, layers, decoder=decoder)
    from gatewise.encoders.onnx import OnnxRuntime

    return OnnxRuntime(source, layers, decoder=decoder, int8=settings.runtime == "int8")


def _sha(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()
