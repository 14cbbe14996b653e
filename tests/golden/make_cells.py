"""Outputs of every cell from constant weights: `python tests/golden/make_cells.py` writes cells.json.

A change of these numbers is a change of what a saved network computes: say why in the changelog.
"""

import json
import sys
from pathlib import Path

import torch

from gatewise.cells import create_cell


def outputs(name, options):
    """Return y (1, 3, 2) of a cell whose weights rise evenly from -0.5 to 0.5, as lists."""
    cell = create_cell(name, input_size=2, units=2, **options).double().eval()
    with torch.no_grad():
        for weight in cell.parameters():
            weight.copy_(torch.linspace(-0.5, 0.5, weight.numel()).view_as(weight))
        x = torch.tensor([[[1.0, -1.0], [0.5, 2.0], [-0.25, 0.0]]], dtype=torch.float64)
        y, _ = cell(x)
    return [[round(value, 9) for value in step] for step in y[0].tolist()]


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from cell_cases import CELL_CASES, case_id

    golden = {case_id(*case): outputs(*case) for case in CELL_CASES}
    lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in golden.items())
    Path(__file__).with_name("cells.json").write_text(f"{{\n{lines}\n}}\n")
