"""How good decided classes are: from the table of what was true (rows) against what was predicted (columns).

Every metric here takes one table or a stack of them, ``(..., C, C)``, so that a bootstrap works out thousands at once.
What would divide by nothing is 0: the precision of a class that was never predicted, the recall of one that is not
there, the F1 of both. A mean over classes counts all C of them. scikit-learn does the same when it is given
``labels=range(C), zero_division=0``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatewise.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def confusion(target: ArrayLike, predicted: ArrayLike, classes: int) -> Ints:
    """Count which class was predicted for texts of which class.

    Parameters
    ----------
    target, predicted : (n,)
        Number of each text's class, and of the one that was predicted.
    classes
        C.

    Returns
    -------
    (C, C)
        Rows are what was true, columns what was predicted.

    Raises
    ------
    InputError
        If the arrays differ in length or a number is not 0 ... C - 1.

    Examples
    --------
    >>> confusion([0, 0, 1, 1], [0, 1, 1, 1], 2).tolist()
    [[1, 1], [0, 2]]
    """
    truth, said = class_numbers(target, classes), class_numbers(predicted, classes)
    if len(truth) != len(said):
        raise InputError(f"each text needs one class and one prediction (found {len(truth)} and {len(said)})")
    return np.bincount(truth * classes + said, minlength=classes**2).reshape(classes, classes).astype(np.int64)


def class_numbers(numbers: ArrayLike, classes: int) -> Ints:
    """Return `numbers` as an array; InputError unless they are whole numbers from 0 to C - 1 on one axis."""
    found = np.asarray(numbers)
    if found.ndim != 1 or not (np.issubdtype(found.dtype, np.integer) or not found.size):
        raise InputError(f"classes are whole numbers on one axis (found {found.dtype} of shape {found.shape})")
    if found.size and not (found.min() >= 0 and found.max() < classes):
        raise InputError(f"classes are numbers from 0 to {classes - 1} (found {found.min()} to {found.max()})")
    return found.astype(np.int64, copy=False)


def accuracy(table: ArrayLike) -> Floats:
    """Return the share of texts whose class was predicted."""
    counts = np.asarray(table, np.float64)
    return _over(np.trace(counts, axis1=-2, axis2=-1), counts.sum(axis=(-2, -1)))


def precision_each(table: ArrayLike) -> Floats:
    """Return for each class the share of right ones among the texts that were called so, ``(..., C)``."""
    counts = np.asarray(table, np.float64)
    return _over(_hits(counts), counts.sum(axis=-2))


def recall_each(table: ArrayLike) -> Floats:
    """Return for each class the share of its texts that were called so, ``(..., C)``."""
    counts = np.asarray(table, np.float64)
    return _over(_hits(counts), counts.sum(axis=-1))


def f1_each(table: ArrayLike) -> Floats:
    """Return for each class the harmonic mean of precision and recall, ``(..., C)``."""
    counts = np.asarray(table, np.float64)
    return _over(2.0 * _hits(counts), counts.sum(axis=-2) + counts.sum(axis=-1))


def f1_macro(table: ArrayLike) -> Floats:
    """Return the mean of F1 over the classes: a rare class counts as much as a common one."""
    return np.asarray(f1_each(table).mean(axis=-1))


def f1_weighted(table: ArrayLike) -> Floats:
    """Return the mean of F1 over the classes, each weighing as many texts as it has."""
    support = np.asarray(table, np.float64).sum(axis=-1)
    return _over((f1_each(table) * support).sum(axis=-1), support.sum(axis=-1))


def matthews(table: ArrayLike) -> Floats:
    """Return the correlation of truth and prediction: 1 all right, 0 no better than chance or one class alone.

    Gorodkin 2004 (doi:10.1016/j.compbiolchem.2004.09.006), eq. 8, as scikit-learn writes it.
    """
    counts = np.asarray(table, np.float64)
    truth, said, n = counts.sum(axis=-1), counts.sum(axis=-2), counts.sum(axis=(-2, -1))
    together = np.trace(counts, axis1=-2, axis2=-1) * n - (truth * said).sum(axis=-1)
    return _over(together, np.sqrt(n**2 - (truth**2).sum(axis=-1)) * np.sqrt(n**2 - (said**2).sum(axis=-1)))


#: Metrics of decided classes by name; each takes tables ``(..., C, C)``.
DECISIONS: dict[str, Callable[[ArrayLike], Floats]] = {
    "accuracy": accuracy,
    "f1_macro": f1_macro,
    "f1_weighted": f1_weighted,
    "matthews": matthews,
}


def decision_metrics(target: ArrayLike, predicted: ArrayLike, classes: int) -> dict[str, float | None]:
    """Work out the metrics of :data:`DECISIONS`; None for each when there are no texts.

    Parameters
    ----------
    target, predicted, classes
        As :func:`confusion` takes them.

    Examples
    --------
    >>> decision_metrics([0, 0, 1, 1], [0, 1, 1, 1], 2)["accuracy"]
    0.75
    """
    table = confusion(target, predicted, classes)
    return {name: float(metric(table)) if table.any() else None for name, metric in DECISIONS.items()}


def _hits(counts: Floats) -> Floats:
    return np.diagonal(counts, axis1=-2, axis2=-1)


def _over(above: ArrayLike, below: ArrayLike) -> Floats:
    """Divide; 0 where there is nothing to divide by."""
    above, below = np.asarray(above, np.float64), np.asarray(below, np.float64)
    return np.asarray(np.divide(above, below, out=np.zeros_like(above), where=below > 0))
