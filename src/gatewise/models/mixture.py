"""A network that shares its predictions with n-grams of its training text.

``p = (1 - s) p_network + s p_ngram``, with the share s fixed: the linear interpolation with which recurrent networks
first beat n-grams (Mikolov et al. 2010, "Recurrent neural network based language model", Interspeech). A network of few
weights cannot keep every name and phrase of its text, n-grams keep nothing else: they err on different symbols.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from gatewise.models.ngram import KneserNey

Ints = NDArray[np.int64]


class NGramMixture:
    """N-grams beside a network, as one more part of its state.

    The state of a text is, for each order, which n-gram its last symbols are: ``(B, order)`` whole numbers, -1 for one
    that training never saw.

    Parameters
    ----------
    ngrams
        Counted in the training part.
    share
        Share s of the n-grams in every prediction, 0 < s < 1.
    """

    def __init__(self, ngrams: KneserNey, share: float) -> None:
        self.ngrams, self.share = ngrams, share

    def __deepcopy__(self, memo: Any) -> NGramMixture:
        """Return itself: nothing in it changes, and its tables are large."""
        return self

    @classmethod
    def count(cls, ids: Ints, symbols: int, order: int, share: float) -> NGramMixture:
        """Count n-grams up to `order` in the numbers of a text; the number `symbols` stands for nothing."""
        return cls(KneserNey(ids, symbols, order), share)

    def initial_state(self, batch: int) -> Tensor:
        """Return the state of texts before their first symbol."""
        return torch.from_numpy(np.repeat(self.ngrams.start()[None], batch, axis=0))

    def mix(self, logits: Tensor, ids: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Read symbols ``(B, T)`` and mix in what follows each of them.

        Parameters
        ----------
        logits
            Of the network, ``(B, T, V)``; their gradient flows on.
        state
            State before the first symbol.

        Returns
        -------
        log_probs
            ``(B, T, V)``, natural logarithms that are logits as well.
        state
            State after the last symbol.
        """
        contexts = self.ngrams.read(ids.cpu().numpy(), state.cpu().numpy())  # (order, B, T)
        chances = self.ngrams.following(contexts.reshape(len(contexts), -1))
        other = torch.from_numpy(chances).log_().view(logits.shape).to(logits)
        mixed = torch.logaddexp(
            functional.log_softmax(logits, dim=-1) + math.log1p(-self.share), other + math.log(self.share)
        )
        return mixed, torch.from_numpy(np.ascontiguousarray(contexts[:, :, -1].T))

    def extended(self, symbols: int) -> NGramMixture:
        """Return the same for more symbols, which were not counted."""
        return NGramMixture(self.ngrams.extended(symbols), self.share)
