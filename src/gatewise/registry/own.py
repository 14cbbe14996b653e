"""What there is none of until a user brings it: metrics and readers of one's own, by their import path."""

from __future__ import annotations

from gatewise.registry.table import Registry

METRICS = Registry("metric", [], base="gatewise.metrics.table:Metric")
READERS = Registry("reader", [], base="collections.abc:Callable")
