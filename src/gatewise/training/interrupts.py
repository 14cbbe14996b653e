"""Ctrl-C and SIGTERM as a wish to stop after the current step."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class Interrupts:
    """While the block runs, the first Ctrl-C or SIGTERM sets `asked`; a second Ctrl-C stops at once.

    Only a program's main thread can watch signals: in any other nothing is watched. The handlers from before are put
    back at the end.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            # None: the handler was not set from Python, and cannot be put back from here
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the system's signature
        if self.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.asked = True
