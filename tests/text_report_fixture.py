"""Make run and study folders of text of plausible numbers, so that their report is tested without training anything."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from gatewise.studies.compare import compare_study
from gatewise.studies.file import resolve
from gatewise.studies.folder import StudyFolder
from gatewise.studies.plan import plan_study

TEXT = "The king said to the queen that nobody had seen the letter; and so they went to the garden, and waited there.\n"
PERSIAN = "دل می‌رود ز دستم صاحب دلان خدا را\nدردا که راز پنهان خواهد شد آشکارا\n"
ENVIRONMENT = {
    "python": "3.11.2",
    "packages": {"gatewise": "0.1.0", "torch": "2.13.0"},
    "platform": "Linux 6.1 x86_64",
    "cpu": {"model": "Example CPU", "cores": 2},
}


def metrics(nats: float) -> dict[str, float]:
    found: dict[str, float] = {"loss": nats + 0.02}
    for protocol, more in (("carried", 0.0), ("cold", 0.02)):
        found |= {
            f"{protocol}_nats_per_char": nats + more,
            f"{protocol}_bits_per_char": (nats + more) / math.log(2),
            f"{protocol}_bits_per_byte": (nats + more) / math.log(2),
            f"{protocol}_perplexity": math.exp(nats + more),
            f"{protocol}_accuracy": 1 - (nats + more) / 3.3,
            f"{protocol}_calibration_error": 0.011,
        }
    return found


def samples(text: str, seed: int) -> list[dict[str, Any]]:
    """What was written after 1, 10 and 100 seconds and at the end, with more certainty each time."""
    rng = np.random.default_rng(seed)
    rows = []
    for number, moment in enumerate((1.0, 10.0, 100.0, None)):
        letters = list(text * 2)
        for place in rng.choice(len(letters), len(letters) // (2 + 3 * number), replace=False):
            letters[place] = text[int(rng.integers(len(text)))]
        sure = np.minimum(rng.beta(1 + number, 1.5, len(letters)) + 1e-4, 1.0)
        rows.append(
            {
                "moment": moment, "step": 200 * (1 + number), "epoch": 1 + number, "seconds": moment or 126.0,
                "prompt": text[:8], "text": "".join(letters), "log_probs": np.log(sure).round(4).tolist(),
            }
        )  # fmt: skip
    return rows


def copying(longest: float) -> dict[str, Any]:
    side = {"share": {"10": 0.6, "20": 0.08}, "distinct": {"10": 0.93, "20": 0.99}}
    return {"longest": longest, **side, "held_out": {"longest": 31, **side}}


def result(nats: float, seed: int = 0, *, ngram: float = 1.55, **more: Any) -> dict[str, Any]:
    test = metrics(nats)
    places = {"first": 0.42, "middle": 0.66, "last": 0.71, "single": 0.6, "space": 0.82, "punctuation": 0.4}
    sure = [0.15 + 0.055 * step for step in range(15)]
    return {
        "format_version": 1, "status": "finished", "task": "generate", "name": f"run {seed}", "parameters": 513_345,
        "symbols": 65, "leaking": False, "trained": 1, "epochs": {"run": 4, "best": 4},
        "seconds": {"total": 130.0, "train": 126.0, "per_epoch": 31.5, "per_step_median": 0.06},
        "exclusive": True, "threads": 2, "kernel": "native", "metrics": {"test": test},
        "baselines": {
            "uniform": {"test": {"carried_nats_per_char": 4.17, "cold_nats_per_char": 4.17, "carried_accuracy": 0.02}},
            "ngram": {"test": metrics(ngram)},
            "xz": {"test": {"carried_nats_per_char": 1.86, "carried_bits_per_byte": 2.69}},
        },
        "verdict": {
            "metric": "carried_nats_per_char", "against": "ngram", "ratio": nats / ngram, "p": 0.001,
            "interval": [nats - ngram - 0.01, nats - ngram + 0.01], "test": "Block bootstrap over 111539 symbols",
            "note": None, "says": "better" if nats < ngram else "worse",
        },
        "by_position": {
            name: {"nats_per_char": nats + 1.9 * 0.6**step, "standard_error": 0.01, "n": 400}
            for step, name in enumerate(("1", "2", "3-4", "5-8", "9-16", "17-32", "33-64", "65-128", "129-256"))
        },
        "words": {
            place: {"accuracy": share - 0.1 * (nats - 1.4), "nats_per_char": 2.2 - share, "n": 1000}
            for place, share in places.items()
        },
        "calibration": [
            {"from": x - 0.02, "to": x + 0.02, "n": 7000, "confidence": x, "accuracy": x - 0.02} for x in sure
        ],
        "copying": copying(38 + seed), "memory": {}, "sampling": {}, "notes": [], **more,
    }  # fmt: skip


def write_run(folder: Path, content: dict[str, Any], *, text: str = TEXT, seed: int = 0, **settings: Any) -> Path:
    from gatewise.runs import RunFolder
    from gatewise.settings import TextSettings

    run = RunFolder(folder)
    folder.mkdir(parents=True)
    run.write_settings(
        TextSettings(name="small", seed=seed, data={"files": ["book.txt"]}, **settings).model_dump(mode="json")
    )
    run.write_environment(ENVIRONMENT)
    nats = content["metrics"]["test"]["carried_nats_per_char"]
    rows = [
        {"epoch": epoch, "train_loss": nats + 0.9 * 0.5**epoch - 0.1, "validation_loss": nats + 0.8 * 0.5**epoch}
        for epoch in range(1, 5)
    ]
    run.write_log(rows)
    run.write_samples(samples(text, seed))
    run.write_result(content)
    return folder


def make_text_run(folder: Path, nats: float = 1.47, *, text: str = TEXT, **more: Any) -> Path:
    """Write a run folder that stands alone."""
    return write_run(folder, result(nats, **more), text=text)


def make_text_study(folder: Path, score: Any, *, seeds: int = 3, text: str = TEXT, **tree: Any) -> Path:
    """Write a study folder; ``score(levels, seed)`` gives a result, or None for a run that diverged."""
    file = {"name": "text-small", "task": "generate", "question": "Which is best?", "data": {"files": ["sample:A"]}}
    planned = plan_study(resolve({**file, "seeds": seeds, **tree}), lambda data: "digest")
    place = StudyFolder(folder)
    folder.mkdir(parents=True)
    place.write_study(planned.to_json())
    told = {}
    for run in planned.runs:
        content = score(run.levels, run.seed)
        if content is None:
            told[run.fingerprint] = "training diverged at epoch 1, step 40"
        else:
            write_run(place.run(run.fingerprint).path, content, text=text, seed=run.seed)
    place.write_failures(told, told)
    compare_study(folder)
    return folder


def cells_study(folder: Path, **more: Any) -> Path:
    """Three cells at two budgets."""
    base = {"rnn": 1.66, "gru": 1.5, "lstm": 1.47}

    def score(levels: dict[str, Any], seed: int) -> dict[str, Any]:
        nats = base[levels["model.cell"]] + 0.01 * math.sin(3 * seed) + 0.1 * (levels["budget"] == "equal time")
        return result(nats, seed)

    budgets = {"equal units": {"model.units": 64}, "equal time": {"train.minutes": 0.1}}
    return make_text_study(folder, score, vary={"model.cell": list(base), "budget": budgets}, **more)


def rates_study(folder: Path) -> Path:
    """Learning rates, of which the largest diverges."""

    def score(levels: dict[str, Any], seed: int) -> dict[str, Any] | None:
        rate = levels["train.learning_rate"]
        return None if rate == 1.0 else result(1.5 + 0.2 * abs(math.log10(rate) + 2.7) + 0.005 * seed, seed)

    return make_text_study(folder, score, vary={"train.learning_rate": [1e-4, 1e-3, 1e-2, 1e-1, 1.0]})


def memory_study(folder: Path) -> Path:
    """Contexts cut to several lengths, for two cells."""

    def score(levels: dict[str, Any], seed: int) -> dict[str, Any]:
        gain = {"rnn": 0.45, "lstm": 0.55}[levels["model.cell"]]
        cut = {str(n): 2.7 - gain * math.log10(n) + 0.01 * seed for n in (1, 10, 100)}
        return result(1.5, seed, memory=cut)

    return make_text_study(
        folder, score, vary={"model.cell": ["rnn", "lstm"]}, memory_contexts=[1, 10, 100], within="memory",
        metric="cold_nats_per_char",
    )  # fmt: skip


def sampling_study(folder: Path) -> Path:
    """Three samplings of one network."""
    words = {"greedy": 1.0, "temperature=0.8": 0.95, "temperature=1": 0.88, "held_out": 0.94}

    def score(levels: dict[str, Any], seed: int) -> dict[str, Any]:
        found = {
            name: {
                "known_words": share - 0.003 * (seed % 3) * (name != "held_out"), "distinct_4": 1.2 - share,
                "longest_copy": 400 * share**20, "ngram_nats_per_char": 2 - share,
                "text": TEXT if name != "held_out" else TEXT.upper(),
            }
            for name, share in words.items()
        }  # fmt: skip
        return result(1.5, seed, sampling=found)

    return make_text_study(
        folder, score, vary={}, samplings=[name for name in words if name != "held_out"], within="sampling",
        metric="known_words",
    )  # fmt: skip


if __name__ == "__main__":  # to look at: python tests/text_report_fixture.py FOLDER
    import sys

    from gatewise.report import make_report

    home = Path(sys.argv[1])
    make_report(make_text_run(home / "run"))
    make_report(make_text_run(home / "worse", 1.7, text=PERSIAN))
    for make in (cells_study, rates_study, memory_study, sampling_study):
        make_report(make(home / make.__name__.removesuffix("_study")))
