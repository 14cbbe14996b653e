"""Measure and write docs/benchmarks.md: `python -m benchmarks.run [NAME ...]`.

What was measured is kept in benchmarks/results, one JSON file a benchmark; the page is made from all of them.
"""

from __future__ import annotations

import argparse
import json
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PAGE = HERE.parent / "docs" / "benchmarks.md"

#: In the page's order; those after `quick_study` train for an hour or more and run when named.
QUICK = (
    "stock_step", "cells", "growth", "scan", "large_file", "command_line", "quick_study", "text_step", "generate",
    "wrong_calls", "study_engine", "processes", "engines",
)  # fmt: skip
LONG = ("report_tables", "text_recipes", "text_parts", "tweets", "tweets_scores")

HEAD = """# Benchmarks

Every figure on this page was printed by a command in `benchmarks/`, named under its heading; run it again with
`make bench` or the command itself. Machines are shared and noisy: read ratios before seconds.
"""


def main() -> None:
    """Run the benchmarks that are named (all the quick ones when none is) and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(QUICK + LONG)}")
    parser.add_argument("--page-only", action="store_true", help="measure nothing, write the page from what is there")
    chosen = parser.parse_args()
    unknown = set(chosen.names) - set(QUICK + LONG)
    if unknown:
        parser.error(f"unknown benchmark {sorted(unknown)[0]!r}: known are {', '.join(QUICK + LONG)}")
    RESULTS.mkdir(exist_ok=True)
    for name in () if chosen.page_only else chosen.names or QUICK:
        print(f"{name} ...", flush=True)
        module = import_module(f"benchmarks.{name}")
        found = module.measure()
        (RESULTS / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(module.markdown(found), flush=True)
    write_page()


def write_page() -> None:
    """Write docs/benchmarks.md from the results that are there."""
    parts = [HEAD]
    for name in QUICK + LONG:
        path = RESULTS / f"{name}.json"
        if path.is_file():
            module = import_module(f"benchmarks.{name}")
            found = json.loads(path.read_text(encoding="utf-8"))
            command = f"`python -m benchmarks.run {name}`, on {found['machine']}."
            parts.append(f"## {module.TITLE}\n\n{command}\n\n{module.markdown(found)}\n")
    PAGE.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
