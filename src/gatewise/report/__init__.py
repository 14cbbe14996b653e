"""The page that shows a study or a run, made from run folders alone. Needs no torch."""

from gatewise.report.formats import write_report
from gatewise.report.page import make_report
from gatewise.report.summary import summary_lines

__all__ = ["make_report", "summary_lines", "write_report"]
