"""The report as files of other kinds: Markdown with its figures, PDF as a browser prints it, LaTeX with BibTeX."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gatewise.errors import InputError, OutputError, UnknownNameError
from gatewise.report import words
from gatewise.report.evidence import Evidence, read_evidence
from gatewise.report.figure import Figure
from gatewise.report.page import make_report
from gatewise.report.paper import escaped, paper
from gatewise.report.parts import parts_of
from gatewise.report.table import Table
from gatewise.report.translate import spoken_in, translated
from gatewise.runs import atomic
from gatewise.studies.folder import BundleFolder
from gatewise.wording import ISOLATES, direction, say, speaking

#: Browsers that print a page, by the names of their programs.
BROWSERS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge",
)  # fmt: skip
#: Kinds of report, and what the file of each is called.
KINDS = {"html": "page.html", "md": "report.md", "pdf": "report.pdf", "latex": "paper.tex"}
_PRINT_SECONDS = 180


def write_report(
    folder: Path, out: Path | None = None, *, language: str | None = None, kind: str = "html"
) -> tuple[Path, ...]:
    """Write the report of a folder as files of a kind.

    Parameters
    ----------
    out
        Where the first file goes; ``page.html``, ``report.md``, ``report.pdf`` or ``paper.tex`` inside `folder` when
        absent.
    language
        As of :func:`gatewise.report.make_report`.
    kind
        ``html``; ``md`` with its figures in a folder beside it; ``pdf``; or ``latex``, with the references in a
        ``.bib`` beside it.

    Returns
    -------
    tuple of Path
        Every file that was written, the report first.

    Raises
    ------
    UnknownNameError
        If there is no such kind.
    InputError
        If the folder cannot be reported on in it, or no program to print with was found.
    OutputError
        If a file cannot be written.
    """
    folder = Path(folder)
    if kind not in KINDS:
        raise UnknownNameError("format", kind, KINDS)
    place = Path(out) if out is not None else folder / KINDS[kind]
    if kind == "html":
        return (make_report(folder, place, language=language),)
    if kind == "pdf":
        with tempfile.TemporaryDirectory(prefix="gatewise-page-") as beside:
            print_pdf(make_report(folder, Path(beside) / "page.html", language=language), place)
        return (place,)
    if BundleFolder(folder).is_bundle:
        raise InputError(f"{folder}: made of studies: as {kind} report on one of their folders, or give --format html")
    with speaking(language or spoken_in(folder)):
        evidence = translated(read_evidence(folder), folder)
        if kind == "latex":
            text, references = latex(evidence)
            files = {place: text, place.with_suffix(".bib"): references}
        else:
            figures = f"{place.stem}-figures"
            text, drawings = markdown(evidence, f"{figures}/")
            files = {place: text, **{place.parent / figures / name: drawing for name, drawing in drawings.items()}}
    for path, content in files.items():
        atomic.make_folder(path.parent)
        atomic.write_text(path, content)
    return tuple(files)


def markdown(evidence: Evidence, figures: str = "") -> tuple[str, dict[str, str]]:
    """Return the report as Markdown, and its figures as SVG by the names of their files.

    Parameters
    ----------
    figures
        Folder of the figures, as the text names it.
    """
    verdict, parts, made = words.verdict(evidence), parts_of(evidence), paper(evidence)
    drawings: dict[str, str] = {}
    lines = [f"# {verdict.headline}", ""]
    lines += [f"*{evidence.question}*", ""] if evidence.question else []
    lines += [line for sentence in verdict.sentences for line in (sentence, "")]
    if evidence.leaking:
        lines += [f"**{say('page.leaks')}** {parts.leaks}", ""]
    if evidence.findings:
        lines += [f"## {say('page.nav.findings')}", ""]
        for number, finding in enumerate(evidence.findings, start=1):
            lines.append(f"{number}. {finding.get('text')}")
            lines += [f"   {say('methods.page.why', why=finding['why'])}"] if finding.get("why") else []
            told = say("words.semicolon").join(map(str, finding.get("evidence") or ()))
            lines += [f"   *{told}*"] if told else []
        lines.append("")
    lines += [made.frame, ""] if made.frame else []
    lines += [f"## {say('page.nav.results')}", ""]
    lines += _tables([parts.tables["results"], *(parts.tables["baseline"] or ()), parts.tables["comparisons"]])
    for figure in (one for group in parts.figures.values() for one in group):
        name = f"{figure.name}.svg"
        drawings[name] = _drawing(figure)
        lines += [f"### {figure.title}", "", f"![{figure.description}]({figures}{name})", ""]
        lines += [figure.caption, ""] if figure.caption else []
    lines += _tables([parts.tables["claims"], parts.tables["failed"]], heads=True)
    lines += [f"## {say('methods.page.methods')}", "", made.methods, ""]
    if evidence.notes:
        lines += [f"## {say('page.head.notes')}", "", *(f"- {note}" for note in evidence.notes), ""]
    lines += [f"## {say('methods.page.again')}", "", *(f"- {line}" for line in made.again), ""]
    return "\n".join(lines).rstrip() + "\n", drawings


def _drawing(figure: Figure) -> str:
    """Return a figure as an SVG file of its own, which has no page's style around it."""
    return figure.still().replace("<svg ", '<svg font-family="system-ui, sans-serif" ', 1)


def _tables(tables: list[Any], *, heads: bool = False) -> Iterator[str]:
    for table in tables:
        if isinstance(table, Table):
            yield from ([f"## {table.caption}", ""] if heads else [f"**{table.caption}**", ""])
            yield from _table(table)
            yield ""
            yield from ([table.note.strip(), ""] if table.note else [])


def _table(table: Table) -> Iterator[str]:
    yield _row(list(table.heads))
    yield _row(["--:" if table.is_number(column) else ":--" for column in range(len(table.heads))])
    for row in table.rows:
        texts = [f"**{_plain(cell.text)}**" if cell.kind in ("best", "group") else _plain(cell.text) for cell in row]
        yield _row(texts + [""] * (len(table.heads) - len(texts)))


def _row(texts: list[str]) -> str:
    return f"| {' | '.join(texts)} |"


def _plain(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def latex(evidence: Evidence) -> tuple[str, str]:
    """Return methods and table as LaTeX, and the BibTeX of what was used."""
    made = paper(evidence)
    head = ["% \\usepackage{booktabs}"] + ["% \\usepackage{xepersian}  % compile with XeLaTeX"] * (direction() == "rtl")
    text = re.sub(f"[{ISOLATES}]", "", made.methods)
    return "\n".join([*head, "", escaped(text), "", made.table]), made.references


def print_pdf(page: Path, out: Path) -> None:
    """Print a page into a PDF, with Chromium where there is one, else with WeasyPrint.

    Raises
    ------
    InputError
        If there is neither; the message names both.
    OutputError
        If the printing failed.
    """
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    atomic.make_folder(out.parent)
    if browser is not None:
        _print_with_browser(browser, page, out)
    elif find_spec("weasyprint") is not None:
        import weasyprint  # type: ignore[import-not-found]

        weasyprint.HTML(filename=str(page)).write_pdf(str(out))
    else:
        raise InputError(
            "a PDF is printed by Chromium (or Chrome, Edge) or by WeasyPrint, and neither was found: install a "
            "browser, or `pip install weasyprint`, or open the HTML page and print it"
        )


def _print_with_browser(browser: str, page: Path, out: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="gatewise-print-") as profile:
        made = Path(profile) / "page.pdf"
        command = [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer",
            f"--user-data-dir={profile}/profile", f"--print-to-pdf={made}", page.resolve().as_uri(),
        ]  # fmt: skip
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_PRINT_SECONDS)  # noqa: S603 - a browser that was found, and a file of ours
        except (OSError, subprocess.SubprocessError) as error:
            raise OutputError(f"{out}: {browser} could not print the page: {error}") from None
        if not made.is_file():
            raise OutputError(f"{out}: {browser} printed nothing")
        atomic.write_bytes(out, made.read_bytes())
