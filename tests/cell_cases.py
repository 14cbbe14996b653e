"""Every cell with every option that changes its equations: what the contracts and the golden numbers run over."""

from gatewise.cells import list_cells

#: Options of a cell beside its defaults; one dictionary is one more case.
VARIANTS = {
    "rnn": [{"weight_drop": 0.5, "zoneout": 0.2}],
    "gru": [
        {"reset": "before"},
        {"mogrifier_rounds": 3},
        {"reset": "before", "mogrifier_rounds": 2, "mogrifier_rank": 2, "weight_drop": 0.5, "zoneout": 0.2},
    ],
    "lstm": [
        {"weight_drop": 0.5},
        {"zoneout": 0.2, "zoneout_cell": 0.3},
        {"zoneout_cell": 0.3},
        {"coupled": True},
        {"peepholes": True},
        {"projection": 3},
        {"mogrifier_rounds": 3},
        {"coupled": True, "peepholes": True, "projection": 2, "mogrifier_rounds": 4, "mogrifier_rank": 1},
    ],
    "slstm": [{"heads": 2}],
    "mlstm": [{"heads": 2}],
    "gated_delta": [{"heads": 2, "negative_eigenvalues": True}],
    "qrnn": [{"width": 1}, {"width": 3}],
    "rglru": [{"blocks": 2}],
    "indrnn": [{"activation": "tanh"}],
}

CELL_CASES = [(name, options) for name in list_cells() for options in ({}, *VARIANTS.get(name, ()))]


def case_id(name, options):
    """Return e.g. ``gru reset=before``."""
    return " ".join([name, *(f"{key}={value}" for key, value in options.items())])
