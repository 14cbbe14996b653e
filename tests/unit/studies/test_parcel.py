import json

import pytest

from gatewise.errors import DataError, GatewiseError
from gatewise.settings import ClassifySettings, ForecastSettings, TextSettings
from gatewise.studies.engines import parcel
from gatewise.studies.engines.parcel import View, data_of, hash_of, pack, unpack


def make_run(folder):
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "weights").write_bytes(bytes(range(256)))
    (folder / "result.json").write_text('{"folder": "/scratch/a run"}', encoding="utf-8")
    (folder / "lock").write_text("7")


def test_a_run_folder_travels_whole_and_replaces_what_was_there(tmp_path):
    make_run(tmp_path / "there")
    content = pack(tmp_path / "there", lambda text: text.replace("/scratch/a run", "/home/b"))
    (tmp_path / "here" / "checkpoint").mkdir(parents=True)
    unpack(content, tmp_path / "here")
    files = {str(path.relative_to(tmp_path / "here")) for path in (tmp_path / "here").rglob("*") if path.is_file()}
    assert files == {"model/weights", "result.json"}
    assert (tmp_path / "here" / "model" / "weights").read_bytes() == bytes(range(256))
    assert json.loads((tmp_path / "here" / "result.json").read_text()) == {"folder": "/home/b"}
    assert {path.name for path in tmp_path.iterdir()} == {"here", "there"}


def test_an_empty_folder_does_not_travel_and_a_huge_one_is_refused(tmp_path, monkeypatch):
    assert pack(tmp_path) is None
    make_run(tmp_path / "run")
    monkeypatch.setattr(parcel, "MOST_BYTES", 100)
    with pytest.raises(GatewiseError, match="too much to send"):
        pack(tmp_path / "run")


def test_a_broken_parcel_leaves_the_folder_as_it_was(tmp_path):
    make_run(tmp_path / "run")
    with pytest.raises(GatewiseError):
        unpack(pack(tmp_path / "run")[:300], tmp_path / "run")
    assert (tmp_path / "run" / "model" / "weights").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_what_a_run_reads_by_path_is_found_in_its_settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.csv", "b.csv", "texts/one.txt", "texts/deep/two.txt", "bert/config.json", "glove.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)

    def found(settings):
        return data_of(settings.model_dump(mode="json"))

    below = {"texts": [str(tmp_path / "texts" / name) for name in ("deep/two.txt", "one.txt")]}
    assert found(ForecastSettings(data={"files": ["a.csv", "sample:AAPL"]})) == {"a.csv": [str(tmp_path / "a.csv")]}
    assert found(TextSettings(data={"files": ["texts"]})) == below
    assert found(TextSettings(data={"files": ["*.csv"]})) == {"*.csv": [str(tmp_path / f"{n}.csv") for n in "ab"]}
    labelled = ClassifySettings(
        data={"files": ["a.csv"], "test_files": ["b.csv"], "text": "t", "label": "l"}, encoder={"name": "bert"}
    )
    assert set(found(labelled)) == {"a.csv", "b.csv", "bert"}
    with pytest.raises(DataError, match="cannot be read"):
        hash_of("none.csv")


def test_a_worker_reads_other_paths_and_writes_the_studys(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    view = View({"a.csv": [], '/data/b "x".csv': []}, "/scratch")
    there = view.settings({"name": "n", "data": {"files": ["a.csv", '/data/b "x".csv', "sample:A"]}})
    assert there == {
        "name": "n", "data": {"files": [f"/scratch{tmp_path}/a.csv", "/scratch/data/b \"x\".csv", "sample:A"]},
    }  # fmt: skip
    assert json.loads(view.spell(json.dumps(there)))["data"]["files"] == ["a.csv", '/data/b "x".csv', "sample:A"]
