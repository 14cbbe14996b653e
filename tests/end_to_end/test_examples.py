"""Every example runs as a person would run it."""

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
