"""``gatewise study``: a set of runs that differ in named factors, compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatewise.cli.output import Json, Language, print_json
from gatewise.errors import SettingsError

if TYPE_CHECKING:
    from gatewise.studies.settings import StudySettings


def study(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A study that comes along, or a study file.")],
    files: Annotated[
        list[str] | None, typer.Argument(metavar="[FILES]...", help="Data files, in the place of the study's own.")
    ] = None,
    preset: Annotated[
        str | None, typer.Option("--preset", help="Which of the study's presets; its first when absent.")
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option("--data", metavar="FILE", help="Data file, or for a study of studies the folder of its data."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Study folder; studies/NAME when absent.")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Another value for a setting: model.units=64."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, help="Runs at the same time; as many as there are cores when absent.")
    ] = None,
    engine: Annotated[
        str, typer.Option("--engine", help="Where runs are done: local, or ray (pip install 'gatewise[ray]').")
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option("--address", help="Ray cluster: auto, host:port or ray://host:port; one of its own when absent."),
    ] = None,
    cpus_per_run: Annotated[
        int, typer.Option("--cpus-per-run", min=1, help="Cores of each run, which are its threads too.")
    ] = 1,
    gpus_per_run: Annotated[float, typer.Option("--gpus-per-run", min=0, help="GPUs of each run, with Ray.")] = 0,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first run that fails; the others go on by default.")
    ] = False,
    seeds: Annotated[int | None, typer.Option("--seeds", min=1, help="Number of seeds of each setting.")] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Show what would be trained and what it costs, and stop.")
    ] = False,
    probe: Annotated[
        bool, typer.Option(help="With --plan: train a few runs for a moment, some 20 s in all, to tell the cost.")
    ] = True,
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Go on with more than 10,000 runs, or in the folder of a study that was changed."),
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Only look at the study that runs in another terminal.")
    ] = False,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Train and compare what a study asks for, and make its page. Only what is missing is trained.

    For example:

      gatewise study stocks-cells

      gatewise study stocks-cells --preset paper GOOG.csv AAPL.csv

      gatewise study my-study.yaml --set model.units=32 --seeds 3 --plan

      gatewise study my-study.yaml --watch

      gatewise study my-study.yaml --engine ray --address ray://head:10001

      gatewise study reference-report --data FOLDER
    """
    from gatewise.studies.bundle import names_bundle

    def do(part: StudySettings, place: Path) -> dict[str, Any]:
        from gatewise.studies import run_study
        from gatewise.studies.engines import create_engine
        from gatewise.studies.progress import choose_progress

        where = create_engine(engine, jobs=jobs, address=address, cpus_per_run=cpus_per_run, gpus_per_run=gpus_per_run)
        return run_study(part, place, engine=where, fail_fast=fail_fast, progress=choose_progress(place), yes=yes)

    given, places = _changes(changes or (), seeds), [*(data or ()), *(files or ())]
    given |= {} if language is None else {"language": language}
    if names_bundle(name):
        if watch:
            raise SettingsError(f"--watch: {name} is made of studies: watch one of their folders with gatewise watch")
        from gatewise.cli.bundle import study_of_studies

        typed: dict[str, Any] = {"preset": preset, "changes": given, "out": out, "plan": plan, "fail_fast": fail_fast}
        study_of_studies(name, places, **typed, as_json=as_json, do=do)
        return
    settings, folder = _load(name, places, preset=preset, changes=given, out=out)
    if watch:
        from gatewise.cli.watch import show

        show(folder, as_json=as_json)
    elif plan:
        from gatewise.cli.plan import show_plan

        show_plan(settings, folder, jobs=jobs, probe=probe, yes=yes, as_json=as_json)
    else:
        _end(do(settings, folder), folder, as_json=as_json)


def _load(
    name: str, files: list[str], *, preset: str | None, changes: dict[str, Any], out: Path | None
) -> tuple[StudySettings, Path]:
    """Return a study and its folder; only the first preset has the study's own name."""
    from gatewise.studies.library import first_preset, load_study

    settings = load_study(name, preset=preset, set=changes, files=files)
    own = preset is None or preset == first_preset(name)
    return settings, out or Path("studies") / (settings.name if own else f"{settings.name}-{preset}")


def _end(outcome: dict[str, Any], folder: Path, *, as_json: bool) -> None:
    """Make the page of a study that has run, and say what was found."""
    from gatewise.report import make_report, summary_lines

    page = make_report(folder)
    if as_json:
        print_json({**outcome, "page": page})
    else:
        typer.echo("\n".join([*summary_lines(folder), "", str(page)]))
    if len(outcome["failed"]) > _diverged(folder):
        raise typer.Exit(1)


def _diverged(folder: Path) -> int:
    """Count the runs whose loss was no longer finite: an answer about their settings, not a failure of the study."""
    from gatewise.studies.folder import StudyFolder

    place = StudyFolder(folder)
    return sum(row["runs"] for row in place.read_comparison()["diverged"]) if place.is_compared else 0


def _changes(pairs: Any, seeds: int | None) -> dict[str, Any]:
    """Read ``--set key=value``; the study file's own reader turns the values into numbers and lists."""
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise SettingsError(f"--set {pair}: KEY=VALUE is needed, e.g. --set model.units=64")
        found[key.strip()] = value
    return found if seeds is None else {**found, "seeds": seeds}
