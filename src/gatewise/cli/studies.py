"""``gatewise studies``: the questions that come along."""

from __future__ import annotations

from gatewise.cli.output import Json, print_json, print_table


def studies(as_json: Json = False) -> None:
    """List the studies that come along, each a question with presets.

    For example:

      gatewise studies
    """
    from gatewise.studies import list_studies
    from gatewise.studies.bundle import list_bundles

    found = [*list_bundles(), *list_studies()]
    if as_json:
        print_json(found)
        return
    rows = [(one["name"], one["question"], ", ".join(one["presets"])) for one in found]
    print_table(("study", "question", "presets"), rows)
