"""Every example runs as a person would run it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
#: What each example prints, so that one that does nothing is seen.
SAYS = {
    "classify_texts.py": ", TF-IDF ",
    "cross_validation.py": "trained 3 times, MAE ",
    "forecast_prices.py": ", MSE x ",
    "own_cell.py": "weights, skill ",
    "study.py": "page.html",
    "write_text.py": " nats a character, n-grams ",
}


def test_every_example_is_known():
    assert sorted(SAYS) == sorted(path.name for path in EXAMPLES.glob("*.py"))


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n == "study.py" else n for n in SAYS])
def test_example_runs(name, tmp_path):
    command = [sys.executable, "-W", "error", str(EXAMPLES / name)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    assert SAYS[name] in done.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("study", ["study", pytest.param("adding", marks=pytest.mark.slow)])
def test_a_study_of_ones_own_parts_runs(study, tmp_path):
    files = []
    if study == "study":
        days = [f"2024-{1 + i // 28:02d}-{1 + i % 28:02d};{100 + i % 9},5" for i in range(200)]
        (tmp_path / "prices.txt").write_text("\n".join(days), encoding="utf-8")
        files = ["prices.txt", "--set", "data.frequency=irregular", "--set", "train.epochs=1"]
    command = [sys.executable, "-m", "gatewise", "study", str(EXAMPLES / "yours" / f"{study}.yaml"), *files]
    done = subprocess.run(
        [*command, "--seeds", "2", "--out", "out", "--json"], cwd=tmp_path, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert len(told["runs"]) == (4 if study == "study" else 6)
    metric = "within_1_percent" if study == "study" else "mse"
    assert all(metric in run["metrics"]["test"] for run in told["runs"])
    page = (tmp_path / "out" / "page.html").read_text(encoding="utf-8")
    assert ("LeakyCell" if study == "study" else "always one") in page
