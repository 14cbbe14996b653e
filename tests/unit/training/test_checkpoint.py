import pytest
import torch
from safetensors.torch import save_file

from gatewise.errors import GatewiseError, OutputError
from gatewise.training.checkpoint import read_checkpoint, write_checkpoint


def tensors(value):
    tied = torch.full((2, 3), float(value))
    return {
        "network": {"a.weight": tied, "b.weight": tied, "turned": torch.arange(6.0).view(2, 3).T},
        "optimizer": {"0.step": torch.tensor(7.0)},
        "generators": {"dropout": torch.Generator().manual_seed(value).get_state()},
        "best": {},
    }


FACTS = {"loss_sum": 0.1 + 0.2, "history": [{"epoch": 1, "validation_loss": None}]}


def test_what_is_written_is_read_to_the_last_bit(tmp_path):
    assert read_checkpoint(tmp_path / "checkpoint") is None
    write_checkpoint(tmp_path / "checkpoint", tensors(1), FACTS)
    found = read_checkpoint(tmp_path / "checkpoint")
    assert found.facts == FACTS
    assert found.notes == ()
    for group, members in tensors(1).items():
        for name, tensor in members.items():
            assert torch.equal(found.tensors[group][name], tensor)


def test_a_truncated_checkpoint_falls_back_to_the_one_before(tmp_path):
    write_checkpoint(tmp_path, tensors(1), FACTS)
    write_checkpoint(tmp_path, tensors(2), FACTS)
    newest = tmp_path / "newest.safetensors"
    whole = newest.read_bytes()
    for length in (0, 5, 100, len(whole) - 1):
        newest.write_bytes(whole[:length])
        found = read_checkpoint(tmp_path)
        assert found.tensors["network"]["a.weight"][0, 0] == 1
        assert "could not be read" in found.notes[0]
    newest.unlink()  # killed between the two renames
    assert read_checkpoint(tmp_path).tensors["network"]["a.weight"][0, 0] == 1


def test_when_none_can_be_read_it_says_what_to_do(tmp_path):
    write_checkpoint(tmp_path, tensors(1), FACTS)
    (tmp_path / "newest.safetensors").write_bytes(b"")
    with pytest.raises(GatewiseError, match=r"remove .* to train from the start"):
        read_checkpoint(tmp_path)


def test_a_newer_format_or_a_foreign_file_is_refused(tmp_path):
    save_file({"network/a": torch.ones(1)}, tmp_path / "newest.safetensors", {"format_version": "99", "facts": "{}"})
    with pytest.raises(GatewiseError, match="format version 99; this version of gatewise reads 1"):
        read_checkpoint(tmp_path)
    save_file({"a": torch.ones(1)}, tmp_path / "newest.safetensors")
    with pytest.raises(GatewiseError, match="no checkpoint can be read"):
        read_checkpoint(tmp_path)


def test_a_failing_write_keeps_what_was_there(tmp_path, monkeypatch):
    write_checkpoint(tmp_path, tensors(1), FACTS)

    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gatewise.runs.atomic._flush", full)
    for _ in range(3):  # again and again: the good one must not be pushed out
        with pytest.raises(OutputError, match="the disk is full"):
            write_checkpoint(tmp_path, tensors(2), FACTS)
    assert read_checkpoint(tmp_path).tensors["network"]["a.weight"][0, 0] == 1
