"""What a study costs beyond its runs: 200 runs of one second by two workers, here and on Ray, and a run's own share."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TITLE = "Engines of studies"
WORKERS = 2
SECONDS = 1.0
LEVELS, SEEDS = 2, 100
RUNS = LEVELS * SEEDS


def run(settings: Any, folder: Path, **_: Any) -> dict[str, Any]:
    """Stand in for a training of one second: it sleeps, so that two need no two free cores, and leaves files."""
    from gatewise.runs import RunFolder

    place = RunFolder.create(folder)
    with place.lock():
        place.write_settings(settings.model_dump(mode="json"))
        place.model_path.mkdir(exist_ok=True)
        (place.model_path / "model.safetensors").write_bytes(bytes(1_000_000))
        time.sleep(SECONDS)
        result = {
            "status": "finished", "name": settings.name, "parameters": 250_000, "leaking": False, "notes": [],
            "epochs": {"run": 1, "best": 1}, "seconds": {"per_epoch": SECONDS, "per_step_median": SECONDS},
            "metrics": {"test": {"mse": settings.seed % 7 + (settings.model.cell == "gru")}},
            "baselines": {"last_value": {"test": {"mse": 5.0}}},
        }  # fmt: skip
        place.write_result(result)
    return result


def measure() -> dict[str, Any]:
    """Return the seconds of the study with each engine, and of the same study with one run."""
    from benchmarks.timing import installed, machine  # late: a worker that imports this module needs none of it

    home = str(Path(__file__).resolve().parent.parent)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH", "")]))
    found: dict[str, Any] = {"machine": machine(), "versions": installed("gatewise", "ray"), "engines": {}}
    for name in ("local", "ray"):
        found["engines"][name] = {"one": _study(name, 1), "all": _study(name, SEEDS)}
        print(name, found["engines"][name], file=sys.stderr)
    return found


def _study(name: str, seeds: int) -> float:
    from gatewise.studies import run_study
    from gatewise.studies.engines import create_engine
    from gatewise.studies.file import resolve

    tree = {"name": "engines", "data": {"files": ["sample:A"]}, "vary": {"model.cell": ["rnn", "gru"]}, "seeds": seeds}
    engine = create_engine(name, jobs=WORKERS)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        run_study(resolve(tree), folder, engine=engine, runner="benchmarks.engines:run", digest=lambda _: "digest")
        return time.perf_counter() - start


def markdown(found: dict[str, Any]) -> str:
    """Return what was measured as a section of docs/benchmarks.md."""
    ideal = RUNS * SECONDS / WORKERS
    lines = [
        f"{RUNS} runs of {SECONDS:g} s (they sleep, and leave a model of 1 MB) by {WORKERS} workers; without any cost "
        f"of an engine that is {ideal:g} s. The whole study is timed, from its start to its comparison "
        f"({found['versions']}).",
        "",
        "| engine | study | of the ideal | begin and end | of the ideal without them | each run beyond its own time "
        "| of a run of a minute |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, seconds in found["engines"].items():
        begin = seconds["one"] - SECONDS  # LEVELS runs, one for each worker
        each = (seconds["all"] - seconds["one"] - (ideal - SECONDS)) / (RUNS - LEVELS) * WORKERS
        cells = (name, f"{seconds['all']:.1f} s", f"{ideal / seconds['all']:.0%}", f"{begin:.1f} s")
        cells += (f"{ideal / (seconds['all'] - begin):.0%}",)
        lines.append(f"| {' | '.join(cells)} | {each * 1000:.0f} ms | {each / 60:.2%} |")
    return "\n".join(lines)
