"""What a page is made of, by the task of its runs: the one place that chooses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gatewise.report import (
    confusion,
    fairness,
    figures,
    figures_classify,
    figures_decide,
    figures_forecast,
    figures_text,
    mistakes,
    samples,
    tables,
    tables_classify,
    tables_decide,
    tables_forecast,
    tables_search,
    tables_text,
)
from gatewise.report.evidence import Evidence
from gatewise.report.figure import Figure
from gatewise.report.table import Table
from gatewise.report.traces import Traces, read_traces
from gatewise.report.words import percent
from gatewise.wording import say


@dataclass(frozen=True)
class Parts:
    """All that the template sets.

    Attributes
    ----------
    template : file with the task's own sections.
    sections : anchor and name of those of them that this page has, in order.
    leaks : what a split that leaks means for this task.
    extra : what the task's own sections need besides.
    """

    template: str
    sections: list[tuple[str, str]]
    leaks: str
    figures: dict[str, list[Figure]]
    tables: dict[str, Any]
    levels: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)


def parts_of(evidence: Evidence) -> Parts:
    """Return what the page of these runs is made of."""
    return _MAKERS.get(evidence.task, _own)(evidence)


def _forecast(evidence: Evidence) -> Parts:
    traces = read_traces(evidence)
    rows = figures_forecast.forecast_rows(evidence, traces)
    drawn = {
        **_shared_figures(evidence),
        "curve": [],
        "lag": _some(figures_forecast.lag_figure(evidence, traces)),
        "forecast": figures_forecast.forecast_figures(evidence, traces, rows),
        "scatter": figures_forecast.scatter_figures(evidence, traces, rows),
    }
    made = {
        **_shared_tables(evidence),
        "lag": tables_forecast.lag_table(evidence, traces),
        "worse": tables_forecast.ratio_tables(evidence, traces),
        "interval": tables.interval_table(evidence),
    }
    sections = [_section("forecasts")] * bool(drawn["forecast"]) + [_section("lagged")] * bool(made["lag"])
    return Parts(
        template="sections_forecast.html",
        sections=sections + [_section("worse")] * bool(made["worse"]),
        leaks=say("page.leaking.forecast"),
        figures=drawn,
        tables=made,
        levels=figures_forecast.drawn_levels(evidence, traces),
        extra={
            "traces": traces,
            "drawn": _said_of_drawing(evidence, traces),
            "worse": tables_forecast.worse_sentence(evidence, traces),
        },
    )


def _text(evidence: Evidence) -> Parts:
    drawn = {
        **_shared_figures(evidence),
        "curve": _some(figures_text.curve_figure(evidence)),
        "memory": _some(figures_text.position_figure(evidence)) + _some(figures_text.memory_figure(evidence)),
        "calibration": _some(figures_text.calibration_figure(evidence)),
    }
    made = {
        **_shared_tables(evidence),
        "interval": None,
        "words": tables_text.words_table(evidence),
        "copying": tables_text.copying_table(evidence),
    }
    written = samples.read_samples(evidence)
    asked = samples.read_samplings(evidence)
    written += [asked] if asked else []
    sections = [_section("samples")] * bool(written) + [_section("memory")] * bool(drawn["memory"])
    return Parts(
        template="sections_text.html",
        sections=sections + [_section("letters")] * bool(made["words"] or drawn["calibration"]),
        leaks=say("page.leaking.generate"),
        figures=drawn,
        tables=made,
        extra={"written": written, "tints": samples.tint_words()},
    )


def _classify(evidence: Evidence) -> Parts:
    drawn = {
        **_shared_figures(evidence),
        "curve": _some(figures_classify.setting_figure(evidence)),
        "scores": _some(figures_classify.score_figure(evidence)),
        "calibration": _some(figures_classify.calibration_figure(evidence)),
    }
    made = {
        **_shared_tables(evidence),
        "baseline": tables_classify.baseline_tables(evidence),
        "interval": None,
        "classes": tables_classify.class_table(evidence),
        "points": tables_classify.points_table(evidence),
        "agreement": tables_classify.agreement_table(evidence),
        "encoder": tables_classify.encoder_table(evidence),
    }
    matrices, others = confusion.read_matrices(evidence)
    whose, wrong = mistakes.read_mistakes(evidence)
    fair = fairness.read_fairness(evidence)
    sections = [_section("classes")] * bool(matrices) + [_section("sure")] * bool(drawn["calibration"])
    sections += [_section("mistakes")] * bool(wrong or made["agreement"])
    sections += [_section("fairness")] * bool(fair) + [_section("encoder")] * bool(made["encoder"])
    return Parts(
        template="sections_classify.html",
        sections=sections,
        leaks=say("page.leaking.classify"),
        figures=drawn,
        tables=made,
        extra={
            "matrices": matrices,
            "other_matrices": others,
            "mistakes": wrong,
            "mistakes_of": whose,
            "fairness": fair,
        },
    )


def _own(evidence: Evidence) -> Parts:
    """Return what every task has; a task of a user's own has no more."""
    return Parts(
        template="sections_own.html",
        sections=[],
        leaks=say("verdict.leaks.own"),
        figures={**_shared_figures(evidence), "curve": []},
        tables={**_shared_tables(evidence), "interval": None},
    )


_MAKERS: dict[str, Callable[[Evidence], Parts]] = {"forecast": _forecast, "generate": _text, "classify": _classify}


def _shared_figures(evidence: Evidence) -> dict[str, list[Figure]]:
    single = {
        "seeds": figures.seeds_figure(evidence) if evidence.is_study else None,
        "time": figures.time_figure(evidence) if evidence.is_study else None,
    }
    single["search"] = tables_search.search_figure(evidence)
    several = {
        "ranks": _some(figures_decide.rank_figure(evidence)),
        "interactions": figures_decide.interaction_figures(evidence),
        "fronts": figures_decide.front_figures(evidence),
        "loss": figures.loss_figures(evidence),
    }
    return {**{name: _some(made) for name, made in single.items()}, **several}


def _shared_tables(evidence: Evidence) -> dict[str, Table | list[Table] | None]:
    return {
        "results": tables.results_table(evidence),
        "baseline": tables.baseline_tables(evidence),
        "comparisons": tables.comparisons_table(evidence),
        "effects": tables_decide.effects_table(evidence),
        "examples": tables_decide.examples_table(evidence),
        "interactions": tables_decide.interaction_table(evidence),
        "claims": tables.claims_table(evidence),
        "failed": tables.failed_table(evidence),
        "search": tables_search.search_table(evidence),
        "machine": tables.machine_table(evidence),
        "settings": tables.settings_table(evidence),
        "runs": tables.runs_table(evidence),
    }


def _section(anchor: str) -> tuple[str, str]:
    return anchor, say(f"page.nav.{anchor}")


def _said_of_drawing(evidence: Evidence, traces: Traces) -> str:
    """Say what of the forecasts is drawn."""
    shown, all_series = len(traces.shown_series), len(traces.all_series)
    widths = say("words.last").join(percent(wide / 100, 0) for _, _, wide in traces.bounds)
    said = [say("page.forecasts.median")] * evidence.is_study
    said += [say("page.forecasts.bands", widths=widths)] if traces.bounds else []
    said += [say("page.forecasts.first", horizon=traces.horizon)] * (traces.horizon > 1)
    said += [say("page.forecasts.some", shown=shown, all=all_series)] * (all_series > shown)
    said += [say("page.forecasts.thinned")] * traces.thinned
    said += [say("page.forecasts.jump")] * evidence.leaking
    return " ".join(said)


def _some(made: Figure | None) -> list[Figure]:
    return [made] if made else []
