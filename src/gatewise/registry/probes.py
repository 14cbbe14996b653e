"""The probe tasks: what a cell can keep in its memory."""

from __future__ import annotations

from gatewise.registry.table import Entry, Registry

PROBES = Registry(
    "probe task",
    [
        Entry(
            "parity",
            "gatewise.probes.tasks:Parity",
            "Is the number of ones so far odd",
            "Grazzi et al. 2024, arXiv:2411.12537",
        ),
        Entry(
            "modular_addition",
            "gatewise.probes.tasks:ModularAddition",
            "The sum so far modulo 3",
            "Grazzi et al. 2024, arXiv:2411.12537",
        ),
        Entry(
            "bracket_depth",
            "gatewise.probes.tasks:BracketDepth",
            "How many brackets are open, at most 6",
            "Hewitt et al. 2020, arXiv:2010.07515",
        ),
        Entry(
            "copying",
            "gatewise.probes.tasks:Copying",
            "Say five symbols again after a pause",
            "Arjovsky et al. 2016, arXiv:1511.06464",
        ),
        Entry(
            "selective_copying",
            "gatewise.probes.tasks:SelectiveCopying",
            "Say five symbols again that are strewn over the pause",
            "Gu & Dao 2023, arXiv:2312.00752",
        ),
        Entry(
            "adding",
            "gatewise.probes.tasks:Adding",
            "Add the two marked numbers among many",
            "Hochreiter & Schmidhuber 1997",
        ),
        Entry(
            "associative_recall",
            "gatewise.probes.tasks:AssociativeRecall",
            "Which value came with this key",
            "Arora et al. 2023, arXiv:2312.04927",
        ),
    ],
)
