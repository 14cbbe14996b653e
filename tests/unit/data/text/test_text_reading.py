"""Files, folders, globs, gzip and samples become a corpus; what cannot be read is named."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewise.data.text import corpus_of, numbering, read_corpus
from gatewise.data.text.guessing import guess_encoding
from gatewise.errors import DataError, SettingsError
from gatewise.settings import TextDataSettings

KINDS = ("characters", "graphemes", "bytes")
LETTERS = st.text(st.sampled_from("ab cé\u0301\n\r👩\u200d🇮🇷سلامي یΣ漢"), min_size=2)


def put(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def read(*files: str, **settings: object):
    return read_corpus(TextDataSettings(files=files, **settings))


def test_characters_are_numbered_as_they_come(tmp_path: Path) -> None:
    corpus = read(put(tmp_path, "a.txt", "abracadabra"))
    assert corpus.symbols == tuple("abrcd")
    assert corpus.raw.tolist() == [0, 1, 2, 0, 3, 0, 4, 0, 1, 2, 0]
    assert corpus.raw.dtype == np.uint8
    assert corpus.documents.tolist() == [0, 11]
    assert corpus.text(3, 7) == "acad"


def test_graphemes_and_bytes(tmp_path: Path) -> None:
    file = put(tmp_path, "a.txt", "e\u0301q\u0301👩‍🚀🇮🇷é")
    assert read(file, symbols="graphemes").symbols == ("é", "q\u0301", "👩‍🚀", "🇮🇷")
    made = read(file, symbols="bytes")
    assert made.raw.tolist()[:3] == [0, 1, 2]
    assert made.symbols[:3] == ("\xc3", "\xa9", "q")
    assert made.text() == "éq\u0301👩‍🚀🇮🇷é"


@pytest.mark.parametrize(("count", "dtype"), [(256, np.uint8), (257, np.uint16), (65_537, np.uint32)])
def test_numbers_are_as_narrow_as_they_can_be(count: int, dtype: type) -> None:
    text = "".join(map(chr, [*range(0x10000, 0x10000 + count - 1), ord("a")]))
    corpus = corpus_of(text + "aa", TextDataSettings(normalize="none"))
    assert corpus.raw.dtype == dtype
    assert corpus.raw[-2:].tolist() == [count - 1] * 2


@pytest.mark.parametrize("kind", KINDS)
@given(
    texts=st.lists(LETTERS, min_size=1, max_size=3),
    block=st.integers(1, 7),
    documents=st.sampled_from(["file", "line", "blank_line"]),
)
def test_the_size_of_a_block_changes_nothing(kind: str, texts: list[str], block: int, documents: str) -> None:
    settings, texts = TextDataSettings(symbols=kind, documents=documents, lower=True), ["ab ", *texts]
    whole = corpus_of(texts, settings)
    with patch.object(numbering, "_SHORT", 0):  # as a long text is numbered
        parted = corpus_of(texts, settings, block=block)
    assert np.array_equal(whole.raw, parted.raw)
    assert whole.raw.dtype == parted.raw.dtype
    assert (whole.symbols, whole.digest, whole.documents.tolist()) == (
        parted.symbols,
        parted.digest,
        parted.documents.tolist(),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_read_at_a_time_change_nothing(kind: str, tmp_path: Path) -> None:
    file = put(tmp_path, "a.txt", "\ufeffOne e\u0301\r\n\r\nسلام دنیا 👩‍🚀\n" * 3)
    settings = TextDataSettings(files=file, symbols=kind, documents="blank_line")
    whole = read_corpus(settings)
    for block in (1, 2, 3, 7, 64):
        made = read_corpus(settings, block=block)
        assert np.array_equal(whole.raw, made.raw)
        assert (whole.symbols, whole.digest, whole.notes) == (made.symbols, made.digest, made.notes)
        assert whole.documents.tolist() == made.documents.tolist()


def test_the_digest_is_of_the_text_and_not_of_the_file(tmp_path: Path) -> None:
    one = read(put(tmp_path, "a.txt", "same text\r\n"))
    two = read(put(tmp_path, "b.txt.gz", gzip.compress(b"same text\n")))
    assert one.digest == two.digest == corpus_of("same text\n", TextDataSettings()).digest
    assert one.digest != corpus_of(["same ", "text\n"], TextDataSettings()).digest
    assert one.digest != corpus_of("same text.", TextDataSettings()).digest
    assert any("\\r\\n became \\n" in note for note in one.notes)
    assert two.notes == ()


def test_what_a_document_is(tmp_path: Path) -> None:
    text = "a\nb\n\n\nc\nd\n\n"
    assert corpus_of(text, TextDataSettings(documents="line")).documents.tolist() == [0, 2, 6, 8, 11]
    assert corpus_of(text, TextDataSettings(documents="blank_line")).documents.tolist() == [0, 6, 11]
    assert corpus_of([text, "\nz"], TextDataSettings(documents="blank_line")).documents.tolist() == [0, 6, 11, 13]
    assert corpus_of([text, "z"], TextDataSettings()).documents.tolist() == [0, 11, 12]


def test_folders_and_globs(tmp_path: Path) -> None:
    for name in ("b.txt", "sub/a.md", ".hidden.txt", ".git/x.txt", "code.py", "empty.txt"):
        put(tmp_path, name, "" if name == "empty.txt" else name)
    put(tmp_path, "c.txt.gz", gzip.compress(b"packed"))
    folder = read(str(tmp_path))
    assert folder.text() == "b.txtpackedsub/a.md"
    assert folder.documents.tolist() == [0, 5, 11, 19]
    assert "1 empty files were passed over" in folder.notes[0]
    assert read(str(tmp_path / "*.py"), str(tmp_path / "b.txt")).text() == "code.pyb.txt"
    assert read(str(tmp_path / "**" / "*.md")).text() == "sub/a.md"
    again = read(put(tmp_path, "b.txt", "b.txt"), str(tmp_path / "b*"))
    assert again.text() == "b.txt"
    assert "named more than once" in again.notes[0]


@pytest.mark.parametrize(
    ("name", "least"), [("python-docs", 300_000), ("python-source", 1_000_000), ("licence", 1_000)]
)
def test_samples(name: str, least: int) -> None:
    corpus = read(f"sample:{name}")
    assert len(corpus) > least
    assert (name == "licence") == (len(corpus.documents) == 2)


def test_look_alike_letters_are_told_and_kept() -> None:
    corpus = corpus_of("علي علی کتاب كتاب", TextDataSettings())
    assert {"ي", "ی", "ک", "ك"} <= set(corpus.symbols)
    assert [note.split(":")[0] for note in corpus.notes] == ["look-alike yeh", "look-alike kaf"]
    assert "(U+064A) 1 times" in corpus.notes[0]
    assert corpus_of("علی کتاب", TextDataSettings()).notes == ()


SENTENCES = {
    "utf-16": "plain words", "utf-16-le": "plain words and more", "utf-32": "plain words",
    "cp1256": "سلام دنيا، اين يك متن فارسي است", "cp1251": "Все счастливые семьи похожи друг на друга",
    "cp1252": "Il était une fois, en été, à côté du café", "cp1253": "Όλες οι ευτυχισμένες οικογένειες",
    "gb18030": "我们的大家都是不一样的人，这是中国的地方", "shift_jis": "わたしはにほんごがすこしできます",
    "euc_kr": "나는 이 사람을 사랑하고 있다 그리고 우리",
}  # fmt: skip


@pytest.mark.parametrize("encoding", SENTENCES)
def test_an_encoding_is_guessed_and_reads(encoding: str, tmp_path: Path) -> None:
    file = put(tmp_path, "a.txt", ("first line\n" + SENTENCES[encoding]).encode(encoding))
    with pytest.raises(DataError, match=rf"a\.txt: .*--encoding {encoding} reads it") as caught:
        read(file)
    if not encoding.startswith("utf"):
        offset = 11 + next(i for i, byte in enumerate(SENTENCES[encoding].encode(encoding)) if byte > 0x7F)
        assert f"at offset {offset} (line 2) is not UTF-8" in str(caught.value)
    assert read(file, encoding=encoding, normalize="none").text().endswith(SENTENCES[encoding])


def test_a_wrong_byte_is_found_wherever_blocks_end(tmp_path: Path) -> None:
    content = "ab\ncdé\n".encode() * 3 + b"\xe2\x82"
    file = put(tmp_path, "a.txt", content + b" more")
    for block in (1, 2, 5, 100):
        with pytest.raises(DataError, match=rf"byte 0xe2 at offset {len(content) - 2} \(line 7\)"):
            read_corpus(TextDataSettings(files=file), block=block)
    with pytest.raises(DataError, match=rf"byte 0xe2 at offset {len(content) - 2} \(line 7\)"):
        read(put(tmp_path, "b.txt", content))


def test_utf8_is_guessed_where_something_else_was_said() -> None:
    assert guess_encoding("naïve".encode()) == "utf-8"
    assert guess_encoding(bytes(range(128, 256))) is None


def no_such(folder: Path) -> str:
    put(folder, "book.txt", "text")
    return str(folder / "bok.txt")


BAD = {
    "missing": (no_such, "there is no such file: did you mean 'book.txt'"),
    "empty": (lambda folder: put(folder, "a.txt", ""), "a.txt: the text is empty"),
    "mark": (lambda folder: put(folder, "a.txt", "\ufeff"), "a.txt: the text is empty"),
    "one": (lambda folder: put(folder, "a.txt", "x"), "the whole text has 1 symbols"),
    "binary": (lambda folder: put(folder, "a.txt", b"\x01\x02ab\0\0" * 9), r"binary file \(a zero byte near offset 4"),
    "zip": (lambda folder: put(folder, "a.txt", b"PK\x03\x04rest"), "this is a zip file"),
    "pdf": (lambda folder: put(folder, "a.txt", b"%PDF-1.4"), "this is a PDF file"),
    "cut gzip": (lambda folder: put(folder, "a.gz", gzip.compress(b"text" * 999)[:-9]), r"a\.gz: the \.gz is damaged"),
    "bad gzip": (lambda folder: put(folder, "a.gz", gzip.compress(b"text")[:12] + b"!" * 20), r"the \.gz is damaged"),
    "no gzip": (lambda folder: put(folder, "a.txt.gz", "plain"), r"the \.gz is damaged \(it begins with b'pl'"),
    "empty gzip": (lambda folder: put(folder, "a.gz", gzip.compress(b"")), "a.gz: the text is empty"),
    "folder": (lambda folder: str(Path(put(folder, "in/a.png", "x")).parent), "no text in this folder"),
    "glob": (lambda folder: str(folder / "*.nothing"), "no file has a name like this"),
    "sample": (lambda folder: "sample:python-dcos", "there is no such sample: did you mean 'python-docs'"),
    "zero": (lambda folder: "a\0b", "cannot be read"),
    "nothing in it": (lambda folder: str(Path(put(folder, "in/a.txt", "")).parent), "has 0 symbols"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read_is_named(case: str, tmp_path: Path) -> None:
    make, said = BAD[case]
    with pytest.raises(DataError, match=said) as caught:
        read(make(tmp_path))
    assert caught.value.exit_code == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="no regular file"):
        read(str(tmp_path / "pipe"))


def test_what_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = put(tmp_path, "in/a.txt", "text")

    def forbid(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", forbid)
    with pytest.raises(DataError, match="the folder cannot be read: Permission denied"):
        read(str(Path(file).parent))
    monkeypatch.setattr(Path, "open", lambda path, mode: forbid(path))
    with pytest.raises(DataError, match="the file cannot be read: Permission denied"):
        read(file)


@pytest.mark.parametrize("name", ["utf8x", "base64", "a\0b", ""])
def test_an_unknown_encoding_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match="unknown encoding"):
        read("sample:licence", encoding=name)


def test_no_text_is_refused() -> None:
    with pytest.raises(DataError, match="no text is given"):
        read_corpus(TextDataSettings())
    with pytest.raises(DataError, match="text 2: the text is empty"):
        corpus_of(["abc", ""], TextDataSettings())
    with pytest.raises(DataError, match="text 1: half a surrogate pair"):
        corpus_of("ab\ud800c", TextDataSettings())


def test_counts_of_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = corpus_of("aabbbc" * 9, TextDataSettings())
    for block in (1, 4, 1000):
        monkeypatch.setattr("gatewise.data.text.corpus.BLOCK", block)
        assert corpus.counts().tolist() == [18, 27, 9]
        assert corpus.counts(np.array([[6, 12], [0, 2], [2, 4], [3, 5]])).tolist() == [4, 6, 1]
        assert corpus.counts(np.empty((0, 2), dtype=np.int64)).tolist() == [0, 0, 0]
        places = np.concatenate([places for _, places in corpus.blocks(np.array([[50, 54], [1, 3]]))])
        assert places.tolist() == [1, 2, 50, 51, 52, 53]
