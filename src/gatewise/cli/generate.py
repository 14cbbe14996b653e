"""``gatewise generate``: what a trained text model writes."""

from __future__ import annotations

import secrets
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatewise.cli.options import settings_from, with_settings
from gatewise.cli.output import Json, plain, print_json, say
from gatewise.errors import DataError, InputError, OutputError
from gatewise.harmless import harmless
from gatewise.settings import SamplingSettings

if TYPE_CHECKING:
    from gatewise.tasks.generate.model import TextModel
    from gatewise.tasks.generate.result import Generated

Model = Annotated[Path, typer.Argument(metavar="DIR", help="Run folder or model folder.", show_default=False)]


@with_settings(kind=SamplingSettings)
def generate(
    folder: Model,
    prompt: Annotated[
        list[str] | None,
        typer.Option("--prompt", metavar="TEXT", help="What the text begins with; give it again for another text."),
    ] = None,
    prompt_file: Annotated[
        str | None,
        typer.Option("--prompt-file", metavar="FILE", help="A file that holds one prompt; - for standard input."),
    ] = None,
    stream: Annotated[bool, typer.Option("--stream", help="Show each symbol as soon as it is written.")] = False,
    int8: Annotated[
        bool,
        typer.Option("--int8", help="Write with int8 weights: a quarter of the memory; the cost is said."),
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the texts to a .txt or .json file.")
    ] = None,
    as_json: Json = False,
    **options: Any,
) -> None:
    r"""Write text with a trained model. Control characters are shown as codes like \x1b; --out and --json keep them.

    For example:

      gatewise generate runs/book --prompt "fred and george" --length 200 --stream

      gatewise generate runs/book --prompt "ROMEO:" --n 3 --temperature 0.8 --top-p 0.95 --stop "\n\n" --json
    """
    settings = settings_from(options, (), kind=SamplingSettings)
    settings = settings.model_copy(update={"seed": secrets.randbelow(2**31)}) if settings.seed is None else settings
    if stream and as_json:
        raise InputError("--stream and --json: a document is printed whole: leave one of them out")
    if out is not None and out.suffix.lower() not in (".txt", ".json"):
        raise OutputError(f"--out {out}: the name must end in .txt or .json")
    prompts = [*(prompt or []), *([_read_prompt(prompt_file)] if prompt_file else [])] or [""]
    if stream and len(prompts) > 1:
        raise InputError(f"--stream shows one text (found {len(prompts)} prompts)")
    from gatewise.tasks.generate.saved import load  # the estimator would load scikit-learn, for nothing

    model, _ = load(folder)
    if int8:
        cost = model.use_int8()
        say(f"int8 weights: {cost.int8:.4f} nats a symbol where float32 has {cost.float32:.4f} ({cost.cost:+.4f})")
    start = time.perf_counter()
    texts = [_stream(model, prompts[0], settings)] if stream else model.generate(prompts, settings)
    seconds = time.perf_counter() - start
    document = _document(folder, prompts, settings, texts, seconds)
    if as_json:
        print_json(document)
    elif not stream and out is None:
        typer.echo("\n\n---\n\n".join(harmless(row["prompt"] + row["text"]) for row in document["texts"]))
    if out is not None:
        _write(document, out)
    _say_how_it_went(document)


def _stream(model: TextModel, prompt: str, settings: SamplingSettings) -> Generated:
    """Show a text as it grows; return it whole."""
    pieces = model.stream(prompt, settings)
    sys.stdout.write(harmless(prompt))
    for piece in pieces:
        sys.stdout.write(harmless(piece))
        sys.stdout.flush()
    sys.stdout.write("\n")
    sys.stdout.flush()
    return pieces.result


def _read_prompt(name: str) -> str:
    """Read a prompt; the line end that editors put at the end of a file is not part of it.

    Raises
    ------
    DataError
        If it cannot be read or is not UTF-8.
    """
    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise DataError(f"--prompt-file {name}: {error.strerror or error}") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"--prompt-file {name}: byte {error.start} is not UTF-8: save the file as UTF-8") from None
    return text.replace("\r\n", "\n").removesuffix("\n")


def _document(
    folder: Path, prompts: list[str], settings: SamplingSettings, texts: list[Generated], seconds: float
) -> dict[str, Any]:
    from gatewise.tasks.generate.result import find_loop

    written = sum(len(text.symbols) for text in texts)
    rows = [
        {"prompt": prompts[number // settings.n], **text._asdict(), "loop": find_loop(text.text)}
        for number, text in enumerate(texts)
    ]
    return {
        "folder": folder,
        "sampling": settings.model_dump(mode="json"),
        "texts": rows,
        "seconds": seconds,
        "characters_per_second": written / seconds,
    }


def _write(document: dict[str, Any], out: Path) -> None:
    """Write the texts whole or not at all."""
    from gatewise.runs import atomic

    atomic.make_folder(out.parent)
    if out.suffix.lower() == ".json":
        atomic.write_text(out, atomic.to_json(plain(document), indent=2) + "\n")
    else:
        atomic.write_text(out, "\n\n---\n\n".join(row["prompt"] + row["text"] for row in document["texts"]) + "\n")
    say(f"Written: {out}")


def _say_how_it_went(document: dict[str, Any]) -> None:
    """Say how fast it was, why it ended, and whether it went round in circles."""
    rows, sampling = document["texts"], document["sampling"]
    written, reasons = sum(len(row["symbols"]) for row in rows), [row["finish_reason"] for row in rows]
    counted = [f"{reason} ({reasons.count(reason)})" for reason in sorted(set(reasons))]
    ends = ", ".join(counted) if len(rows) > 1 else reasons[0]
    drawn = "" if sampling["greedy"] or sampling["beams"] > 1 else f", seed {sampling['seed']}"
    speed = f"{written:,} symbols in {document['seconds']:.2f} s, {document['characters_per_second']:,.0f} a second"
    say(f"{speed}; ended by {ends}{drawn}.")
    loops = [row["loop"] for row in rows if row["loop"]]
    if loops:
        say(f"Note: the text repeats {harmless(loops[0])!r} at its end: try a temperature, or no_repeat_ngram_size.")
