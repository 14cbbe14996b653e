"""A helper of a run: reads the run's settings from standard input and does what training needs of it, nothing else.

``python -m gatewise.tasks.helper`` is started by process 0 of the run (:mod:`gatewise.training.helpers`).
"""

from __future__ import annotations

import json
import sys

from gatewise.errors import GatewiseError
from gatewise.registry import task_of
from gatewise.settings import AdaptSettings, parse


def main() -> int:
    """Help, and return the exit code."""
    tree = json.loads(sys.stdin.read())
    try:
        if tree["task"] == "adapt":
            from gatewise.tasks.adapt import run_adapt

            run_adapt(parse(AdaptSettings, tree), None)
        else:
            task = task_of(tree)
            task.load("runner")(parse(task.load("settings"), tree), None)
    except GatewiseError as error:
        print(f"Error: {error}", file=sys.stderr)  # noqa: T201 - process 0 reads it when this one is missed
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
