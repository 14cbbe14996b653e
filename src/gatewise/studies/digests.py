"""What a run's data are, as a digest; they are read and checked once, before any process of a pool starts."""

from __future__ import annotations

from gatewise.settings import ClassifySettings, ForecastSettings, TextSettings


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
    from gatewise.encoders import encoder_digests

    labelled = read_labelled(settings.data, settings.split.column)
    split_labelled(labelled, settings.split)
    return "".join([labelled.digest, *encoder_digests(settings.encoder)])
