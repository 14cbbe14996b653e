"""Tables read by column from CSV, JSON lines and Parquet, with the row of the file for every message. No torch."""

from gatewise.data.tables.files import open_file
from gatewise.data.tables.own import open_own, read_own
from gatewise.data.tables.table import SAMPLE_ROWS, UNNAMED, Table, frame_table, polars_speaks

__all__ = ["SAMPLE_ROWS", "Table", "UNNAMED", "frame_table", "open_file", "open_own", "polars_speaks", "read_own"]
