"""The model folder: everything a forecast needs, as JSON and safetensors.

::

    config.json           format, settings, columns, frequency, the result of the run
    model.safetensors     weights of the network
    scaler.json           fitted state of the target transform and the covariate scaler
    intervals.json        conformal intervals, when a validation part was there
    history.safetensors   the last rows of every series, where a forecast begins
    README.md             model card
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save as arrays_to_bytes
from safetensors.torch import load_file
from safetensors.torch import save as tensors_to_bytes

from gatewise import __version__
from gatewise.data.series import CovariateScaler, Frequency, SeriesSet, TargetTransform
from gatewise.runs import atomic
from gatewise.settings import ForecastSettings, parse
from gatewise.tasks.forecast.card import model_card
from gatewise.tasks.forecast.intervals import ConformalIntervals
from gatewise.tasks.forecast.model import ForecastModel, create_network
from gatewise.tasks.model_folder import CARD, CONFIG, WEIGHTS, find_model, read_config, reading, tell_other_kernel
from gatewise.training.device import autocast
from gatewise.training.session import kernel_in_use

#: Version of the model folder; a folder of a higher one is refused, of a lower one is brought up to date on loading.
FORMAT_VERSION = 1

SCALER, INTERVALS, HISTORY = "scaler.json", "intervals.json", "history.safetensors"
TASK = "forecast"


def save(model: ForecastModel, folder: Path, result: dict[str, Any]) -> Path:
    """Write the model folder, whole or not at all; a model that is there is replaced.

    Raises
    ------
    OutputError
        If the folder cannot be written, or holds something else than a model.
    """
    history = model.history
    config = {
        "format_version": FORMAT_VERSION,
        "task": TASK,
        "gatewise_version": __version__,
        "settings": model.settings.model_dump(mode="json"),
        "series": list(history.names),
        "channels": list(history.channels),
        "past_covariates": list(history.past_names),
        "future_covariates": list(history.future_names),
        "static_covariates": list(history.static_names),
        "time_column": history.time_name,
        "id_column": history.id_name,
        "frequency": history.frequency.to_json(),
        "times": str(history.times.dtype),
        "season": model.season,
        "parameters": model.parameters,
        "result": {key: value for key, value in result.items() if key != "folder"},
    }
    arrays = {
        name: np.ascontiguousarray(getattr(history, name)) for name in ("target", "past", "future", "static", "offsets")
    }
    arrays["times"] = np.ascontiguousarray(history.times.astype(np.int64))
    with atomic.replacing_folder(folder, known_by=CONFIG) as new:
        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.network.state_dict().items()}
        atomic.write_bytes(new / WEIGHTS, tensors_to_bytes(weights, metadata={"format": "pt"}))
        atomic.write_bytes(new / HISTORY, arrays_to_bytes(arrays))
        atomic.write_json(
            new / SCALER,
            {
                "target": model.transform.to_json(),
                "covariates": model.covariates.to_json(),
                "mase": model.scales.tolist(),
            },
        )
        if model.intervals is not None:
            atomic.write_json(new / INTERVALS, model.intervals.to_json())
        atomic.write_text(new / CARD, model_card(config))
        atomic.write_json(new / CONFIG, config)
    return folder


def load(folder: Path) -> tuple[ForecastModel, dict[str, Any]]:
    """Read a model folder, or the model of a run folder, onto the CPU.

    Returns
    -------
    model
        Ready to forecast.
    result
        What the run had found.

    Raises
    ------
    ModelFolderError
        If it is missing, truncated, of another task, or made by a newer version.
    """
    folder = find_model(folder)
    config = read_config(folder, task=TASK, version=FORMAT_VERSION, files=(WEIGHTS, SCALER, HISTORY))
    with reading(folder):
        return _build(folder, config), config["result"]


def _build(folder: Path, config: dict[str, Any]) -> ForecastModel:
    # A model that was trained on a GPU is loaded to the CPU, where it always works.
    tree = config["settings"]
    tree["train"]["device"] = "cpu"
    settings = parse(ForecastSettings, tree)
    history = _read_history(folder, config)
    scaler = json.loads((folder / SCALER).read_text(encoding="utf-8"))
    network = create_network(settings, history)
    if settings.train.precision == "float64":
        network.double()
    network.load_state_dict(load_file(folder / WEIGHTS))
    with autocast(settings.train, torch.device("cpu")):  # as it was when the run noted its kernel
        kernel = kernel_in_use(network.train())
    tell_other_kernel(folder, config["result"].get("kernel"), kernel)
    network.eval()
    intervals = None
    if (folder / INTERVALS).is_file():
        intervals = ConformalIntervals.from_json(json.loads((folder / INTERVALS).read_text(encoding="utf-8")))
    return ForecastModel(
        settings,
        network,
        TargetTransform.from_json(scaler["target"]),
        CovariateScaler.from_json(scaler["covariates"]),
        history,
        int(config["season"]),
        np.array(scaler["mase"], dtype=np.float64),
        intervals,
    )


def _read_history(folder: Path, config: dict[str, Any]) -> SeriesSet:
    arrays = load_arrays(folder / HISTORY)
    if config["times"] not in ("int64", "datetime64[us]"):
        raise ValueError(f"times are {config['times']!r}, not int64 or datetime64[us]")
    rows, count = len(arrays["times"]), len(config["series"])
    wanted = {
        "offsets": (count + 1,),
        "target": (rows, len(config["channels"])),
        "past": (rows, len(config["past_covariates"])),
        "future": (rows, len(config["future_covariates"])),
        "static": (count, len(config["static_covariates"])),
    }
    for name, shape in wanted.items():
        if arrays[name].shape != shape:
            raise ValueError(f"{HISTORY} holds {name} of shape {arrays[name].shape} and {CONFIG} asks for {shape}")
    return SeriesSet(
        names=tuple(config["series"]),
        channels=tuple(config["channels"]),
        offsets=arrays["offsets"],
        times=arrays["times"].astype(config["times"]),
        target=arrays["target"],
        past=arrays["past"],
        past_names=tuple(config["past_covariates"]),
        future=arrays["future"],
        future_names=tuple(config["future_covariates"]),
        static=arrays["static"],
        static_names=tuple(config["static_covariates"]),
        frequency=Frequency.from_json(config["frequency"]),
        time_name=config["time_column"],
        id_name=config["id_column"],
    )
