"""ONNX Runtime computes what torch computes, and int8 says how far it is from that."""

import sys

import numpy as np
import pytest
import torch

from encoder_folders import make_texts
from gatewise.encoders.onnx import measure_drift
from gatewise.errors import InputError, MissingExtraError

KINDS = ["bert", "roberta", "distilbert", "deberta-v2", "t5"]


def batch(encoder, texts=4, longest=25):
    draw = torch.Generator().manual_seed(1)
    ids = torch.randint(5, encoder.vocabulary_size, (texts, longest), generator=draw)
    mask = torch.arange(longest) < torch.randint(1, longest + 1, (texts, 1), generator=draw)
    mask[0] = True
    return ids.where(mask, torch.tensor(encoder.pad)), mask


def valid(states, mask):
    return states.transpose(1, 2)[mask]


@pytest.mark.parametrize("kind", KINDS)
def test_onnx_computes_what_torch_computes(load, kind):
    ours, right = load(kind, runtime="onnx", layers=(-1, 0)), load(kind, layers=(-1, 0))
    ids, mask = batch(right)
    states = ours.states(ids, mask)
    assert (states.dtype, states.shape) == (torch.float32, (4, 2, 25, right.width))
    torch.testing.assert_close(valid(states, mask), valid(right.states(ids, mask), mask), rtol=0, atol=1e-5)
    assert ours.states_digest != right.states_digest


def test_the_decoder_of_a_t5(load):
    ours, right = (load("t5", runtime=runtime, states="decoder") for runtime in ("onnx", "torch"))
    ids, mask = batch(right)
    torch.testing.assert_close(
        valid(ours.states(ids, mask), mask), valid(right.states(ids, mask), mask), rtol=0, atol=1e-5
    )


def test_int8_is_near_and_a_text_does_not_depend_on_those_beside_it(load):
    ours, right = load("bert", runtime="int8"), load("bert")
    ids, mask = batch(right)
    states = ours.states(ids, mask)
    cosine = torch.nn.functional.cosine_similarity(valid(states, mask), valid(right.states(ids, mask), mask), dim=-1)
    assert 0.9 < cosine.min() < 1
    for row in range(len(ids)):
        count = int(mask[row].sum())
        alone = ours.states(ids[row : row + 1, :count], mask[row : row + 1, :count])
        assert torch.equal(alone[0], states[row, :, :count])


def test_drift_is_none_for_torch_tiny_for_onnx_and_said_for_int8(load):
    texts = make_texts(20)
    drifts = {}
    for runtime in ("torch", "onnx", "int8"):
        encoder = load("bert", runtime=runtime)
        drifts[runtime] = measure_drift(encoder, encoder.tokenize(texts), texts=7)
    assert {drift.texts for drift in drifts.values()} == {7}
    assert drifts["torch"].largest == 0
    assert drifts["torch"].worst_cosine == pytest.approx(1)
    assert 0 < drifts["onnx"].largest < 1e-5
    assert drifts["int8"].largest > 1e-3
    assert drifts["int8"].worst_cosine < drifts["int8"].mean_cosine < 1
    assert f"{drifts['int8'].worst_cosine:.5f} at worst" in drifts["int8"].sentence
    assert drifts["int8"].to_json()["largest"] == drifts["int8"].largest


def test_the_graph_is_made_once(load, monkeypatch, own_cache):
    first = load("bert", runtime="int8")
    assert len(list((own_cache / "encoders" / "onnx").glob("*/model.onnx"))) == 1
    assert not list((own_cache / "encoders" / "onnx").glob("*/float.onnx"))
    monkeypatch.setattr("gatewise.encoders.onnx._export", None)  # to make it again would fail
    ids, mask = batch(first)
    assert torch.equal(load("bert", runtime="int8").states(ids, mask), first.states(ids, mask))


def test_7_bits_are_enough_for_weights(load, own_cache, monkeypatch):
    monkeypatch.setattr("torch.cpu._is_vnni_supported", lambda: False)
    ours, right = load("bert", runtime="int8"), load("bert")
    ids, mask = batch(right)
    cosine = torch.nn.functional.cosine_similarity(
        valid(ours.states(ids, mask), mask), valid(right.states(ids, mask), mask), dim=-1
    )
    assert 0.9 < cosine.min() < 1
    import onnx

    graph = onnx.load(next((own_cache / "encoders" / "onnx").glob("*/model.onnx"))).graph
    weights = [onnx.numpy_helper.to_array(one) for one in graph.initializer if one.data_type == onnx.TensorProto.INT8]
    matrices = [weight for weight in weights if weight.ndim == 2]
    assert len(matrices) >= 12
    assert max(int(np.abs(weight.astype(int)).max()) for weight in matrices) <= 64


def test_a_graph_that_computes_something_else_is_refused(load, monkeypatch, own_cache):
    from gatewise.encoders.torch_runtime import TorchRuntime

    real = TorchRuntime.states
    monkeypatch.setattr(TorchRuntime, "states", lambda self, ids, mask: real(self, ids, mask) + 0.01)
    with pytest.raises(InputError, match="computes something else than torch"):
        load("bert", runtime="onnx")
    assert not list((own_cache / "encoders" / "onnx").iterdir())


def test_without_onnx_runtime_it_says_what_to_install(load, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"gatewise\[onnx\]"):
        load("bert", runtime="int8")
