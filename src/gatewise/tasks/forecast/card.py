"""The model card: what a saved forecaster is, how good it was, and what it must not be trusted with."""

from __future__ import annotations

from typing import Any

from gatewise.data.series import Frequency
from gatewise.tasks.card import front_matter, metric_rows, title, verdict_sentence

_CARD = """---
{front}---

# {title}

{verdict}

{rows}

- Network: {cell}, {layers} x {units} units, {parameters:,} weights.
- Reads {window} rows and forecasts {horizon}, the first of them {offset} after the last row read.
- Series: {channels}. Frequency: {frequency}. Target transform: {transform}.
- Split: {split}.{leak}
- `history.safetensors` holds the last rows of the training data, because a forecast begins there: share the folder only
  where those rows may be shared.

```python
from gatewise import Forecaster

Forecaster.load("FOLDER").predict(horizon={horizon})
```
"""


def model_card(config: dict[str, Any]) -> str:
    """Return the card of a model folder's ``config.json`` as Markdown with YAML front matter."""
    settings, result = config["settings"], config["result"]
    test = result["metrics"].get("test") or {}
    shown = [name for name in ("mse", "mae", "mape", "mase", "skill") if test.get(name) is not None]
    rows = {"this model": test} | {name: entry["test"] for name, entry in result["baselines"].items()}
    front = front_matter(
        config,
        rows,
        shown,
        kind="time-series-forecasting",
        dataset={"name": ", ".join(config["channels"]), "type": "tabular"},
        tags=("forecasting",),
    )
    return _CARD.format(
        front=front,
        cell=settings["model"]["cell"],
        title=title(config),
        verdict=verdict_sentence(result),
        rows=metric_rows(rows, shown),
        layers=settings["model"]["layers"],
        units=settings["model"]["units"],
        parameters=config["parameters"],
        window=settings["data"]["window"],
        horizon=settings["data"]["horizon"],
        offset=settings["data"]["target_offset"],
        channels=", ".join(config["channels"]) if len(config["series"]) == 1 else f"{len(config['series'])} series",
        frequency=Frequency.from_json(config["frequency"]).name,
        transform=settings["data"]["transform"],
        split=settings["split"]["kind"],
        leak=" It leaks: test windows overlap training windows, so these figures flatter." if result["leaking"] else "",
    )
