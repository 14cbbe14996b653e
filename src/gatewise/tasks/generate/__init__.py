"""Text, symbol by symbol: train, judge and write."""

from gatewise.tasks.generate.estimator import TextGenerator
from gatewise.tasks.generate.result import Generated
from gatewise.tasks.generate.run import run_text

__all__ = ["Generated", "TextGenerator", "run_text"]
