"""What a person sees while a probe runs: a bar with the time left on a terminal, and a line for each finished cell."""

from __future__ import annotations

import sys

from gatewise.studies.progress import Bar, Lines, RunEnded, StudyProgress


class RowLines(Lines):
    """A line when a cell is finished or a job failed, and nothing between."""

    def run_ended(self, event: RunEnded) -> None:
        """Write the line, if there is something to say."""
        if event.text or event.error:
            super().run_ended(event)


class RowBar(Bar):
    """The same lines above a bar that moves with every job."""

    def run_ended(self, event: RunEnded) -> None:
        """Move the bar; write the line, if there is something to say."""
        if event.text or event.error:
            super().run_ended(event)
        else:
            self.move(event)


def choose_row_progress() -> StudyProgress:
    """Return a bar when standard error is a terminal, plain lines otherwise."""
    return RowBar() if sys.stderr.isatty() else RowLines()
