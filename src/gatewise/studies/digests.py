"""What a run's data are, as a digest; they are read and checked once, before any process of a pool starts."""

from __future__ import annotations

import hashlib
from pathlib import Path

from gatewise.errors import DataError
from gatewise.settings import FROM_SCRATCH, ClassifySettings, EncoderSettings, ForecastSettings, TextSettings


def forecast_digest(settings: ForecastSettings) -> str:
    """Read the series of a run and return their digest.

    Raises
    ------
    DataError
        If the run would be refused for its data.
    """
    from gatewise.data.series import Windows, divides_by_truth, read_series, split_windows

    data = settings.data
    series = read_series(data, nonzero=divides_by_truth(settings.train))
    split_windows(Windows(series, data.window, data.horizon, data.target_offset), settings.split)
    return series.digest


def text_digest(settings: TextSettings) -> str:
    """Read the texts of a run and return their digest.

    Raises
    ------
    DataError
        If the run would be refused for its data.
    """
    from gatewise.data.text import read_corpus, split_text

    corpus = read_corpus(settings.data)
    split_text(corpus, settings.split, settings.data)
    return str(corpus.digest)


def classify_digest(settings: ClassifySettings) -> str:
    """Read the labelled texts of a run and return a digest of them and of the encoder that reads them.

    Raises
    ------
    DataError
        If the run would be refused for its data.
    InputError
        If there is no such encoder on this machine, or it cannot be used.
    """
    from gatewise.data.labelled import read_labelled, split_labelled

    labelled = read_labelled(settings.data, settings.split.column)
    split_labelled(labelled, settings.split)
    return "".join([labelled.digest, *encoder_digests(settings.encoder)])


def encoder_digests(encoder: EncoderSettings) -> list[str]:
    """Return the digest of what an encoder brings along: its weights, or a file of word vectors; none from scratch."""
    if encoder.vectors:
        try:
            return [hashlib.sha256(Path(encoder.vectors).read_bytes()).hexdigest()]
        except OSError as error:
            raise DataError(f"{encoder.vectors}: cannot be read: {error.strerror}") from None
    if encoder.name in FROM_SCRATCH:
        return []
    from gatewise.encoders import find_encoder

    return [str(find_encoder(encoder.name, revision=encoder.revision, download=encoder.download).digest)]
