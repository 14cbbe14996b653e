"""The model card: what a saved forecaster is, how good it was, and what it must not be trusted with."""

from __future__ import annotations

from typing import Any

import yaml

from gatewise.data import Frequency

_CARD = """---
{front}---

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
    return _CARD.format(
        front=yaml.safe_dump(_front(config, rows, shown), sort_keys=False, allow_unicode=True),
        cell=settings["model"]["cell"],
        title=" ".join(settings["name"].split()),
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
        frequency=Frequency.from_json(config["frequency"]).name,
        transform=settings["data"]["transform"],
        split=settings["split"]["kind"],
        leak=" It leaks: test windows overlap training windows, so these figures flatter." if result["leaking"] else "",
    )


def _front(config: dict[str, Any], rows: dict[str, dict[str, Any]], shown: list[str]) -> dict[str, Any]:
    """Return the front matter: what a hub of models reads, with the baselines' figures beside the model's."""
    settings = config["settings"]
    metrics = [
        {"type": name, "value": float(f"{values[name]:.6g}"), "name": f"test {name} of {who}"}
        for who, values in rows.items()
        for name in shown
        if values.get(name) is not None
    ]
    kind = "time-series-forecasting"
    found = {
        "task": {"type": kind},
        "dataset": {"name": ", ".join(config["channels"]), "type": "tabular"},
        "metrics": metrics,
    }
    return {
        "library_name": "gatewise",
        "license": "other",
        "pipeline_tag": kind,
        "tags": ["forecasting", "recurrent-neural-network", settings["model"]["cell"]],
        "model-index": [{"name": " ".join(settings["name"].split()), "results": [found]}],
    }


def _verdict(result: dict[str, Any]) -> str:
    verdict = result.get("verdict")
    if not verdict:
        return "Nothing was held out, so nothing is known about how good it is."
    ratio = "" if verdict["ratio"] is None else f" ({verdict['metric']} x {verdict['ratio']:.3f})"
    against = f"the baseline {verdict['against']} on the held-out part{ratio}"
    return {
        "better": f"It is **better** than {against}.",
        "worse": f"It is **worse** than {against}: use the baseline.",
        "undecided": f"Whether it beats {against} is **undecided**.",
    }[verdict["says"]]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.6g}"
