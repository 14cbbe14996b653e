"""Where texts come from: files, plain or gzipped, folders, globs, and what Python ships."""

from __future__ import annotations

import glob
import gzip
import io
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gatewise.data.paths import nearby
from gatewise.data.tables import read_own
from gatewise.data.text.samples import read_sample
from gatewise.errors import DataError

Refuse = Callable[[str], None]

#: What counts as a text when a whole folder is given; each also with .gz behind it.
SUFFIXES = (".txt", ".text", ".md", ".rst")
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Source:
    """One file, or one document of a sample.

    Attributes
    ----------
    name
        What messages call it.
    size
        Bytes of its text; for a gzipped file an estimate.
    optional
        Whether it was found in a folder or by a glob: then it may be empty.
    """

    name: str
    size: int
    path: Path | None = None
    content: bytes = b""
    optional: bool = False

    def stored(self) -> BinaryIO:
        """Open what is stored, compressed or not."""
        return io.BytesIO(self.content) if self.path is None else self.path.open("rb")

    def blocks(self, size: int) -> Iterator[bytes]:
        """Yield the bytes of the text, at most `size` at a time.

        Raises
        ------
        DataError
            If the file cannot be read, or its compression is damaged.
        """
        try:
            with self.stored() as file:
                packed = self.path is not None and _is_packed(self.path, file)
                reader: BinaryIO = gzip.GzipFile(fileobj=file) if packed else file  # type: ignore[assignment]
                while block := reader.read(size):
                    yield block
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise DataError(f"{self.name}: the .gz is damaged ({error}); fetch or compress the file again") from None
        except OSError as error:
            raise _unreadable(self.name, error) from None


def find_sources(
    files: Iterable[str], refuse: Refuse, reader: str | None = None
) -> tuple[list[Source], tuple[str, ...]]:
    """Return every text that `files` name, in their order (folders and globs by name), and notes.

    A `reader` of the user's own makes a text, or several, of each name; they are held in memory. A file that is named
    twice is read once: its copy would stand in the training part and in the test part.
    """
    found: list[Source] = []
    for file in files:
        try:
            found += _own(reader, file) if reader and not file.startswith("sample:") else _expand(file)
        except DataError as error:
            refuse(str(error))
    kept: dict[object, Source] = {}
    for source in found:
        kept.setdefault(source.path.resolve() if source.path else source.name, source)
    again = len(found) - len(kept)
    notes = (f"{again} files are named more than once and were read once",) if again else ()
    return list(kept.values()), notes


def _expand(file: str) -> list[Source]:
    if file.startswith("sample:"):
        return [Source(f"{file} {name}", len(text), content=text) for name, text in read_sample(file)]
    path = Path(file)
    try:
        if path.is_dir():
            return _folder(file, path)
        if not path.exists() and glob.has_magic(file):
            return _glob(file)
        return [_file(file, path)]
    except FileNotFoundError:
        raise DataError(f"{file}: there is no such file{nearby(path)}") from None
    except (OSError, ValueError) as error:
        raise _unreadable(file, error) from None


def _own(reader: str, file: str) -> list[Source]:
    """Return what a reader makes of a name: one text, or one source for each of several."""
    made = read_own(reader, file)
    texts = [made] if isinstance(made, str) else list(made) if isinstance(made, Iterable) else [made]
    if wrong := [text for text in texts if not isinstance(text, str)]:
        raise DataError(f"{file}: the reader {reader} gives a {type(wrong[0]).__name__}; a text or texts are expected")
    names = [file] if len(texts) == 1 else [f"{file}, text {number}" for number in range(1, len(texts) + 1)]
    contents = [text.encode("utf-8", "surrogatepass") for text in texts]
    return [Source(name, len(raw), content=raw) for name, raw in zip(names, contents, strict=True)]


def _file(name: str, path: Path, *, optional: bool = False) -> Source:
    size = path.stat().st_size
    if not path.is_file():
        raise DataError(f"{name}: this is no regular file; save the text to a file first")
    with path.open("rb") as file:
        start = file.read(4)
        if start.startswith(_GZIP):
            file.seek(-4, os.SEEK_END)  # gzip ends with the size of the text, modulo 4 GiB
            size = max(3 * size, int.from_bytes(file.read(4), "little"))
    if start == b"PK\x03\x04" or start == b"%PDF":
        raise DataError(f"{name}: this is a {'PDF' if start == b'%PDF' else 'zip'} file, no text; save it as text")
    return Source(name, size, path, optional=optional)


def _folder(name: str, path: Path) -> list[Source]:
    """Return the texts in a folder and the folders below it, hidden ones left out."""

    def fail(error: OSError) -> None:
        raise error

    found = []
    for place, folders, names in os.walk(path, onerror=fail):
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        texts = (one for one in names if one.lower().removesuffix(".gz").endswith(SUFFIXES))
        found += [Path(place) / one for one in texts if not one.startswith(".")]
    if not found:
        raise DataError(
            f"{name}: no text in this folder ({', '.join(SUFFIXES)}, also with .gz); other files are named by a glob, "
            f"such as '{Path(name) / '*.py'}'"
        )
    return [_file(str(one), one, optional=True) for one in sorted(found)]


def _glob(pattern: str) -> list[Source]:
    found = sorted(Path(one) for one in glob.glob(pattern, recursive=True))
    files = [_file(str(one), one, optional=True) for one in found if one.is_file()]
    if not files:
        raise DataError(f"{pattern}: no file has a name like this")
    return files


def _is_packed(path: Path, file: BinaryIO) -> bool:
    start = file.read(2)
    file.seek(0)
    if start and start != _GZIP and path.suffix.lower() == ".gz":
        raise gzip.BadGzipFile(f"it begins with {start!r}")
    return start == _GZIP


def _unreadable(name: str, error: OSError | ValueError) -> DataError:
    reason = getattr(error, "strerror", None) or str(error)
    at = getattr(error, "filename", None)
    inside = f" ({at})" if at and str(at) != name else ""
    kind = "folder" if Path(name).is_dir() else "file"
    return DataError(f"{name}: the {kind} cannot be read{inside}: {reason}")
