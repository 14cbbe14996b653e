"""A part of a corpus, as baselines read it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """One part of a corpus, as symbols and as text.

    Attributes
    ----------
    ids : (n,) or (windows, W + 1)
        Its symbols; two axes for windows that were drawn one by one, each read from its own first symbol.
    text
        The same as text, or as bytes where symbols are bytes; only the compressors read it.
    """

    ids: Ints
    text: str | bytes = ""
