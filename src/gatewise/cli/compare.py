"""``gatewise compare``: any runs or studies held against one another after the fact."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from gatewise.cli.output import Json, print_json, print_table, say

_MOST_ROWS = 100


def compare(
    places: Annotated[
        list[Path],
        typer.Argument(metavar="DIR...", help="Folders of runs, of studies, or of a run's model.", show_default=False),
    ],
    metric: Annotated[
        str | None, typer.Option("--metric", help="What they are judged by; as in their studies when absent.")
    ] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Test although data, split or test part are not the same.")
    ] = False,
    page: Annotated[
        Path | None, typer.Option("--page", metavar="FILE", help="Also write a page, as of a study.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare finished runs: what differs in their settings, their numbers, and the same tests as in a study.

    Runs that differ in their seeds alone are one setting. Where each setting has one run, the two are judged over the
    examples of the test part, which is no result over seeds.

    For example:

      gatewise compare runs/gru runs/lstm

      gatewise compare studies/stocks-cells runs/mine --metric mae --page page.html
    """
    from gatewise.studies.afterwards import compare_runs

    tree = compare_runs(places, metric=metric, anyway=anyway)
    if page is not None:
        from gatewise.report.compared import write_page

        tree["page"] = str(write_page(tree, page))
    if as_json:
        print_json(tree)
    else:
        _show(tree)


def _show(tree: Mapping[str, Any]) -> None:
    from gatewise.metrics.names import metric_phrase
    from gatewise.wording import say as worded

    runs = sum(len(level["runs"]) for level in tree["levels"])
    typer.echo(worded("compare.title", n=runs, task=tree["task"], metric=metric_phrase(tree["metric"])))
    names = worded("words.comma").join(tree["differs"])
    typer.echo(worded("compare.differs", names=names) if names else worded("compare.same_settings"))
    _show_levels(tree)
    _show_pairs(tree)
    for note in tree["notes"]:
        say(f"Note: {note}")
    if tree.get("page"):
        typer.echo(tree["page"])


def _show_levels(tree: Mapping[str, Any]) -> None:
    """Print a row a setting with its metric over seeds, and the baselines it was held against."""
    against = {(row["label"], row["baseline"]): row for row in tree["against_baseline"]}
    baselines = list(dict.fromkeys(name for _, name in against))
    rows = []
    for level in tree["levels"][:_MOST_ROWS]:
        values = level["metrics"][tree["metric"]]
        row = [level["label"], len(values["values"]), values["mean"], values["std"], values["min"], values["max"]]
        judged = (against.get((level["label"], name)) for name in baselines)
        rows.append([*row, *(None if one is None else f"{one['ratio']:.3g} x, {one['says']}" for one in judged)])
    heads = ["setting", "seeds", f"{tree['metric']}, mean", "std", "least", "most", *(f"to {one}" for one in baselines)]
    print_table(heads, rows)
    if len(tree["levels"]) > _MOST_ROWS:
        say(f"{_MOST_ROWS} of {len(tree['levels']):,} settings; --json has all.")


def _show_pairs(tree: Mapping[str, Any]) -> None:
    """Print a row a pair that was tested."""
    if not tree["comparisons"]:
        return
    rows = []
    for row in tree["comparisons"][:_MOST_ROWS]:
        bounds = row["interval"]
        interval = None if bounds is None else f"{bounds[0]:.4g} to {bounds[1]:.4g}"
        where = ", ".join(f"{name} {value}" for name, value in row["condition"].items())
        pair = f"{row['a']} less {row['b']}" + (f" ({where})" if where else "")
        rows.append([pair, row["difference"], interval, row["p_holm"], row["says"], row["seeds"]])
    heads = ("pair", "difference", "95 % interval", "p, Holm", "the first is", "seeds")
    print_table(heads, rows, title=f"By: {tree['test']}")
    for note in dict.fromkeys(row["note"] for row in tree["comparisons"] if row.get("note")):
        say(f"Note: {note}")
    if len(tree["comparisons"]) > _MOST_ROWS:
        say(f"{_MOST_ROWS} of {len(tree['comparisons']):,} pairs; --json has all.")
