from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from encoder_folders import make_texts
from gatewise.encoders import Encoder, Features, Tokens, encode_now, encode_texts, plan_encoding, room
from gatewise.encoders import cache as cache_module
from gatewise.encoders.cache import PROGRESS, Store
from gatewise.errors import OutputError, SettingsError
from gatewise.runs.lock import held_lock

Load = Callable[..., Encoder]
TEXTS = [*make_texts(60), *make_texts(20), ""]


def stores(cache: Path) -> list[Path]:
    return sorted(path for path in (cache / "encoders" / "states").iterdir() if path.is_dir())


def same(one: Features, other: Features, atol: float = 0.0) -> bool:
    rows = np.arange(len(one))
    (a, mask), (b, other_mask) = one.gather(rows), other.gather(rows)
    return np.array_equal(mask, other_mask) and np.allclose(a, b, rtol=0, atol=atol)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Count the texts that go through an encoder."""
    counts: list[int] = []

    def encode(encoder: Encoder, tokens: object, rows: np.ndarray) -> list[Any]:
        counts.append(len(rows))
        return real(encoder, tokens, rows)  # type: ignore[arg-type]

    real = cache_module.encode_batch
    monkeypatch.setattr(cache_module, "encode_batch", encode)
    return counts


@pytest.mark.parametrize(("precision", "atol"), [("float32", 0.0), ("float16", 2e-3)])
def test_kept_states_are_those_made_now(precision: str, atol: float, load: Load, counted: list[int]) -> None:
    encoder = load(layers=(-2, -1))
    tokens = encoder.tokenize(TEXTS)
    now = encode_now(encoder, tokens)
    made = encode_texts(encoder, tokens, precision=precision)
    again = encode_texts(encoder, tokens, precision=precision)
    different = len(set(TEXTS))
    assert (made.fresh, again.fresh, sum(counted)) == (different, 0, different)
    assert same(now, made, atol)
    assert same(made, again)
    assert (len(made), made.layers, made.width) == (81, 2, 16)
    assert made.lengths.tolist() == tokens.lengths.tolist()
    size = np.dtype(precision).itemsize
    assert made.bytes == sum(len(tokens.row(TEXTS.index(text))) for text in set(TEXTS)) * 2 * 16 * size


def test_a_batch_is_padded_with_zeros(load: Load) -> None:
    encoder = load(layers=(-1, -3))
    tokens = encoder.tokenize(TEXTS)
    features = encode_texts(encoder, tokens)
    rows = np.array([5, 80, 5, 61])
    states, mask = features.gather(rows)
    longest = int(tokens.lengths[rows].max())
    assert states.shape == (4, 2, longest, 16)
    assert states.dtype == np.float32
    assert mask.sum(1).tolist() == tokens.lengths[rows].tolist()
    assert not states.transpose(0, 2, 1, 3)[~mask].any()
    assert np.array_equal(states[0], states[2])
    empty, none = features.gather(np.array([], np.int64))
    assert (empty.shape, none.shape) == ((0, 2, 0, 16), (0, 0))


@pytest.mark.parametrize("layer", [0, -1])
def test_means_are_those_of_valid_states(layer: int, load: Load) -> None:
    encoder = load(layers=(-1, -3))
    features = encode_texts(encoder, encoder.tokenize(TEXTS), precision="float32")
    states, mask = features.gather(np.arange(len(TEXTS)))
    wanted = (states[:, layer] * mask[:, :, None]).sum(1) / mask.sum(1)[:, None]
    assert np.allclose(features.means(layer), wanted, atol=1e-6)


def test_layers_are_kept_one_by_one(load: Load, counted: list[int]) -> None:
    last, all_layers = load(layers=(-1,)), load(layers=())
    tokens = last.tokenize(TEXTS)
    encode_texts(last, tokens)
    every = encode_texts(all_layers, tokens)
    before = sum(counted)
    middle = encode_texts(load(layers=(-2,)), tokens)
    assert (every.fresh, middle.fresh, sum(counted)) == (len(set(TEXTS)), 0, before)
    rows = np.arange(len(TEXTS))
    assert np.array_equal(every.gather(rows)[0][:, 1], middle.gather(rows)[0][:, 0])


def test_what_decides_the_states_decides_the_store(load: Load, own_cache: Path) -> None:
    encoder, short = load(), load(max_tokens=6)
    kept = [
        encode_texts(encoder, encoder.tokenize(TEXTS)),
        encode_texts(encoder, encoder.tokenize(TEXTS), precision="float32"),
        encode_texts(encoder, encoder.tokenize(TEXTS[1:])),
        encode_texts(short, short.tokenize(TEXTS)),
        encode_texts(load("roberta"), encoder.tokenize(TEXTS)),
    ]
    assert all(one.fresh for one in kept)
    assert len(stores(own_cache)) == 5


def test_states_that_let_memory_go_stay_the_same(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = load()
    tokens = encoder.tokenize(TEXTS)
    monkeypatch.setattr("gatewise.encoders.features._KEPT", 1)
    features = encode_texts(encoder, tokens, precision="float32")
    now = encode_now(encoder, tokens)
    assert same(now, features)
    assert same(now, features)
    assert np.array_equal(now.means(), features.means())


class Known:
    """Stands in for an encoder where processes of their own are needed: its states are made from the tokens."""

    source = SimpleNamespace(name="known", digest="of known weights")
    layer_numbers, layers, width, max_tokens, states_digest = (1, 4), 2, 4, 30, "of known states"

    def encode(self, encoder: Any, tokens: Tokens, rows: np.ndarray) -> list[Any]:
        ids = np.concatenate([tokens.row(int(row)) for row in rows])
        states = ids[:, None].astype(np.float32) * np.arange(1.0, 5.0, dtype=np.float32)
        return [SimpleNamespace(numpy=lambda states=states * number: states) for number in self.layer_numbers]


def known_tokens() -> Tokens:
    lengths = np.random.default_rng(1).integers(1, 200, 400)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return Tokens(np.arange(offsets[-1], dtype=np.int32), offsets, np.zeros(400, np.int64))


CHILD = """
import os, signal, sys, time
sys.path[:0] = {path!r}
from test_encoder_cache import Known, known_tokens
from gatewise.encoders import cache
cache._SYNC_SECONDS = 0
known, calls = Known(), []
def encode(*args):
    calls.append(1)
    if len(calls) == {kill_at}:
        os.kill(os.getpid(), signal.SIGKILL)
    if len(calls) == 2:
        print("begun", flush=True)
    time.sleep({pause})
    return known.encode(*args)
cache.encode_batch = encode
print(cache.encode_texts(known, known_tokens(), precision="float32").fresh, flush=True)
"""


def child(*, kill_at: int = 0, pause: float = 0.0) -> subprocess.Popen[str]:
    here = Path(__file__).resolve()
    code = CHILD.format(path=[str(here.parent), str(here.parents[2])], kill_at=kill_at, pause=pause)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch, counted: list[int]) -> Any:
    known = Known()

    def encode(encoder: Any, tokens: Tokens, rows: np.ndarray) -> list[Any]:
        counted.append(len(rows))
        return known.encode(encoder, tokens, rows)

    monkeypatch.setattr(cache_module, "encode_batch", encode)
    return known


def right(features: Features, tokens: Tokens) -> bool:
    states, mask = features.gather(np.arange(len(tokens)))
    ids = tokens.ids[:, None] * np.arange(1.0, 5.0, dtype=np.float32)
    return all(np.array_equal(states[:, layer][mask], ids * number) for layer, number in enumerate((1, 4)))


def test_a_killed_run_goes_on(known: Any, counted: list[int]) -> None:
    process = child(kill_at=4)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    tokens = known_tokens()
    store = Store(known, tokens, "float32")
    done = store.order.batches()[2][1]
    assert json.loads((store.folder / PROGRESS).read_text())["done"] == {"1": done, "4": done}
    assert store.missing() == [1, 4]
    for file in store.folder.glob("layer-*"):  # as if the kill had come in the middle of a write
        with file.open("ab") as open_file:
            open_file.write(b"half a st")
    features = encode_texts(known, tokens, precision="float32")
    assert features.fresh == sum(counted) == 400 - done
    assert right(features, tokens)


def test_of_two_processes_one_encodes(known: Any, counted: list[int]) -> None:
    with child(pause=0.005) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        features = encode_texts(known, known_tokens(), precision="float32")
        assert process.communicate()[0] == "400\n"
    assert (features.fresh, counted) == (0, [])
    assert right(features, known_tokens())


@pytest.mark.parametrize("damage", ["version", "short", "gone", "no progress", "nonsense", "not a batch"])
def test_a_store_that_cannot_be_trusted_is_made_again(damage: str, load: Load, own_cache: Path) -> None:
    encoder = load()
    tokens = encoder.tokenize(TEXTS)
    encode_texts(encoder, tokens, precision="float32")
    (store,) = stores(own_cache)
    about = json.loads((store / PROGRESS).read_text())
    layer = store / "layer-02.bin"
    if damage == "version":
        (store / PROGRESS).write_text(json.dumps(about | {"version": 0}))
    elif damage == "short":
        os.truncate(layer, layer.stat().st_size - 1)
    elif damage == "gone":
        layer.unlink()
    elif damage == "no progress":
        (store / PROGRESS).unlink()
    elif damage == "nonsense":
        (store / PROGRESS).write_text('{"version": 1, "done": [1]}')
    else:
        (store / PROGRESS).write_text(json.dumps(about | {"done": {"2": 1}}))
    again = encode_texts(encoder, tokens, precision="float32")
    assert again.fresh == len(set(TEXTS))
    assert same(encode_now(encoder, tokens), again)


def test_a_full_disk_is_said_and_leaves_nothing_that_looks_whole(
    load: Load, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = load()
    tokens = encoder.tokenize(TEXTS)
    monkeypatch.setattr(cache_module.os, "fsync", full_disk)
    with pytest.raises(OutputError, match=r"the disk is full.*GATEWISE_CACHE"):
        encode_texts(encoder, tokens)
    monkeypatch.undo()
    monkeypatch.setenv("GATEWISE_CACHE", str(own_cache))
    assert Store(encoder, tokens, "float16").missing() == [0, 1, 2]
    assert encode_texts(encoder, tokens).fresh == len(set(TEXTS))


def full_disk(handle: int) -> None:
    raise OSError(28, "No space left on device")


def test_a_disk_with_too_little_room_is_said_before_the_work(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = load()
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(room.shutil, "disk_usage", lambda path: usage._replace(free=100))
    with pytest.raises(OutputError, match="MB free: set GATEWISE_CACHE"):
        encode_texts(encoder, encoder.tokenize(TEXTS))


def test_what_was_used_longest_ago_makes_room(load: Load, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = load()
    lists = [make_texts(40, seed=seed) for seed in (1, 2, 3)]
    tokens = [encoder.tokenize(texts) for texts in lists]
    held = encode_texts(encoder, tokens[0])
    folders = [Store(encoder, one, "float16").folder for one in tokens]
    encode_texts(encoder, tokens[1])
    for age, folder in zip((300, 200), folders, strict=False):
        os.utime(folder / PROGRESS, (time.time() - age,) * 2)
    monkeypatch.setenv("GATEWISE_CACHE_LIMIT_GB", str(2.5 * held.bytes / 1e9))
    encode_texts(encoder, tokens[2])  # the oldest is in use, so that the second goes
    assert stores(own_cache) == sorted([folders[0], folders[2]])
    assert same(held, encode_texts(encoder, tokens[0]))
    del held
    os.utime(folders[0] / PROGRESS, (time.time() - 300,) * 2)
    encode_texts(encoder, tokens[1])
    assert stores(own_cache) == sorted([folders[1], folders[2]])


def test_a_store_that_is_being_written_stays(load: Load, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = load()
    first, second = (encoder.tokenize(make_texts(40, seed=seed)) for seed in (1, 2))
    size = encode_texts(encoder, first).bytes
    monkeypatch.setenv("GATEWISE_CACHE_LIMIT_GB", str(1.5 * size / 1e9))
    with held_lock(stores(own_cache)[0].with_suffix(".lock")):
        encode_texts(encoder, second)
    assert len(stores(own_cache)) == 2


def test_states_larger_than_the_limit_are_refused(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = load()
    tokens = encoder.tokenize(TEXTS)
    monkeypatch.setenv("GATEWISE_CACHE_LIMIT_GB", "0.00000001")
    with pytest.raises(SettingsError, match="set GATEWISE_CACHE_LIMIT_GB higher"):
        encode_texts(encoder, tokens)
    monkeypatch.setenv("GATEWISE_CACHE_LIMIT_GB", "much")
    with pytest.raises(SettingsError, match="found 'much'"):
        encode_texts(encoder, tokens)


def test_the_plan_says_size_and_time(load: Load) -> None:
    encoder = load(layers=(-1, -2))
    tokens = encoder.tokenize(TEXTS)
    plan = plan_encoding(encoder, tokens)
    assert plan.texts == len(set(TEXTS))
    assert plan.seconds > 0
    seen: list[tuple[int, int]] = []
    features = encode_texts(encoder, tokens, progress=lambda done, all_texts: seen.append((done, all_texts)))
    assert plan.bytes == features.bytes
    assert (
        f"{plan.texts} different texts ({sum(len(tokens.row(TEXTS.index(one))) for one in set(TEXTS))} tokens)"
        in plan.sentence
    )
    assert seen[-1] == (plan.texts, plan.texts)
    assert plan_encoding(encoder, tokens).seconds == 0
    assert "in the cache" in plan_encoding(encoder, tokens).sentence
    other = plan_encoding(load(layers=()), tokens)
    assert other.bytes == features.bytes // 2


def test_no_text_at_all(load: Load) -> None:
    encoder = load()
    tokens = encoder.tokenize([])
    assert len(encode_texts(encoder, tokens)) == len(encode_now(encoder, tokens)) == 0
    assert plan_encoding(encoder, tokens).bytes == 0
