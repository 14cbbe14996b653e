"""Every error that gatewise raises on purpose.

::

    GatewiseError                 exit code 1: the work failed
    +-- DivergedError             a loss became NaN or infinite
    +-- RunLockedError            another process works in this folder
    +-- InterruptedRunError       Ctrl-C or SIGTERM, after saving (exit code 130)
    +-- InputError                exit code 2: what the user gave cannot be used (also a ValueError)
        +-- SettingsError         a setting or a study file
        |   +-- UnknownNameError  a cell, loss, optimiser ... that does not exist
        +-- DataError             a data file or frame
        +-- ModelFolderError      a saved model that cannot be loaded
        +-- OutputError           a folder or file that cannot be written
        |   +-- DiskFullError     there is no space left for it
        +-- MissingExtraError     an optional dependency that is not installed

``KernelChangedWarning`` is a warning, not an error: a saved model computes here with another kernel than it was trained
with. A message names the file, row, column or key, says what was found, and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class GatewiseError(Exception):
    """Base of all errors of this package."""

    exit_code = 1


class DivergedError(GatewiseError):
    """Training stopped because a loss, a weight or a gradient is no longer finite."""


class RunLockedError(GatewiseError):
    """Another process is working in the same run folder."""


class InterruptedRunError(GatewiseError):
    """The user stopped the run; what was learned so far is saved."""

    exit_code = 130


class InputError(GatewiseError, ValueError):
    """What the user gave cannot be used."""

    exit_code = 2


class SettingsError(InputError):
    """A setting is unknown, of the wrong type, out of range, or contradicts another one."""


class UnknownNameError(SettingsError):
    """A name that is not in its registry; the message says which name was probably meant."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(f"unknown {kind} {name!r}{did_you_mean(name, known)}")


class DataError(InputError):
    """A data file or frame cannot be used as it is."""


class ModelFolderError(InputError):
    """A saved model is truncated, of another task, or of a version that this one cannot read."""


class OutputError(InputError):
    """A file or folder cannot be written."""


class DiskFullError(OutputError):
    """There is no space left to write, on the disk or in the user's quota."""


class MissingExtraError(InputError):
    """An optional dependency is needed and not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an optional part: pip install 'gatewise[{extra}]'")


class KernelChangedWarning(UserWarning):
    """A model computes with another kernel than the one that trained it: its last digits may differ."""


def did_you_mean(name: str, known: Iterable[str], *, most: int = 12) -> str:
    """Say which of the `known` names comes nearest to `name`, and list them when they are few.

    Examples
    --------
    >>> did_you_mean("lstmm", ["rnn", "gru", "lstm"])
    ": did you mean 'lstm'? Known: rnn, gru, lstm"
    """
    names = list(known)
    near = get_close_matches(str(name), names, n=1, cutoff=0.6)
    guess = f": did you mean {near[0]!r}?" if near else ":"
    shown = ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
    return f"{guess} Known: {shown}" if names else ""
