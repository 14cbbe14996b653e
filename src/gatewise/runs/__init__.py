"""Runs on disk: the run folder, atomic writing, and what a run ran on. Needs no torch."""

from gatewise.runs.environment import environment
from gatewise.runs.folder import RunFolder

__all__ = ["RunFolder", "environment"]
