"""Labelled texts from files of every kind: what is read, what is guessed, what is refused and with which row."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gatewise.data.labelled import labelled_of, read_labelled, read_texts
from gatewise.errors import DataError
from gatewise.settings import ClassifyDataSettings

ROWS = [("so good, @ann", "pos"), ('a "bad"\nday', "neg"), ("fine\ttoo", "pos"), ("not fine", "neg")]


def write(path: Path, rows: list[tuple[str, ...]] = ROWS, heads: tuple[str, ...] = ("tweet", "class")) -> str:
    frame = pl.DataFrame(rows, schema=list(heads), orient="row")
    kind = path.name.removesuffix(".gz").rpartition(".")[2]
    if kind == "parquet":
        frame.write_parquet(path)
        return str(path)
    if kind == "jsonl":
        text = "\n\n".join(json.dumps(row, ensure_ascii=False) for row in frame.to_dicts())
    else:
        text = frame.write_csv(separator="\t" if kind == "tsv" else ",")
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return str(path)


def read(*files: str, **settings: object):
    return read_labelled(ClassifyDataSettings(files=files, **settings))


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.tsv", "a.jsonl", "a.jsonl.gz", "a.parquet"])
def test_every_kind_of_file(name: str, tmp_path: Path) -> None:
    made = read(write(tmp_path / name), cleaning=("users",))
    assert made.texts == [text for text, _ in ROWS]
    assert made.clean[0] == "so good, <user>"
    assert (made.classes, made.codes, made.labels.tolist()) == (("neg", "pos"), ("neg", "pos"), [1, 0, 1, 0])
    assert len(made.notes) == 2
    assert "'tweet' is taken as the text" in made.notes[0]
    assert "'class' is taken as the label" in made.notes[1]
    numbers = {"csv": [2, 3, 5, 6], "tsv": [2, 3, 5, 6], "jsonl": [1, 3, 5, 7], "parquet": [0, 1, 2, 3]}
    assert made.rows.tolist() == numbers[name.removesuffix(".gz").rpartition(".")[2]]
    assert made.where(2).endswith(f"{name}, row {made.rows[2]}")


def test_tabs_with_quotes_that_enclose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "olid.tsv"
    path.write_text('id\ttweet\tlabel\n1\t"starts so\tOFF\n2\tsays "hi\tNOT\n\n3\t"all"\tNOT\n', encoding="utf-8")
    made = read(str(path), cleaning=("none",))
    assert made.texts == ['"starts so', 'says "hi', '"all"']
    assert made.rows.tolist() == [2, 3, 5]


def test_several_files_and_given_parts(tmp_path: Path) -> None:
    a, b, c = write(tmp_path / "a.csv"), write(tmp_path / "b.jsonl"), write(tmp_path / "c.parquet")
    made = read(a, b, test_files=(c,))
    assert made.origin == [a, b, c]
    assert made.file.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert made.parts.tolist() == [0] * 8 + [2] * 4
    rows = [*[(*row, "Train") for row in ROWS], ("more of it", "pos", "DEV"), ("less of it", "neg", "test")]
    path = write(tmp_path / "d.csv", rows, ("text", "label", "part"))
    assert read_labelled(ClassifyDataSettings(files=path), "part").parts.tolist() == [0, 0, 0, 0, 1, 2]
    rows[0] = (*ROWS[0], "holdout")
    with pytest.raises(DataError, match=r"d\.csv, row 2, column 'part': 'holdout' is no part"):
        read_labelled(ClassifyDataSettings(files=write(tmp_path / "d.csv", rows, ("text", "label", "part"))), "part")


def test_codes_get_names_and_are_sorted_as_numbers(tmp_path: Path) -> None:
    rows = [("ten of it", "10"), ("nine of it", "9"), ("two of it", "2"), ("nine again", " 9 ")]
    path = write(tmp_path / "a.csv", rows)
    made = read(path, names={"10": "c", "2": "a", "9": "b"})
    assert (made.codes, made.classes, made.labels.tolist()) == (("2", "9", "10"), ("a", "b", "c"), [2, 1, 0, 1])
    with pytest.raises(DataError, match="no text has the label '3'; the labels are 2, 9, 10"):
        read(path, names={"10": "c", "2": "a", "9": "b", "3": "d"})
    with pytest.raises(DataError, match="the label '9' has no name"):
        read(path, names={"10": "c", "2": "a"})
    with pytest.raises(DataError, match="'a' names two labels"):
        read(path, names={"10": "c", "2": "a", "9": "a"})


def test_numbers_mean_the_same_in_every_kind_of_file(tmp_path: Path) -> None:
    texts = ["some of it", "more of it", "less of it"]
    pl.DataFrame({"text": texts, "label": [1.0, 0.0, 1.0]}).write_parquet(tmp_path / "a.parquet")
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"text": t, "label": i % 2}) for i, t in enumerate(texts)))
    made = read(str(tmp_path / "a.parquet"), str(tmp_path / "a.jsonl"))
    assert made.codes == ("0", "1")


@pytest.mark.parametrize(
    ("heads", "rows", "settings", "said"),
    [
        (("tweet", "class"), ROWS, {"text": "twet"}, "the text 'twet': did you mean 'tweet'? Known: tweet, class"),
        (("tweet", "class"), ROWS, {"label": "lable"}, "no column of the label 'lable'"),
        (("tweet", "class"), ROWS, {"votes": ("a", "b")}, "no column of votes 'a'"),
        (("tweet", "class"), ROWS, {"text": "tweet", "label": "tweet"}, "given as the text and as the label"),
        (("a", "b"), [("one", "two")] * 4, {}, "no column looks like texts; name it with --text (a, b)"),
        (("tweet", "a", "b"), [("some of it", str(i % 2), str(i // 3)) for i in range(6)], {},
         "several columns could be the label (a, b)"),
        (("tweet", "n"), [("some of it", str(i)) for i in range(6)], {}, "no column looks like labels"),
        (("tweet", "class"), [*ROWS, ("x", ""), ("y", " ")], {}, "rows 7, 8 have no label"),
        (("tweet", "class"), [(text, "pos") for text, _ in ROWS], {}, "every text has the label 'pos'"),
        (("this is a long tweet in the place of a header", "class"), ROWS, {}, "the first line must name the columns"),
        (("tweet", "class", "v", "w"), [(*row, "1", "2") for row in ROWS], {"votes": "v"}, "1 columns (v) for 2"),
        (("tweet", "class", "v", "w"), [(*row, "1", "-2") for row in ROWS], {"votes": ("v", "w")},
         "row 2, column 'w': '-2' is no number of votes"),
        (("tweet", "class", "v", "w"), [(*row, "0", "0") for row in ROWS], {"votes": ("v", "w")},
         "rows 2, 3, 5, 6 have no votes at all"),
    ],
)  # fmt: skip
def test_what_is_refused(heads, rows, settings, said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read(write(tmp_path / "a.csv", rows, heads), **settings)
    assert said in str(caught.value)
    assert "a.csv" in str(caught.value) or said.startswith(("every", "1 columns"))


def test_labels_that_training_does_not_have(tmp_path: Path) -> None:
    train, test = (
        write(tmp_path / "a.csv"),
        write(tmp_path / "b.csv", [*ROWS, ("odd of it", "positive"), ("x y", "pos")]),
    )
    with pytest.raises(DataError, match=r"b\.csv, row 7 has the label 'positive', which no row of the training part"):
        read(train, test_files=(test,))


def test_the_text_and_label_are_found_by_what_stands_in_them(tmp_path: Path) -> None:
    rows = [(str(i), f"a longer line of words {i}", "ab"[i % 2], str(i / 7)) for i in range(12)]
    made = read(write(tmp_path / "a.csv", rows, ("id", "v2", "v1", "score")))
    assert (made.columns.text, made.columns.label) == ("v2", "v1")


@pytest.mark.parametrize(("empty", "count"), [("keep", 4), ("drop", 3)])
def test_a_text_of_which_nothing_is_left(empty: str, count: int, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [('"&|', "a"), ("a word", "a"), ("two words", "b"), ("three words", "b")])
    made = read(path, cleaning=("symbols", "spaces"), empty=empty)
    assert len(made) == len(made.clean) == len(made.labels) == len(made.rows) == count
    assert "1 texts are empty after cleaning" in made.notes[-1]
    with pytest.raises(DataError, match="a class has no text of which cleaning leaves something"):
        read(write(tmp_path / "b.csv", [("&", "a"), ("b c", "b")]), cleaning=("symbols", "spaces"), empty="drop")


def test_votes_groups_and_fairness(tmp_path: Path) -> None:
    rows = [(*row, "2", "1", "u1", "north") for row in ROWS]
    heads = ("tweet", "class", "n", "p", "user", "dialect")
    made = read(write(tmp_path / "a.csv", rows, heads), votes=("n", "p"), group="user", fairness="dialect")
    assert made.votes.tolist() == [[2.0, 1.0]] * 4
    assert (made.groups, made.fairness) == (["u1"] * 4, ["north"] * 4)


def test_the_digest_follows_what_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv")
    base, csv_copy = read(path), read(write(tmp_path / "b.parquet"))
    assert base.digest == csv_copy.digest  # the same texts and labels in another file
    named = {"pos": "good", "neg": "bad"}
    others = [
        read(path, cleaning=("none",)),
        read(path, names=named),
        read(path, text="tweet", label="class", group="tweet"),
    ]
    others.append(read(write(tmp_path / "c.csv", ROWS[::-1])))
    assert len({base.digest, *(other.digest for other in others)}) == 5


def test_texts_to_predict(tmp_path: Path) -> None:
    files = [write(tmp_path / "a.csv"), write(tmp_path / "b.jsonl", [("", "neg"), ("new of it", "odd")])]
    made = read_texts(files, ClassifyDataSettings(text="tweet", label="class", votes=("n", "p"), empty="drop"))
    assert made.texts[-2:] == ["", "new of it"]
    assert made.labels[-1] == "odd"
    assert "kept" in made.notes[-1]
    assert read_texts(files, ClassifyDataSettings(text="tweet", label="other")).labels is None
    assert read_texts(files, ClassifyDataSettings()).columns.text == "tweet"
    with pytest.raises(DataError, match=r"no column of the text 'text'.*Known: tweet, class"):
        read_texts(files, ClassifyDataSettings(text="text"))


def test_data_at_hand() -> None:
    texts, labels = ["a b", "c \ud83d", "e f"], np.array([2, 10, 2])
    votes = np.array([[1, 0], [0, 3], [2, 1]])
    made = labelled_of(pl.Series([*texts[:1], "c \ufffd", "e f"]), pl.Series(labels), votes=votes, groups=[1, None, 1])
    assert made.codes == ("2", "10")
    assert made.groups == ["1", "", "1"]
    assert made.votes.tolist() == votes.tolist()
    assert labelled_of(texts, labels).texts[1] == "c \ufffd"
    for wrong, said in [
        ((["a", "b"], ["x"]), "2 texts and 1 labels"), ((["a", None], [0, 1]), "row 1: None is no text"),
        (("abc", [1, 2, 3]), "one text was given"), (([], []), "no texts"),
        ((["a", "b"], [0, np.nan]), "row 1 has no label"),
    ]:  # fmt: skip
        with pytest.raises(DataError, match=said):
            labelled_of(*wrong)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"text": "a"}\nnot json\n', "row 2: this is no JSON object"),
        ('[{"text": "a"}]', "row 1: this is no JSON object|row 1: a JSON object is wanted"),
        ('[\n{"text": "a"}]', "write an object a line, not one list"),
        ('{"text": "a"}\n3\n', "row 2: a JSON object is wanted"),
        ("\n\n", "there are no rows"),
    ],
)
def test_json_lines_that_are_refused(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(content)
    with pytest.raises(DataError, match=said):
        read(str(tmp_path / "a.jsonl"))


def test_json_lines_of_mixed_values(tmp_path: Path) -> None:
    lines = [
        {"text": "half \ud83d", "label": True},
        {"label": None, "text": 3, "new": [1, "é"]},
        {"text": "b", "label": 1},
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    made = read_texts([str(tmp_path / "a.jsonl")], ClassifyDataSettings(text="text", label="label"))
    assert made.texts == ["half \ufffd", "3", "b"]
    assert made.labels == ["true", "", "1"]


def test_the_sample_is_a_task() -> None:
    made = read(files := "sample:python-docstrings")
    assert len(made) > 1500
    assert made.classes == ("concurrency", "dates", "files", "network", "numbers", "text")
    assert made.counts().min() > 80
    assert made.origin == [files]
    with pytest.raises(DataError, match="no such sample of labelled texts: did you mean 'python-docstrings'"):
        read("sample:python-docstring")


def test_columns_of_votes_are_found_and_said(tmp_path):
    rows = ["id,n,bad,good,text,label", *(f"{i},3,{i % 2 * 3},{3 - i % 2 * 3},text {i},{1 - i % 2}" for i in range(20))]
    rows[5] = "4,3,1,2,text 4,1"  # not of one mind
    (tmp_path / "a.csv").write_text("\n".join(rows) + "\n")
    made = read_labelled(ClassifyDataSettings(files=str(tmp_path / "a.csv")))
    assert made.votes[3:5].tolist() == [[3, 0], [1, 2]]
    assert any("'bad', 'good' are taken as the annotators' votes" in note for note in made.notes)
    assert read_labelled(ClassifyDataSettings(files=str(tmp_path / "a.csv"), votes=[])).votes is None


@pytest.mark.parametrize(
    ("first", "second"),
    [("{i}", "{i}"), ("{y}", "{n}"), ("{n}", "{y}"), ("-{n}", "{y}"), ("{y}.5", "{n}"), ("yes", "{n}"), ("0", "0")],
)
def test_other_numbers_are_no_votes(tmp_path, first, second):
    lines = ["a,b,text,label"]
    for i in range(20):
        y, n = i % 2, 1 - i % 2
        lines.append(f"{first},{second},text {i},{y}".format(i=i, y=y, n=n))
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    assert read_labelled(ClassifyDataSettings(files=str(tmp_path / "a.csv"))).votes is None
