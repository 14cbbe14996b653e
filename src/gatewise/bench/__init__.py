"""How fast the cells are here, beside torch.nn and Keras and beside the machine's own limits.

Everything is timed in one process, contestants in turn, and judged by its median; see :func:`run_bench`.
"""

from __future__ import annotations

from gatewise.bench.run import BenchSettings, run_bench

__all__ = ["BenchSettings", "run_bench"]
