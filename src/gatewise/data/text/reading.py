"""Files to a corpus, in one pass and in memory that does not grow with them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from gatewise.data.text import cache
from gatewise.data.text.cleaning import clean, whole_pieces
from gatewise.data.text.corpus import Corpus, look_alike_notes
from gatewise.data.text.decoding import decoded_blocks, require_encoding
from gatewise.data.text.numbering import Numbering
from gatewise.data.text.sources import Refuse, Source, find_sources
from gatewise.data.text.store import Encoded, MemoryStore, Store
from gatewise.errors import DataError
from gatewise.settings import TextDataSettings

#: Bytes that are read at a time.
BLOCK = 1 << 20
#: Texts of fewer bytes in all stay in memory, and nothing is written.
IN_MEMORY = 64 << 20


def read_corpus(settings: TextDataSettings, *, refuse: Refuse | None = None, block: int = BLOCK) -> Corpus:
    r"""Read, clean and number the texts that the settings name.

    Lines end with ``\n`` afterwards (``\r\n`` becomes ``\n``), and a byte order mark is left out. Texts of 64 MB and
    more are encoded once, to a folder of the cache (``GATEWISE_CACHE``, else ``gatewise`` in the user's cache folder),
    and read from there; what is there is checked against its checksum whenever it is opened.

    Parameters
    ----------
    refuse
        Called with every problem; the first one is raised when absent.
    block
        Bytes that are read at a time; it changes nothing in the result.

    Raises
    ------
    SettingsError
        If the encoding is unknown.
    DataError
        If a file is missing, empty, binary, damaged, or not of the encoding, or the whole text has one symbol.

    Examples
    --------
    >>> corpus = read_corpus(TextDataSettings(files="sample:python-docs", lower=True))
    >>> corpus.text(0, 19)
    'the "assert" statem'
    """
    require_encoding(settings.encoding)
    if not settings.files:
        raise DataError("no text is given: name one or more files, folders or globs, or sample:python-docs")
    problems: list[str] = []

    def note(message: str) -> None:
        problems.append(message)
        (refuse or _raise)(message)

    sources, notes = find_sources(settings.files, note, settings.reader)
    documents = _documents(sources, settings, note, block)

    def encode(store: Store) -> Encoded:
        made = _encode(documents, settings, store, note)
        if problems:
            _raise(problems[0])
        return made

    if settings.reader or sum(source.size for source in sources) < IN_MEMORY:
        corpus = _in_memory(encode, settings)
    else:
        corpus = cache.open_or_encode(sources, settings, encode)
    return replace(corpus, notes=notes + corpus.notes + look_alike_notes(corpus.symbols, corpus.counts))


def corpus_of(text: str | Sequence[str], settings: TextDataSettings, *, block: int = BLOCK) -> Corpus:
    """Clean and number text that is at hand; each of several texts is read as a file would be.

    Raises
    ------
    DataError
        If a text is empty or holds half a surrogate pair, or there is only one symbol in all.

    Examples
    --------
    >>> corpus_of(["abc", "cab"], TextDataSettings()).documents.tolist()
    [0, 3, 6]
    """
    texts = [text] if isinstance(text, str) else list(text)
    documents = (
        _Document(f"text {i}", (one[at : at + block] for at in range(0, len(one), block)))
        for i, one in enumerate(texts, 1)
    )
    corpus = _in_memory(lambda store: _encode(documents, settings, store, _raise), settings)
    return replace(corpus, notes=corpus.notes + look_alike_notes(corpus.symbols, corpus.counts))


@dataclass
class _Document:
    """Text as it arrives; an `optional` one may be empty."""

    name: str
    blocks: Iterable[str]
    optional: bool = False
    refused: bool = False


def _in_memory(encode: Callable[[Store], Encoded], settings: TextDataSettings) -> Corpus:
    store = MemoryStore()
    made = encode(store)
    raw, documents = store.finish(len(made.symbols))
    return Corpus(raw, made.symbols, documents, made.digest, settings.symbols, made.notes)


def _documents(
    sources: Iterable[Source], settings: TextDataSettings, refuse: Refuse, block: int
) -> Iterator[_Document]:
    for source in sources:
        document = _Document(source.name, (), source.optional)
        document.blocks = _refusing(decoded_blocks(source, settings.encoding, block), document, refuse)
        yield document


def _refusing(blocks: Iterator[str], document: _Document, refuse: Refuse) -> Iterator[str]:
    """Yield what can be read; a problem is told, and ends the document."""
    try:
        yield from blocks
    except DataError as error:
        document.refused = True
        refuse(str(error))


def _encode(documents: Iterable[_Document], settings: TextDataSettings, store: Store, refuse: Refuse) -> Encoded:
    """Clean and number every document; this is the loop that all text runs through."""
    numbering, text_digest, begin_digest = Numbering(settings.symbols), hashlib.sha256(), hashlib.sha256()
    length, returns, empty = 0, 0, []
    for document in documents:
        begins, before = _Begins(settings.documents), length
        for piece in whole_pieces(document.blocks):
            cleaned = clean(piece, settings)
            returns += piece.count("\r\n")
            try:
                encoded = cleaned.encode()
            except UnicodeEncodeError as error:
                raise DataError(
                    f"{document.name}: half a surrogate pair, {cleaned[error.start]!r}, near symbol {length}"
                ) from None
            text_digest.update(encoded)
            raw = numbering.number(cleaned, encoded)
            found = begins.find(raw, numbering, length)
            begin_digest.update(found.data)
            store.append(raw, found)
            length += len(raw)
        if length == before:
            if document.optional:
                empty.append(document.name)
            elif not document.refused:
                refuse(f"{document.name}: the text is empty")
    if length < 2:
        refuse(f"the whole text has {length} symbols: there is nothing to predict; give a longer text")
    store.append(np.empty(0, np.uint8), np.array([length], dtype=np.int64))
    notes: tuple[str, ...] = ()
    if empty:
        notes += (f"{len(empty)} empty files were passed over ({', '.join(empty[:3])})",)
    if returns:
        notes += (f"\\r\\n became \\n at the end of {returns} lines",)
    digest = hashlib.sha256(text_digest.digest() + begin_digest.digest()).hexdigest()
    return Encoded(numbering.symbols, digest, notes, length)


class _Begins:
    """Finds where documents begin in one file, piece by piece: at its first symbol, after lines, or after blank lines.

    A document keeps the line ends behind it, so that documents lie side by side and a network learns to end them.
    """

    def __init__(self, kind: str) -> None:
        self.needed = {"file": 0, "line": 1, "blank_line": 2}[kind]
        self.behind: NDArray[np.bool_] | None = None  # whether the last symbols before this piece end lines

    def find(self, raw: NDArray[np.unsignedinteger], numbering: Numbering, ahead: int) -> NDArray[np.int64]:
        """Return the beginnings in a piece that `ahead` symbols precede."""
        first = self.behind is None and len(raw) > 0
        begins = np.zeros(int(first), dtype=np.int64) + ahead
        if not self.needed or not len(raw):
            if first:
                self.behind = np.zeros(0, dtype=np.bool_)
            return begins
        behind = np.zeros(self.needed, dtype=np.bool_) if self.behind is None else self.behind
        ends = np.concatenate([behind, raw == numbering.line_end])
        self.behind = ends[-self.needed :]
        starts = ~ends[self.needed :]
        for back in range(1, self.needed + 1):
            starts &= ends[self.needed - back : len(ends) - back]
        return np.concatenate([begins, np.flatnonzero(starts) + ahead])


def _raise(message: str) -> NoReturn:
    raise DataError(message)
