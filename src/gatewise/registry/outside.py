"""Objects of a user's own, named by their import path: ``my_cells:LeakyCell``.

Wherever a setting takes a name, it takes such a path too. The module is looked for as ``import`` would, then in the
working folder and in the folder of the study file. Importing a module runs it: only a command or a file that its user
gives does so; a model folder never imports anything by itself (:func:`strangers_refused`).
"""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from gatewise.errors import SettingsError

#: Folders where modules of a user's own are looked for, for worker processes.
VARIABLE = "GATEWISE_CODE"
#: Set to 1, a model folder may import the modules that it names.
TRUST = "GATEWISE_TRUST_CODE"

_imported: set[str] = set()
_refusing: ContextVar[bool] = ContextVar("refusing", default=False)
_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


def is_outside(name: Any) -> bool:
    """Tell whether a name is an import path.

    Examples
    --------
    >>> is_outside("my_cells:LeakyCell"), is_outside("lstm"), is_outside("sample:AAPL.csv")
    (True, False, False)
    """
    return isinstance(name, str) and _PATH.fullmatch(name) is not None


def short_name(name: str) -> str:
    """Return what a reader calls a name: of an import path its last part.

    Examples
    --------
    >>> short_name("my_cells:LeakyCell"), short_name("lstm")
    ('LeakyCell', 'lstm')
    """
    return name.rpartition(":")[2] if is_outside(name) else name


def look_in(folder: Path) -> None:
    """Look for modules in a folder too, here and in the worker processes that this one starts."""
    known = os.environ.get(VARIABLE, "").split(os.pathsep)
    if str(folder) not in known:
        os.environ[VARIABLE] = os.pathsep.join([*filter(None, known), str(folder)])


def load_outside(kind: str, name: str) -> Any:
    """Import and return what an import path names.

    Raises
    ------
    SettingsError
        If there is no such module or nothing of this name in it, the module itself fails, or it is a stranger's.
    """
    module, _, attribute = name.partition(":")
    if _refusing.get() and module not in sys.modules:
        raise SettingsError(
            f"the {kind} {name!r} is code that is not part of gatewise: import {module} first, or set {TRUST}=1 when "
            "you know what it does"
        )
    try:
        home = _import(module)
    except Exception as error:  # a module may raise anything while it is imported: told as its own, not as ours
        if isinstance(error, ModuleNotFoundError) and error.name in _parents(module):
            places = ", ".join(str(place) for place in _folders())
            raise SettingsError(
                f"{kind} {name!r}: there is no module {error.name!r}; it is looked for where Python looks, and in "
                f"{places}"
            ) from None
        raise SettingsError(f"{kind} {name!r}: importing {module} fails: {type(error).__name__}: {error}") from error
    if not hasattr(home, attribute):
        raise SettingsError(f"{kind} {name!r}: {module} ({getattr(home, '__file__', None)}) has no {attribute!r}")
    _imported.add(name)
    return getattr(home, attribute)


def code_digest(names: Iterable[str]) -> str:
    """Return a digest of the files of the modules that some import paths name; "" of none.

    A changed module gives another digest, so that a study trains again. What such a module imports itself is not seen.
    """
    digest = hashlib.sha256()
    modules = sorted({name.partition(":")[0] for name in names})
    for module in modules:
        file = getattr(_import(module), "__file__", None)
        digest.update(module.encode() + b"\0" + (Path(file).read_bytes() if file else b""))
    return digest.hexdigest() if modules else ""


def sources() -> dict[str, str]:
    """Return the files of the modules that were imported here, for a machine that does not have them.

    Those beside them that they imported in their turn come along; what is installed as a package has to be installed
    there too.

    Returns
    -------
    dict
        Path below the folder of the module, to the text of the file.
    """
    homes = set()
    for name in _imported:
        file = getattr(sys.modules.get(name.partition(":")[0].partition(".")[0]), "__file__", None)
        if file and "site-packages" not in Path(file).parts:
            homes.add(Path(file).parents[1] if Path(file).name == "__init__.py" else Path(file).parent)
    files = [Path(file) for module in list(sys.modules.values()) if (file := getattr(module, "__file__", None))]
    return {
        str(file.relative_to(home)): file.read_text(encoding="utf-8")
        for home in sorted(homes)
        for file in files
        if file.suffix == ".py" and file.is_relative_to(home) and "site-packages" not in file.parts and file.is_file()
    }


def outside_names(tree: Any) -> set[str]:
    """Return what stands in a tree of checked settings and was imported for it."""
    if not _imported:  # as good as always: nothing to look for
        return set()
    if isinstance(tree, Mapping):
        return set().union(*(outside_names(value) for value in tree.values()))
    if isinstance(tree, list | tuple):
        return set().union(*(outside_names(value) for value in tree))
    return {tree} if isinstance(tree, str) and tree in _imported else set()


@contextmanager
def strangers_refused() -> Iterator[None]:
    """Import no module in the block that this program has not imported itself.

    For settings that come with a model folder, which may be anybody's. ``GATEWISE_TRUST_CODE=1`` lets them.
    """
    token = _refusing.set(os.environ.get(TRUST) != "1")
    try:
        yield
    finally:
        _refusing.reset(token)


def _import(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name not in _parents(module):
            raise
    sys.path += [str(folder) for folder in _folders() if str(folder) not in sys.path]
    importlib.invalidate_caches()
    return importlib.import_module(module)


def _parents(module: str) -> set[str]:
    parts = module.split(".")
    return {".".join(parts[:end]) for end in range(1, len(parts) + 1)}


def _folders() -> list[Path]:
    return [Path.cwd(), *(Path(one) for one in os.environ.get(VARIABLE, "").split(os.pathsep) if one)]
