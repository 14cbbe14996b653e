"""Finished runs as TensorBoard and MLflow keep them: losses by epoch, settings, final metrics.

Both are written from run folders afterwards, so training knows nothing of them. Nothing is sent anywhere unless the
address is a server's; MLflow's own telemetry is switched off.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gatewise.errors import GatewiseError, InputError, MissingExtraError
from gatewise.runs import atomic
from gatewise.runs.find import flatten, read_row
from gatewise.runs.folder import RunFolder

#: What an epoch's row says beside numbers that are worth a curve.
_NOT_CURVES = ("epoch", "best", "moment")
_MEASURED = ("metrics.", "baselines.", "seconds.", "epochs.", "verdict.ratio", "verdict.p", "parameters")
#: MLflow takes at most so much in one call, and of one parameter.
_MOST_METRICS, _MOST_PARAMS, _MOST_LETTERS = 900, 90, 6000
_FOLDER_TAG = "gatewise.folder"


def write_tensorboard(runs: Sequence[RunFolder], folder: Path) -> int:
    """Write an event file a run below `folder`: its curves, final metrics and, as text, its settings.

    A run that is there already is written anew.

    Returns
    -------
    int
        How many runs were written.

    Raises
    ------
    MissingExtraError
        Without the package tensorboard.
    OutputError
        If the folder cannot be written.
    """
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
        from tensorboard.compat.proto.tensor_pb2 import TensorProto
        from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
        from tensorboard.compat.proto.types_pb2 import DT_STRING
        from tensorboard.summary.writer.record_writer import RecordWriter
    except ImportError:
        raise MissingExtraError("--to tensorboard:", "tensorboard") from None

    def scalar(tag: str, value: float, step: int, when: float) -> Any:
        return Event(wall_time=when, step=step, summary=Summary(value=[Summary.Value(tag=tag, simple_value=value)]))

    def text(tag: str, lines: Iterable[str], when: float) -> Any:
        plugin = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
        shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
        tensor = TensorProto(dtype=DT_STRING, tensor_shape=shape, string_val=["\n".join(lines).encode()])
        return Event(wall_time=when, summary=Summary(value=[Summary.Value(tag=tag, metadata=plugin, tensor=tensor)]))

    for run in runs:
        row, when = read_row(run), run.last_change or 0.0
        place = folder / _name(run, row)
        atomic.make_folder(place)
        # One file with a name of its own, so that a second export does not stand beside the first
        with atomic.replacing(place / "events.out.tfevents.gatewise") as new, new.open("wb") as file:
            writer = RecordWriter(file)
            writer.write(Event(wall_time=when, file_version="brain.Event:2").SerializeToString())
            for epoch, tag, value in _curves(run):
                writer.write(scalar(tag, value, epoch, when).SerializeToString())
            for tag, value in _figures(row).items():
                writer.write(scalar(tag.replace(".", "/"), value, 0, when).SerializeToString())
            settings = [f"| {key} | {value} |" for key, value in _settings(run).items()]
            writer.write(text("settings", ["| setting | value |", "|---|---|", *settings], when).SerializeToString())
            writer.flush()
    return len(runs)


def write_mlflow(runs: Sequence[RunFolder], address: str, experiments: Mapping[str, str]) -> int:
    """Write runs to an MLflow store: parameters, metrics by epoch, final metrics.

    A run that is there already (by its folder) is not written again.

    Parameters
    ----------
    address
        A folder, ``file:`` address, database or server, as MLflow takes it.
    experiments
        The folder of each run to the name of its experiment.

    Returns
    -------
    int
        How many runs were written.

    Raises
    ------
    MissingExtraError
        Without the package mlflow-skinny.
    GatewiseError
        If MLflow refuses; its reason is given.
    """
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["DO_NOT_TRACK"] = "true"
    if "://" not in address or address.startswith("file:"):
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # a folder is what MLflow calls a file store
    try:
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
    except ImportError:
        raise MissingExtraError("--to mlflow:", "mlflow") from None
    where = address if "://" in address or address.startswith("file:") else Path(address).resolve().as_uri()
    try:
        client = MlflowClient(tracking_uri=where)
        return sum(_to_mlflow(client, run, experiments[str(run.path)]) for run in runs)
    except MlflowException as error:
        raise GatewiseError(f"mlflow:{address}: {str(error).splitlines()[0]}") from None
    except OSError as error:
        raise InputError(f"mlflow:{address}: {error.strerror or error}") from None


def _to_mlflow(client: Any, run: RunFolder, experiment: str) -> int:
    from mlflow.entities import Metric, Param

    known = client.get_experiment_by_name(experiment)
    number = known.experiment_id if known else client.create_experiment(experiment)
    folder = str(run.path.resolve())
    mark = hashlib.sha256(folder.encode()).hexdigest()[:16]  # a folder may hold signs that a filter cannot
    if client.search_runs([number], filter_string=f"tags.`gatewise.mark` = '{mark}'", max_results=1):
        return 0
    row, when = read_row(run), int(1000 * (run.last_change or 0.0))
    tags = {_FOLDER_TAG: folder, "gatewise.mark": mark, "gatewise.task": str(row.get("task"))}
    made = client.create_run(number, start_time=when, run_name=str(row.get("name") or run.path.name), tags=tags)
    params = [Param(_key(key), str(value)[:_MOST_LETTERS]) for key, value in _settings(run).items()]
    metrics = [Metric(_key(tag), value, when, epoch) for epoch, tag, value in _curves(run)]
    metrics += [Metric(_key(tag), value, when, 0) for tag, value in _figures(row).items()]
    for start in range(0, len(params), _MOST_PARAMS):
        client.log_batch(made.info.run_id, params=params[start : start + _MOST_PARAMS])
    for start in range(0, len(metrics), _MOST_METRICS):
        client.log_batch(made.info.run_id, metrics=metrics[start : start + _MOST_METRICS])
    status = {"finished": "FINISHED", "failed": "FAILED"}.get(row["status"], "KILLED")
    client.set_terminated(made.info.run_id, status, end_time=when)
    return 1


def _curves(run: RunFolder) -> Iterable[tuple[int, str, float]]:
    """Yield epoch, name and value of every number in the log."""
    for row in run.read_log():
        for key, value in row.items():
            if key not in _NOT_CURVES and _is_number(value):
                yield int(row.get("epoch") or 0), key, float(value)


def _figures(row: Mapping[str, Any]) -> dict[str, float]:
    return {key: float(value) for key, value in row.items() if key.startswith(_MEASURED) and _is_number(value)}


def _settings(run: RunFolder) -> dict[str, Any]:
    return {key: value for key, value in flatten(run.read_settings()).items() if value is not None}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _key(name: str) -> str:
    """Return a name that MLflow takes: letters, digits, _ - . space and /."""
    return re.sub(r"[^\w\-. /]", "-", name)


def _name(run: RunFolder, row: Mapping[str, Any]) -> str:
    """Return the name of a run's folder in TensorBoard: what it is called, and where it lives."""
    said = re.sub(r"[^\w.=-]+", "-", str(row.get("name") or "")).strip("-.")[:80]
    return "-".join(part for part in (said, run.path.name) if part)
