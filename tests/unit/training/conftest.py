import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def toy() -> ModuleType:
    """The toy network and task of the tests of training."""
    path = Path(__file__).parents[2] / "toy_training.py"
    spec = importlib.util.spec_from_file_location("toy_training", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    """These tests write hundreds of checkpoints; that they reach the disk is tested with the atomic writers."""
    monkeypatch.setattr("gatewise.runs.atomic._flush", lambda _: None)
