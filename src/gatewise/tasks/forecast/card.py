"""The model card: what a saved forecaster is, how good it was, and what it must not be trusted with."""

from __future__ import annotations

import json
from typing import Any

_CARD = """---
library_name: gatewise
license: other
pipeline_tag: time-series-forecasting
tags: [forecasting, recurrent-neural-network, {cell}]
model-index:
- name: {name}
  results:
  - task: {{type: time-series-forecasting}}
    dataset: {{name: {dataset}, type: tabular}}
    metrics:
{metrics}
---

# {title}

{verdict}

| | {header} |
|---|{rule}|
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
    metrics = [f"    - {{type: {name}, value: {test[name]:.6g}, name: test {name} of the model}}" for name in shown] + [
        f"    - {{type: {name}, value: {entry['test'][name]:.6g}, name: test {name} of the baseline {_text(baseline)}}}"
        for baseline, entry in result["baselines"].items()
        for name in shown
        if entry["test"].get(name) is not None
    ]
    return _CARD.format(
        cell=settings["model"]["cell"],
        name=_text(settings["name"]),
        title=settings["name"].replace("\n", " "),
        dataset=_text(", ".join(config["channels"])),
        metrics="\n".join(metrics) or "    []",
        verdict=_verdict(result),
        header=" | ".join(shown),
        rule="|".join("---" for _ in shown),
        rows="\n".join(
            f"| {name} | {' | '.join(_number(values.get(key)) for key in shown)} |" for name, values in rows.items()
        ),
        layers=settings["model"]["layers"],
        units=settings["model"]["units"],
        parameters=config["parameters"],
        window=settings["data"]["window"],
        horizon=settings["data"]["horizon"],
        offset=settings["data"]["target_offset"],
        channels=", ".join(config["channels"]) if len(config["series"]) == 1 else f"{len(config['series'])} series",
        frequency=config["frequency"].get("name"),
        transform=settings["data"]["transform"],
        split=settings["split"]["kind"],
        leak=" It leaks: test windows overlap training windows, so these figures flatter." if result["leaking"] else "",
    )


def _verdict(result: dict[str, Any]) -> str:
    verdict = result.get("verdict")
    if not verdict:
        return "Nothing was held out, so nothing is known about how good it is."
    against = f"the baseline {verdict['against']} on the held-out part ({verdict['metric']} x {verdict['ratio']:.3f})"
    return {
        "better": f"It is **better** than {against}.",
        "worse": f"It is **worse** than {against}: use the baseline.",
        "undecided": f"Whether it beats {against} is **undecided**.",
    }[verdict["says"]]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.6g}"


def _text(value: str) -> str:
    """Return text that is safe inside the front matter: JSON strings are YAML strings."""
    return json.dumps(value)
