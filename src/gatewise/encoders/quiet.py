"""transformers without its bars, hints and warnings: what matters is checked here and said in our own words."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from gatewise.errors import MissingExtraError


@contextmanager
def quiet() -> Iterator[None]:
    """Let transformers say nothing while the block runs; afterwards it is as talkative as before.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        from transformers.utils import logging
    except ImportError as error:
        raise MissingExtraError("a pretrained encoder", "text") from error
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def first_line(error: BaseException) -> str:
    r"""Return what another library's error says first, without a full stop.

    Examples
    --------
    >>> first_line(ValueError("no such file.\nTry again.")), first_line(KeyError())
    ('no such file', 'KeyError')
    """
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
