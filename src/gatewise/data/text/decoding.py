"""Bytes to text, a block at a time; what is no text is refused with its place."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from encodings.aliases import aliases

from gatewise.data.text.guessing import guess_encoding
from gatewise.data.text.sources import Source
from gatewise.errors import DataError, SettingsError, did_you_mean

_MARK = "\ufeff"
_SAMPLE = 1 << 14


def require_encoding(name: str) -> None:
    """Check that Python knows an encoding of text by this name.

    Raises
    ------
    SettingsError
        If it does not.
    """
    try:
        known = codecs.lookup(name)
    except (LookupError, ValueError):
        known = None
    if known is None or known.incrementaldecoder is None or not known._is_text_encoding:
        raise SettingsError(f"encoding: unknown encoding {name!r}{did_you_mean(name, sorted(set(aliases.values())))}")


def decoded_blocks(source: Source, encoding: str, size: int) -> Iterator[str]:
    """Yield the text of a source; a byte order mark at its beginning is left out.

    Raises
    ------
    DataError
        If a byte is not of that encoding, or the file is binary. The message says where, and which encoding is likely.
    """
    decoder = codecs.getincrementaldecoder("utf-8" if source.path is None else encoding)()
    ahead, first = 0, True  # bytes read before this block
    for block in source.blocks(size):
        held = len(decoder.getstate()[0])
        try:
            text = decoder.decode(block)
        except UnicodeDecodeError as error:
            raise _not_decodable(source, encoding, error, ahead - held) from None
        ahead += len(block)
        if "\0" in text:
            raise _binary(source, encoding, block, ahead - len(block))
        if first and text:
            first, text = False, text.removeprefix(_MARK)
        if text:
            yield text
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise _not_decodable(source, encoding, error, ahead - len(error.object)) from None


def _not_decodable(source: Source, encoding: str, error: UnicodeDecodeError, ahead: int) -> DataError:
    """Say which byte is wrong, and what would read the file."""
    data, offset = error.object, ahead + error.start
    line_start = data.rfind(b"\n", 0, error.start) + 1
    guess = guess_encoding(data[line_start : line_start + _SAMPLE])
    narrow = not codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))
    where = f"offset {offset}" + (f" (line {_line(source, offset)})" if narrow else "")
    if guess is None or codecs.lookup(guess) == codecs.lookup(encoding):
        what = (
            "the file is damaged, binary or in another encoding: give its name with --encoding (latin-1 reads anything)"
        )
    else:
        what = f"it is probably {guess}: --encoding {guess} reads it"
    return DataError(f"{source.name}: byte 0x{data[error.start]:02x} at {where} is not {encoding.upper()}; {what}")


def _binary(source: Source, encoding: str, block: bytes, ahead: int) -> DataError:
    guess = guess_encoding(block[:_SAMPLE])
    if guess is not None and codecs.lookup(guess) != codecs.lookup(encoding):
        return DataError(f"{source.name}: the text is not {encoding.upper()} but {guess}: --encoding {guess} reads it")
    return DataError(
        f"{source.name}: this is a binary file (a zero byte near offset {ahead + max(block.find(0), 0)}), no text"
    )


def _line(source: Source, offset: int) -> int:
    """Return the number of the line, from 1, in which a byte stands."""
    line, ahead = 1, 0
    for block in source.blocks(1 << 20):
        line += block[: max(offset - ahead, 0)].count(b"\n")
        ahead += len(block)
        if ahead >= offset:
            break
    return line
