"""``gatewise bench``: how fast the cells are here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gatewise.cli.options import pairs
from gatewise.cli.output import Json, print_json, print_table, say


def bench(
    cells: Annotated[
        list[str] | None,
        typer.Argument(metavar="CELLS...", help="Cells to time; all of them when none is named.", show_default=False),
    ] = None,
    batch: Annotated[int, typer.Option("--batch", help="Sequences in a batch, B.")] = 8,
    steps: Annotated[int, typer.Option("--steps", help="Elements of a sequence, T.")] = 30,
    inputs: Annotated[int, typer.Option("--inputs", help="Inputs of one element, I.")] = 2,
    units: Annotated[int, typer.Option("--units", help="Units of a layer, H.")] = 512,
    layers: Annotated[int, typer.Option("--layers", help="Layers on top of one another.")] = 1,
    threads: Annotated[int | None, typer.Option("--threads", help="CPU threads; all by default.")] = None,
    rounds: Annotated[int, typer.Option("--rounds", help="Alternating rounds; their median is shown.")] = 9,
    keras: Annotated[bool, typer.Option("--keras", help="Time Keras too, where it is installed.")] = False,
    forward_only: Annotated[bool, typer.Option("--forward-only", help="Leave out the backward pass.")] = False,
    sweep: Annotated[bool, typer.Option("--sweep", help="Time how it grows with T, B, H and layers too.")] = False,
    cell_option: Annotated[
        list[str] | None,
        typer.Option("--cell-option", metavar="KEY=VALUE", help="Option of the cells; may be repeated."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder for bench.json and the figures.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Time the cells, forward and backward, beside torch.nn, Keras and the machine's own limits.

    All contestants take turns in one process. GFLOP/s count the matrix products; their limit is a product of two large
    matrices measured in the same run. Peak memory is the rise of a fresh process. One step is what a generator of text
    does for a character; its limit is one matrix-vector product over the same weights.

    For example:

      gatewise bench

      gatewise bench gru lstm --batch 64 --steps 250 --inputs 64 --units 1024 --sweep --out speed
    """
    from gatewise.bench import BenchSettings, run_bench

    settings = BenchSettings(
        cells=tuple(cells or ()),
        batch=batch,
        steps=steps,
        inputs=inputs,
        units=units,
        layers=layers,
        threads=threads,
        rounds=rounds,
        keras=keras,
        forward_only=forward_only,
        growth=sweep,
        cell_options=pairs("cell_option", cell_option or ()),
    )
    found = run_bench(settings, progress=say)
    written = _write(found, out) if out is not None else []
    if as_json:
        print_json(found)
    else:
        _show(found)
    for note in found["notes"]:
        say(f"Note: {note}.")
    for path in written:
        say(f"Written: {path}")


def _write(found: dict[str, Any], folder: Path) -> list[Path]:
    from gatewise.bench.run import write_figures
    from gatewise.runs.atomic import make_folder, write_json

    make_folder(folder)
    write_json(folder / "bench.json", found)
    return [folder / "bench.json", *write_figures(found, folder)]


def _show(found: dict[str, Any]) -> None:
    """Print two tables: the whole pass beside its peers, and one step with the memory."""
    limits = found["limits"]
    keras = found["settings"]["keras"]
    heads = ["cell", "kernel", "ms", "quartiles", "GFLOP/s", "of sgemm", "torch ms", "torch / ours"]
    rows = []
    for cell in found["cells"]:
        ours = cell["gatewise"]
        row = [cell["cell"], cell["kernel"], ours["milliseconds"], f"{ours['low']:.3g}-{ours['high']:.3g}"]
        row += [ours["gflops"], f"{ours['of_sgemm']:.0%}"]
        for who in ("torch", "keras") if keras else ("torch",):
            peer = cell[who]
            row += [peer and peer["milliseconds"], peer and peer["milliseconds"] / ours["milliseconds"]]
        rows.append(row)
    print_table(heads + (["Keras ms", "Keras / ours"] if keras else []), rows, title=found["what"])
    heads = ["cell", "parameters", "peak MiB", "torch MiB", "one step, µs", "steps a second", "of one product"]
    rows = [
        [
            cell["cell"],
            cell["parameters"],
            _mebibytes(cell["gatewise"]),
            _mebibytes(cell["torch"]),
            cell["step"]["microseconds"],
            round(cell["step"]["per_second"]),
            f"{cell['step']['of_product']:.0%}",
        ]
        for cell in found["cells"]
    ]
    print_table(heads, rows, title="Memory of a pass, and one step of one stream")
    typer.echo(
        f"This machine, in the same run: sgemm {limits['sgemm_gflops']:.0f} GFLOP/s, "
        f"memory {limits['bandwidth_gb_per_second']:.1f} GB/s."
    )


def _mebibytes(contestant: dict[str, Any] | None) -> float | None:
    peak = contestant and contestant["peak_bytes"]
    return peak / 2**20 if peak else None
