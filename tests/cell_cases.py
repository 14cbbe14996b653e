"""Every cell with every option that changes its equations: what the contracts and the golden numbers run over."""

from gatewise.cells import list_cells

#: Options of a cell beside its defaults; one dictionary is one more case.
VARIANTS = {
    "gru": [{"reset": "before"}],
    "slstm": [{"heads": 2}],
    "mlstm": [{"heads": 2}],
    "gated_delta": [{"heads": 2, "negative_eigenvalues": True}],
}

CELL_CASES = [(name, options) for name in list_cells() for options in ({}, *VARIANTS.get(name, ()))]


def case_id(name, options):
    """Return e.g. ``gru reset=before``."""
    return " ".join([name, *(f"{key}={value}" for key, value in options.items())])
