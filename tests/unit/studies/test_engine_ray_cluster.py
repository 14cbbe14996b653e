"""A cluster of two Ray nodes, and real trainings: the same numbers as on this machine, whatever is lost on the way."""

import json
import os
import warnings

import pytest

from gatewise.studies import run_study
from gatewise.studies.engines import create_engine
from gatewise.studies.file import resolve
from gatewise.studies.folder import StudyFolder
from gatewise.studies.progress import Silent

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:subprocess:ResourceWarning"),  # Ray leaves its own processes to the collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

STUDY = {
    "name": "tiny", "data": {"files": ["sample:GOOG"], "window": 4}, "vary": {"model.cell": ["rnn", "gru"]}, "seeds": 2,
    "model": {"units": 4, "head": [4]}, "train": {"epochs": 1, "batch_size": 64}, "timing": {"epochs": 1},
}  # fmt: skip


@pytest.fixture(scope="module")
def cluster():
    ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'gatewise[ray]'")
    pytest.importorskip("bokeh_sampledata", reason="needs the extra samples")
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    # Connected while there is one node: a process whose own node is removed is ended by Ray.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray.init(address=found.address, log_to_driver=False, configure_logging=False)
    yield found
    ray.shutdown()
    found.shutdown()


def test_a_machine_that_is_lost_in_the_middle_changes_no_number(cluster, tmp_path):
    node = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()

    class LosesOne(Silent):
        def start(self, *, warnings, jobs, **rest):
            told.extend(warnings)
            seats.append(jobs)

        def run_ended(self, event):
            if not errors and not lost:
                lost.append(event.name)
                cluster.remove_node(node, allow_graceful=False)
            errors.extend(filter(None, [event.error]))

    told, seats, lost, errors = [], [], [], []
    there = tmp_path / "there"
    engine = create_engine("ray")
    run_study(resolve(STUDY), there, engine=engine, progress=LosesOne())
    assert (seats, errors, len(lost)) == ([2], [], 1)
    assert "no times are taken: no Ray node that fits a run has its machine to itself" in told
    run_study(resolve({**STUDY, "timing": None}), tmp_path / "here", jobs=1)
    one, other = StudyFolder(there), StudyFolder(tmp_path / "here")
    assert one.read_comparison() == other.read_comparison()
    for path in sorted((tmp_path / "here" / "runs").iterdir()):
        twin = there / "runs" / path.name
        for name in ("predictions.parquet", "model/model.safetensors", "settings.json"):
            assert (twin / name).read_bytes() == (path / name).read_bytes(), name
        results = [json.loads((folder / "result.json").read_text()) for folder in (twin, path)]
        assert results[0]["metrics"] == results[1]["metrics"]
        assert results[0]["folder"] == str(twin)
