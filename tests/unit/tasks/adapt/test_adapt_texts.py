import gzip

import pytest

from gatewise.errors import DataError
from gatewise.settings import AdaptDataSettings, AdaptSplitSettings
from gatewise.tasks.adapt.texts import read_adapt_texts


def read(*files, split=None, **settings):
    return read_adapt_texts(
        AdaptDataSettings(files=[str(file) for file in files], **settings), split or AdaptSplitSettings()
    )


def every(texts):
    return sorted(texts.train + texts.validation)


def test_a_line_of_a_text_file_is_a_text(tmp_path):
    (tmp_path / "a.txt").write_bytes("\ufeffone  two\r\n\r\n  \r\n@anna three\r\n".encode())
    assert every(read(tmp_path / "a.txt")) == ["<user> three", "one two"]
    assert every(read(tmp_path / "a.txt", cleaning="none")) == ["@anna three", "one two"]


def test_what_stands_between_blank_lines_can_be_a_text(tmp_path):
    (tmp_path / "a.txt").write_text("one\ntwo\n \t\n\n\nthree\nfour\n")
    assert every(read(tmp_path / "a.txt", documents="blank_line")) == ["one two", "three four"]


def test_tables_and_text_files_and_folders_side_by_side(tmp_path):
    (tmp_path / "table.csv").write_text('id,tweet\n1,"so\ngood"\n2,@ben hi\n3,\n')
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.txt.gz").write_bytes(gzip.compress(b"deep\n"))
    texts = read(tmp_path / "table.csv", tmp_path / "more", text="tweet")
    assert every(texts) == ["<user> hi", "deep", "so good"]
    assert "1 texts are empty after cleaning and are left out" in texts.notes


def test_copies_are_left_out_and_said(tmp_path):
    (tmp_path / "a.txt").write_text("hi @anna\nhi @ben\nbye\n")
    texts = read(tmp_path / "a.txt")
    assert every(texts) == ["bye", "hi <user>"]
    assert texts.notes[0].startswith("1 texts are copies of others")


def test_the_parts_are_drawn_with_the_seed(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("\n".join(f"text {number}" for number in range(50)))
    one, same = (read(tmp_path / "a.txt", split=AdaptSplitSettings(validation=0.2)) for _ in range(2))
    other = read(tmp_path / "a.txt", split=AdaptSplitSettings(validation=0.2, seed=1))
    assert (len(one.train), len(one.validation)) == (40, 10)
    assert not set(one.train) & set(one.validation)
    assert (one.validation, one.digest) == (same.validation, same.digest)
    assert one.validation != other.validation
    assert one.digest != other.digest
    monkeypatch.setattr("gatewise.tasks.adapt.texts.MOST_JUDGED", 4)
    assert len(read(tmp_path / "a.txt", split=AdaptSplitSettings(validation=0.2)).validation) == 4


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"same\nsame\n", "1 different texts are left"),
        (b"", "0 different texts"),
        (b"caf\xe9\nb\n", "byte 3 is not UTF-8"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path, content, said):
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(DataError, match=said):
        read(tmp_path / "a.txt")


def test_no_files_and_no_column_are_said(tmp_path):
    with pytest.raises(DataError, match="no texts"):
        read()
    (tmp_path / "a.csv").write_text("id,tweet\n1,a b\n2,c d\n")
    with pytest.raises(DataError, match="tweet"):
        read(tmp_path / "a.csv", text="txt")
    with pytest.raises(DataError, match="no such file"):
        read(tmp_path / "b.txt")
