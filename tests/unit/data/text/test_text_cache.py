"""Large texts are encoded once, to files that are checked before they are used."""

from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
import pytest

from gatewise.data.text import cache, cache_folder, corpus_of, read_corpus, reading
from gatewise.data.text.store import RAW, FileStore
from gatewise.errors import DataError, OutputError
from gatewise.settings import TextDataSettings


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, and every text large."""
    monkeypatch.setenv("GATEWISE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(reading, "IN_MEMORY", 0)
    return tmp_path


def settings(place: Path, text: str = "some text\nand more\n" * 9, **more: object) -> TextDataSettings:
    (place / "a.txt").write_text(text, encoding="utf-8")
    return TextDataSettings(files=str(place / "a.txt"), **more)


def forbid(*args: object) -> None:
    raise AssertionError("the text was encoded again")


def folders(place: Path) -> list[Path]:
    return sorted((place / "cache" / "text").iterdir())


@pytest.mark.parametrize("documents", ["file", "line"])
def test_what_is_kept_equals_what_is_in_memory(place: Path, documents: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = settings(place, "e\u0301 é\r\nسلام علي علی\n" * 9, documents=documents)
    first = read_corpus(asked, block=5)
    monkeypatch.setattr(reading, "_encode", forbid)
    second = read_corpus(asked)
    monkeypatch.undo()
    memory = read_corpus(asked)
    assert isinstance(first.raw, np.memmap)
    assert isinstance(second.raw, np.memmap)
    assert not isinstance(memory.raw, np.memmap)
    for made in (first, second):
        assert np.array_equal(made.raw, memory.raw)
        assert made.documents.tolist() == memory.documents.tolist()
        assert (made.symbols, made.digest, made.notes, made.kind) == (
            memory.symbols, memory.digest, memory.notes, memory.kind,
        )  # fmt: skip


@pytest.mark.parametrize("count", [257, 65_537])
def test_numbers_grow_wider_on_the_way(place: Path, count: int) -> None:
    text = "ab\n" * 99 + "".join(chr(0x10000 + i) + ("\n" if i % 50 == 0 else "") for i in range(count))
    made = read_corpus(settings(place, text, normalize="none"), block=1000)
    memory = corpus_of(text, TextDataSettings(normalize="none"))
    assert made.raw.dtype == memory.raw.dtype
    assert np.array_equal(made.raw, memory.raw)


def test_another_text_or_another_cleaning_is_encoded_anew(place: Path) -> None:
    read_corpus(settings(place))
    assert read_corpus(settings(place, lower=True, text="SOME")).text() == "some"
    assert read_corpus(settings(place, text="other text")).text() == "other text"
    assert len(folders(place)) == 3


@pytest.mark.parametrize("file", ["raw.bin", "documents.bin", "corpus.json"])
@pytest.mark.parametrize("how", ["changed", "cut", "removed"])
def test_a_damaged_cache_is_noticed_and_made_again(place: Path, file: str, how: str) -> None:
    asked = settings(place)
    whole = read_corpus(asked).raw.tolist()
    (folder,) = folders(place)
    content = bytearray((folder / file).read_bytes())
    if how == "removed":
        (folder / file).unlink()
    else:
        content[len(content) // 2] ^= 1
        (folder / file).write_bytes(content if how == "changed" else content[: len(content) // 2])
    assert read_corpus(asked).raw.tolist() == whole
    assert folders(place) == [folder]
    assert cache._open(folder, "characters") is not None


def test_what_is_refused_leaves_nothing(place: Path) -> None:
    (place / "a.txt").write_bytes(b"fine\n" * 99 + b"\xff")
    problems: list[str] = []
    with pytest.raises(DataError, match="byte 0xff at offset 495"):
        read_corpus(TextDataSettings(files=str(place / "a.txt")), block=10, refuse=problems.append)
    assert len(problems) == 1
    assert folders(place) == []


def _die(asked: TextDataSettings) -> None:
    """Encode as a process that is killed after its first piece."""
    append = FileStore.append

    def once(self: FileStore, *args: object) -> None:
        append(self, *args)
        self._raw.flush()
        os._exit(9)

    FileStore.append = once
    reading.IN_MEMORY = 0
    read_corpus(asked, block=20)


def test_a_killed_process_leaves_nothing_that_is_used(place: Path) -> None:
    asked = settings(place)
    process = multiprocessing.get_context("fork").Process(target=_die, args=(asked,))
    process.start()
    process.join()
    assert process.exitcode == 9
    (left,) = folders(place)
    assert left.name.endswith(cache.UNFINISHED)
    assert (left / RAW).stat().st_size > 0
    assert len(read_corpus(asked)) == 171
    assert left.exists()  # another process may be writing there

    os.utime(left, (time.time() - 2 * 86_400,) * 2)
    read_corpus(settings(place, "something else"))
    assert not left.exists()


def test_another_process_may_be_faster(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = settings(place)
    write = cache._write_about

    def meanwhile(folder: Path, made: object) -> None:
        monkeypatch.setattr(cache, "_write_about", write)
        read_corpus(asked)
        write(folder, made)

    monkeypatch.setattr(cache, "_write_about", meanwhile)
    assert len(read_corpus(asked)) == 171
    assert len(folders(place)) == 1


def test_small_texts_write_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWISE_CACHE", str(tmp_path / "cache"))
    read_corpus(settings(tmp_path))
    assert not (tmp_path / "cache").exists()


def test_a_cache_that_cannot_be_written_is_named(place: Path) -> None:
    (place / "cache").write_text("a file")
    with pytest.raises(OutputError, match="set GATEWISE_CACHE"):
        read_corpus(settings(place))


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWISE_CACHE", "/own")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_folder() == Path("/own/text")
    monkeypatch.delenv("GATEWISE_CACHE")
    assert cache_folder() == Path("/xdg/gatewise/text")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "gatewise" / "text"
