import builtins
import json

import pytest

from gatewise.cli.main import run as gatewise
from gatewise.errors import MissingExtraError
from gatewise.runs.outputs import write_mlflow, write_tensorboard
from run_samples import make_run


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "runs" / "f0", settings={"cell": "gru", "name": "gru, seed 0 / ünï"})


def test_tensorboard_reads_back_curves_figures_and_settings(run, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    assert write_tensorboard([run], tmp_path / "boards") == 1
    assert write_tensorboard([run], tmp_path / "boards") == 1  # anew, not beside
    (place,) = (tmp_path / "boards").iterdir()
    assert place.name == "gru-seed-0-ünï-f0"
    assert len(list(place.iterdir())) == 1
    read = accumulator.EventAccumulator(str(place))
    read.Reload()
    assert [(one.step, one.value) for one in read.Scalars("train_loss")] == [(1, 1.0), (2, 0.5)]
    assert read.Scalars("metrics/test/mse")[0].value == 4.0
    assert read.Scalars("baselines/last_value/test/mse")[0].value == 5.0
    settings = read.Tensors("settings/text_summary") if "settings/text_summary" in read.Tags()["tensors"] else None
    text = (settings or read.Tensors("settings"))[0].tensor_proto.string_val[0].decode()
    assert "| model.cell | gru |" in text


def test_mlflow_reads_back_parameters_curves_and_metrics_once(run, tmp_path, monkeypatch):
    pytest.importorskip("mlflow")
    monkeypatch.delenv("MLFLOW_DISABLE_TELEMETRY", raising=False)
    store = str(tmp_path / "store")
    experiments = {str(run.path): "small"}
    assert write_mlflow([run], store, experiments) == 1
    assert write_mlflow([run], store, experiments) == 0  # there already
    from mlflow.telemetry.utils import is_telemetry_disabled
    from mlflow.tracking import MlflowClient

    assert is_telemetry_disabled()
    client = MlflowClient(tracking_uri=(tmp_path / "store").as_uri())
    experiment = client.get_experiment_by_name("small")
    (kept,) = client.search_runs([experiment.experiment_id])
    assert kept.data.params["model.cell"] == "gru"
    assert kept.data.metrics["metrics.test.mse"] == 4.0
    assert kept.info.status == "FINISHED"
    assert kept.info.run_name == "gru, seed 0 / ünï"
    history = client.get_metric_history(kept.info.run_id, "validation_loss")
    assert [(one.step, one.value) for one in history] == [(1, 1.1), (2, pytest.approx(0.55))]


@pytest.mark.parametrize(("name", "extra"), [("tensorboard", "tensorboard"), ("mlflow", "mlflow")])
def test_what_is_not_installed_is_said(run, tmp_path, monkeypatch, name, extra):
    real = builtins.__import__

    def refuse(module, *rest, **more):
        if module.startswith(name):
            raise ImportError(module)
        return real(module, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    write = write_tensorboard if name == "tensorboard" else lambda runs, to: write_mlflow(runs, str(to), {})
    with pytest.raises(MissingExtraError, match=rf"gatewise\[{extra}\]"):
        write([run], tmp_path / "x")


def test_the_command_exports_to_both(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert gatewise(["runs", "export", "--to", "tensorboard:boards"]) == 0
    assert "1 run written to boards" in capsys.readouterr().out
    assert gatewise(["runs", "export", "--to", "mlflow:store", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"to": "mlflow:store", "runs": 1, "there_before": 0}
    assert gatewise(["runs", "export", "--to", "mlflow:"]) == 2
    assert "where to is missing" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert gatewise(["runs", "export", "--to", "tensorboard:file"]) == 2
