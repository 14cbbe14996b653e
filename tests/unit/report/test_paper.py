"""What goes into a paper: methods, a LaTeX table, BibTeX, how to run it again; and the report's other formats."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from gatewise import registry
from gatewise.errors import InputError, UnknownNameError
from gatewise.report import formats, write_report
from gatewise.report.evidence import read_evidence
from gatewise.report.paper import escaped, is_decided, latex_table, paper
from gatewise.report.references import bibtex, entries
from gatewise.wording import speaking


@pytest.fixture(scope="module")
def evidence(study):
    return read_evidence(study)


def test_methods_say_data_split_seeds_training_test_and_equipment(evidence):
    said = paper(evidence).methods
    for part in (
        "RNN, GRU and LSTM", "36 trainings", "3 seeds (0, 1, 2)", "GOOG.csv", "10 % for the test part",
        "learning rate 0.0001", "the last value and the drift", "sign-flip permutation", "12 pairs", "torch 2.13.0",
        "Example CPU",
    ):  # fmt: skip
        assert part in said, part


def test_the_frame_tells_leak_comparisons_and_tuning(evidence):
    said = paper(evidence).frame
    assert "no leak of the split was found" in said
    assert "12 pairs of levels were compared, in 4 groups" in said
    assert "No setting was searched" in said
    assert "the split leaks" in paper(replace(evidence, leaking=True)).frame


def latex_is_whole(text: str) -> None:
    """Fail unless environments, braces and columns are closed as LaTeX wants them."""
    opened = re.findall(r"\\(begin|end)\{(\w+\*?)\}", text)
    stack: list[str] = []
    for what, name in opened:
        if what == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert not stack
    bare = re.sub(r"\\[{}]", "", text)
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0
    columns = len(re.search(r"\\begin\{tabular\}\{(\w+)\}", text)[1])
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert rows
    assert {len(re.findall(r"(?<!\\)&", line)) for line in rows} == {columns - 1}
    assert not re.search(r"(?<!\\)[%#]", text)


@pytest.mark.parametrize("language", ["en", "fa"])
def test_the_table_is_whole_latex_with_spread_and_latin_digits(evidence, language):
    with speaking(language):
        table = latex_table(evidence)
    latex_is_whole(table)
    assert r"\toprule" in table
    assert "21.05~$\\pm$~6.3" in table
    assert not re.search("[۰-۹\u2066-\u2069]", table)


def test_only_what_is_decided_is_bold(evidence):
    assert r"\textbf" not in latex_table(replace(evidence, comparisons=()))
    level = evidence.levels[0]
    others = {name: value for name, value in level.settings.items() if name != evidence.main}
    row = {"a": "rnn", "b": "gru", "metric": "mse", "condition": others, "says": "better"}
    sure = replace(evidence, comparisons=(row, {**row, "a": "lstm", "b": "rnn", "says": "worse"}))
    assert is_decided(sure, level, "mse")
    assert latex_table(sure).count(r"\textbf") == 1
    assert not is_decided(replace(sure, comparisons=(row, {**row, "b": "lstm", "says": "undecided"})), level, "mse")


def test_letters_that_latex_reads_are_escaped():
    assert escaped("a_b & 5 % #1 {x} −3") == r"a\_b \& 5 \% \#1 \{x\} $-$3"


def test_references_are_those_of_the_parts_that_were_used(evidence):
    text = bibtex(evidence)
    keys = re.findall(r"^@\w+\{([\w:]+),$", text, re.MULTILINE)
    assert {"elman1990finding", "cho2014learning", "hochreiter1997long", "holm1979simple", "paszke2019pytorch"} <= set(
        keys
    )
    assert "duchi2011adaptive" not in keys
    assert "keywords" not in text


def test_every_entry_is_whole_and_every_part_with_a_source_has_one():
    named, keys = set(), set()
    for text, parts in entries():
        head = re.match(r"@(article|inproceedings|misc|book|techreport)\{(\w+),", text)
        assert head, text
        keys.add(head[2])
        assert text.count("{") == text.count("}")
        assert all(f"{field} = {{" in text for field in ("author", "title", "year"))
        assert parts, text
        named |= parts
    assert len(keys) == len(entries())
    rooms = {
        "cell": [registry.CELLS], "optimizer": [registry.OPTIMIZERS], "schedule": [registry.SCHEDULES],
        "loss": [registry.LOSSES, registry.TEXT_LOSSES, registry.CLASS_LOSSES], "pooling": [registry.POOLINGS],
        "baseline": [registry.BASELINES, registry.TEXT_BASELINES, registry.CLASS_BASELINES],
    }  # fmt: skip
    wanted = {f"{kind}/{one.name}" for kind, tables in rooms.items() for table in tables for one in table if one.source}
    assert not wanted - named


def test_how_to_run_it_again_names_command_versions_and_seeds(evidence):
    lines = "\n".join(paper(evidence).again)
    for part in ("gatewise study", "torch 2.13.0", "Seeds: 0, 1, 2", "study.json"):
        assert part in lines


def test_markdown_has_verdict_findings_tables_methods_and_figures(study, tmp_path):
    report, *figures = write_report(study, tmp_path / "report.md", kind="md")
    text = report.read_text(encoding="utf-8")
    assert text.startswith("# No cell beats the last close.\n")
    for part in (
        "1. GRU and LSTM cannot be told apart on test MSE.", "| setting | MSE |", "| :-- | --: |",
        "| rnn | 21.05\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}6.3 |", "## Methods",
        "](report-figures/seeds.svg)", "## To run it again",
    ):  # fmt: skip
        assert part in text, part
    assert {str(path.relative_to(tmp_path)) for path in figures} == set(re.findall(r"\]\(([^)]+\.svg)\)", text))
    assert all(path.read_text(encoding="utf-8").startswith("<svg ") for path in figures)
    widths = {}
    for line in text.splitlines():
        if line.startswith("|"):
            widths.setdefault(line.count("|"), 0)
    assert len(widths) < 8


def test_latex_comes_with_its_references(study, tmp_path):
    text, references = write_report(study, tmp_path / "paper.tex", kind="latex")
    latex_is_whole("\n".join(line for line in text.read_text(encoding="utf-8").splitlines() if line[:1] != "%"))
    assert references.name == "paper.bib"
    assert "@article{elman1990finding" in references.read_text(encoding="utf-8")


def test_a_kind_that_is_not_there_is_refused(study, tmp_path):
    with pytest.raises(UnknownNameError, match="unknown format 'docx'"):
        write_report(study, tmp_path / "x", kind="docx")


def test_without_anything_that_prints_a_pdf_is_refused_with_both_names(study, tmp_path, monkeypatch):
    monkeypatch.setattr(formats.shutil, "which", lambda name: None)
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"Chromium .* WeasyPrint"):
        write_report(study, tmp_path / "report.pdf", kind="pdf")
    assert not (tmp_path / "report.pdf").exists()


def test_a_finding_points_to_its_numbers_and_runs(study, folders, tmp_path):
    from gatewise.report.formats import markdown
    from gatewise.report.page import render

    evidence = read_evidence(study)
    run = evidence.levels[0].runs[0].path.name
    told = {"text": "Said.", "evidence": ["x"], "see": "results-table", "runs": [run, "gone"], "why": "because"}
    page = render(replace(evidence, findings=(told,)))
    assert '<a href="#results-table">numbers</a>' in page
    assert f'<a href="#run-{run}">2 runs</a>' in page
    assert f'<tr id="run-{run}">' in page
    assert "Why: because" in page
    assert "1. Said.\n   Why: because\n   *x*\n" in markdown(replace(evidence, findings=(told,)), "")[0]
    anchors = set(re.findall(r' id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= anchors
    assert Path(study).is_dir()


def test_the_digests_of_the_data_are_told_each_once(evidence):
    told = replace(evidence, study={**evidence.study, "digests": {"one way": "abc123", "another": "abc123"}})
    lines = [line for line in paper(told).again if "abc123" in line]
    assert lines == ["Digest of the data: abc123"]
