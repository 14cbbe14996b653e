"""What ``gatewise study`` does with a study made of studies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import typer

from gatewise.cli.output import print_json, print_table, say
from gatewise.errors import InputError


def study_of_studies(
    name: str,
    places: list[str],
    *,
    preset: str | None,
    changes: Mapping[str, Any],
    out: Path | None,
    plan: bool,
    fail_fast: bool,
    as_json: bool,
    do: Callable[..., Mapping[str, Any]],
) -> None:
    """Run every part, judge the claims, and make the pages.

    Parameters
    ----------
    places
        What was given as data: one folder, or nothing.
    do
        Runs an ordinary study in a folder, with what was typed of jobs and engine.
    """
    from gatewise.studies.bundle import load_bundle

    if len(places) > 1:
        raise InputError(f"{name}: give one folder that holds the data (found {len(places)}: {', '.join(places)})")
    bundle = load_bundle(name, preset=preset, data=places[0] if places else None, set=changes)
    folder = out or Path("studies") / bundle.folder
    if plan:
        _show_plan(bundle, folder, as_json=as_json)
        return
    from gatewise.studies.bundle import run_bundle

    outcome = run_bundle(bundle, folder, do, told=say, fail_fast=fail_fast)
    from gatewise.report import make_report, summary_lines

    for part in outcome["parts"]:
        if (folder / part["folder"] / "comparison.json").is_file():
            make_report(folder / part["folder"])
    page = make_report(folder)
    if as_json:
        print_json({**outcome, "page": page})
    else:
        typer.echo("\n".join([*summary_lines(folder), "", str(page)]))
    if outcome["failed"]:
        raise typer.Exit(1)


def _show_plan(bundle: Any, folder: Path, *, as_json: bool) -> None:
    """Show every part with what it reads and how many runs it has."""
    from gatewise.studies.bundle import plan_bundle

    planned = plan_bundle(bundle)
    parts = [one.to_json() for one in planned]
    fingerprints = {run.fingerprint for one in planned if one.plan for run in one.plan.runs}
    if as_json:
        print_json(
            {
                "name": bundle.settings.name,
                "preset": bundle.preset,
                "folder": folder,
                "runs": len(fingerprints),
                "parts": parts,
                "claims": len(bundle.settings.claims) + sum(len(part.claims) for part in bundle.parts),
            }
        )
        return
    rows = [
        (one["name"], str(one["runs"]), str(one["seeds"]), str(one["timing"]), one["left_out"] or one["data"])
        for one in parts
    ]
    title = f"{bundle.settings.name}: {len(fingerprints)} different runs"
    print_table(("part", "runs", "seeds", "timed", "data"), rows, title=title)
    for one in parts:
        for line in (one["no_figures"], *one["absent"].values(), *one["warnings"]):
            if line:
                say(f"{one['name']}: {line}")
    say("time and disk: not estimated, because only a study of one task is probed")
