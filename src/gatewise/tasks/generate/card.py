"""The model card: what a saved text model is, how good it was, and what it must not be trusted with."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from gatewise.tasks.card import front_matter, metric_rows, title, verdict_sentence

_SHOWN = ("carried_nats_per_char", "cold_nats_per_char", "carried_bits_per_byte", "carried_accuracy")

_CARD = """---
{front}---

# {title}

{verdict}

{rows}

`carried`: one pass over the whole held-out part, the state carried from its first symbol to its last. `cold`: windows,
each read from a fresh state.

- Network: {cell}, {layers} x {units} units, {parameters:,} weights, {symbols} {kind}.
- Trained on {files}: {cleaning}.
- Split: {split}.{leak}
{ngrams}- It writes in the manner of its training text, and may write parts of it word for word: look at the copying
  figures before what it writes is called new.

```python
from gatewise import TextGenerator

model = TextGenerator.load("FOLDER")
model.generate("", length=200)
```
"""

_NGRAMS = """- Beside the network: n-grams of up to {order} symbols, with a share of {share:g} in every prediction.
  `ngrams.safetensors` holds most of the training text: share the folder only where that text may be shared.
"""


def model_card(config: dict[str, Any]) -> str:
    """Return the card of a model folder's ``config.json`` as Markdown with YAML front matter."""
    settings, result = config["settings"], config["result"]
    data = settings["data"]
    test = result["metrics"].get("test") or {}
    shown = [name for name in _SHOWN if test.get(name) is not None]
    rows = {"this model": test} | {name: entry["test"] for name, entry in result["baselines"].items()}
    names = ", ".join(PurePath(file).name for file in data["files"]) or "text given in Python"
    front = front_matter(
        config, rows, shown, kind="text-generation", dataset={"name": names, "type": "text"}, tags=("character-level",)
    )
    return _CARD.format(
        front=front,
        title=title(config),
        verdict=verdict_sentence(result),
        rows=metric_rows(rows, shown),
        cell=settings["model"]["cell"],
        layers=settings["model"]["layers"],
        units=settings["model"]["units"],
        parameters=config["parameters"],
        symbols=config["symbols"],
        kind=data["symbols"],
        files=names,
        cleaning=f"{'small letters, ' if data['lower'] else ''}normalisation {data['normalize']}",
        split=settings["split"]["kind"],
        ngrams=_NGRAMS.format(order=settings["model"]["ngrams"], share=settings["model"]["ngram_share"])
        if settings["model"]["ngrams"]
        else "",
        leak=" Its windows are drawn from all over the text, which tells its style to the training."
        * result["leaking"],
    )
