"""A text run that says when each step is made, so that a test can stop the process at that moment.

``python text_program.py FOLDER SETTINGS_JSON``
"""

import json
import sys
from pathlib import Path
from typing import Any

from gatewise.settings import TextSettings
from gatewise.tasks.generate import run_text


class Loud:
    """Progress that prints a line for every step."""

    def start(self, **place: Any) -> None:
        """Say nothing."""

    def step(self, **place: Any) -> None:
        """Say that a step was made."""
        print("step", flush=True)

    def end_epoch(self, row: dict[str, Any]) -> None:
        """Say nothing."""

    def show(self, text: str) -> None:
        """Say nothing."""

    def stop(self) -> None:
        """Say nothing."""


if __name__ == "__main__":
    flat = json.loads(sys.argv[2])
    print(run_text(TextSettings.from_flat(flat), Path(sys.argv[1]), progress=Loud())["status"])
