import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from gatewise.settings import AdaptSettings, parse
from gatewise.tasks.adapt import run_adapt
from gatewise.tasks.adapt.pieces import MaskedBatch


def test_some_rows_of_a_batch_have_what_is_hidden_in_them():
    draw = torch.Generator().manual_seed(0)
    ids = torch.randint(9, (5, 7), generator=draw)
    chosen = torch.rand(5, 7, generator=draw) < 0.4
    whole = MaskedBatch(ids, torch.ones_like(chosen), chosen, ids[chosen])
    parts = [whole.rows(rows) for rows in (slice(0, 2), slice(2, 5))]
    for name in ("ids", "mask", "chosen", "targets"):
        assert torch.equal(torch.cat([getattr(part, name) for part in parts]), getattr(whole, name))
    assert all(torch.equal(part.targets, part.ids[part.chosen]) for part in parts)


@pytest.mark.slow
def test_two_processes_adapt_as_one_does(bare_folder, texts_file, tmp_path):
    results = []
    for processes in (1, 2):
        train = {"epochs": 3, "batch_size": 7, "threads": 1, "optimizer": "sgd", "learning_rate": 0.1}
        tree = {
            "encoder": {"name": str(bare_folder("bert"))},
            "data": {"files": [str(texts_file)]},
            "train": {**train, "processes": processes},
        }
        results.append(run_adapt(parse(AdaptSettings, tree), tmp_path / str(processes)))
    one, two = results
    assert (one["status"], two["status"], two["processes"], two["new_head"]) == ("finished", "finished", 2, True)
    assert two["nats"] == pytest.approx(one["nats"], rel=1e-5)
    weights = [load_file(tmp_path / str(processes) / "model.safetensors") for processes in (1, 2)]
    for name in weights[0]:
        np.testing.assert_allclose(weights[1][name], weights[0][name], rtol=1e-4, atol=1e-5, err_msg=name)
