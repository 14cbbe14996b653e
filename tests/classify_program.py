"""A classification run that says when each step is made, so that a test can stop the process at that moment.

``python classify_program.py FOLDER SETTINGS_JSON``: a line "encoded" for every batch that the encoder has read, and a
line "step" for every step of the training.
"""

import json
import sys
from pathlib import Path
from typing import Any

from gatewise.settings import ClassifySettings
from gatewise.tasks.classify import run_classify
from gatewise.training import Silent


class Loud(Silent):
    """Progress that prints a line for every piece of work."""

    def work(self, what: str, done: int, total: int) -> None:
        """Say that texts were encoded."""
        print("encoded", flush=True)

    def step(self, **place: Any) -> None:
        """Say that a step was made."""
        print("step", flush=True)


if __name__ == "__main__":
    flat = json.loads(sys.argv[2])
    print(run_classify(ClassifySettings.from_flat(flat), Path(sys.argv[1]), progress=Loud())["status"])
