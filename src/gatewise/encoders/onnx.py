"""Hidden states computed by ONNX Runtime, in float32 or with int8 weights, which is faster on most CPUs.

The network is written as an ONNX graph once, checked against torch, and kept in the cache. With int8 weights the
results are others: :func:`measure_drift` says by how much on one's own texts.
"""

from __future__ import annotations

import hashlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gatewise.caching import cache_folder
from gatewise.encoders.quiet import first_line, quiet
from gatewise.encoders.source import EncoderSource
from gatewise.encoders.tokens import Tokens
from gatewise.encoders.torch_runtime import TorchRuntime
from gatewise.errors import InputError, MissingExtraError
from gatewise.runs.atomic import replacing_folder, write_json

if TYPE_CHECKING:
    from gatewise.encoders.load import Encoder

#: Changes when the graph would be another one for the same encoder.
_VERSION = 1
_OPSET = 17
_GRAPH, _FLOAT, _FACTS = "model.onnx", "float.onnx", "made.json"
#: Most by which a float32 graph may differ from torch; states are of the order of 1.
_TOLERANCE = 1e-3


class OnnxRuntime:
    """Some hidden states of an encoder, computed by ONNX Runtime on the CPU.

    With int8 weights every text goes through alone: ONNX Runtime scales numbers by the largest of a whole batch, and
    so a text's states would depend on the texts beside it.

    Parameters
    ----------
    source
        The encoder.
    layers
        Numbers of the hidden states that are wanted, 0 for the embeddings.
    decoder
        Take them from the decoder of a T5.
    int8
        Compute with int8 weights.

    Attributes
    ----------
    module
        The network's parts and their sizes, without numbers.

    Raises
    ------
    MissingExtraError
        If ONNX Runtime is not installed.
    InputError
        If the encoder cannot be written as a graph, or the graph computes something else.
    """

    def __init__(
        self, source: EncoderSource, layers: Sequence[int], *, decoder: bool = False, int8: bool = False
    ) -> None:
        self.layers = tuple(layers)
        self.int8 = int8
        self.threads = torch.get_num_threads()
        graph = _graph(source, decoder=decoder, int8=int8)
        self.module = _without_numbers(source)
        self._session = _open(graph, 1 if int8 else self.threads)
        self._wanted = [f"h{layer}" for layer in self.layers]

    def states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the hidden states ``(B, L, T, D)`` of numbers ``(B, T)``; `mask` is False where they are padding."""
        numbers, valid = ids.cpu().numpy(), mask.cpu().numpy()
        if not self.int8:
            return torch.from_numpy(self._run(numbers, valid)).to(ids.device)
        whole = np.zeros((len(numbers), len(self.layers), numbers.shape[1], self._width), np.float32)
        with ThreadPoolExecutor(self.threads) as pool:
            alone = pool.map(lambda row: self._run(numbers[row, valid[row]][None], None), range(len(numbers)))
            for row, states in enumerate(alone):
                whole[row][:, valid[row]] = states[0]
        return torch.from_numpy(whole).to(ids.device)

    @property
    def _width(self) -> int:
        return int(self._session.get_outputs()[0].shape[2])

    def _run(self, ids: NDArray[np.int64], mask: NDArray[np.bool_] | None) -> NDArray[np.float32]:
        mask = np.ones(ids.shape, np.bool_) if mask is None else mask
        return np.stack(self._session.run(self._wanted, {"ids": ids, "mask": mask}), 1)


@dataclass(frozen=True)
class Drift:
    """How far hidden states are from those that torch computes in float32.

    Attributes
    ----------
    texts : texts that were compared, token by token and layer by layer.
    mean_cosine, worst_cosine : cosine of the two states of a token.
    largest : largest difference between two numbers.
    """

    texts: int
    mean_cosine: float
    worst_cosine: float
    largest: float

    @property
    def sentence(self) -> str:
        """The drift in words, for the notes of a run."""
        return (
            f"hidden states against torch in float32, over the tokens of {self.texts:,} texts: cosine "
            f"{self.mean_cosine:.5f} in the mean and {self.worst_cosine:.5f} at worst, largest difference "
            f"{self.largest:.2g}"
        )

    def to_json(self) -> dict[str, float]:
        """Return the figures as a plain tree."""
        return asdict(self)


def measure_drift(encoder: Encoder, tokens: Tokens, *, texts: int = 64) -> Drift:
    """Compare an encoder's states with torch's in float32 on some of the user's own texts.

    Parameters
    ----------
    encoder
        Of any runtime; the same encoder is loaded once more in torch.
    tokens
        From ``encoder.tokenize``.
    texts
        How many texts, spread evenly over `tokens`.
    """
    exact = TorchRuntime(encoder.source, encoder.layer_numbers, decoder=encoder.settings.states == "decoder")
    chosen = np.unique(np.linspace(0, len(tokens) - 1, min(texts, len(tokens)), dtype=np.int64))
    cosines: list[NDArray[np.float64]] = []
    largest = 0.0
    for number in chosen.tolist():
        ids = torch.from_numpy(tokens.row(number)[None].astype(np.int64))
        mask = torch.ones_like(ids, dtype=torch.bool)
        ours, right = (run(ids, mask).numpy().astype(np.float64) for run in (encoder.states, exact.states))
        norms = np.linalg.norm(ours, axis=-1) * np.linalg.norm(right, axis=-1)
        cosines.append(((ours * right).sum(-1) / np.maximum(norms, 1e-300)).ravel())
        largest = max(largest, float(np.abs(ours - right).max()))
    every = np.concatenate(cosines)
    return Drift(len(chosen), float(every.mean()), float(every.min()), largest)


def _graph(source: EncoderSource, *, decoder: bool, int8: bool) -> Path:
    """Return the file of the graph, from the cache or made now."""
    onnxruntime = _onnxruntime()
    import transformers

    narrow = int8 and not getattr(torch.cpu, "_is_vnni_supported", lambda: False)()
    parts = (_VERSION, source.digest, decoder, int8, narrow)
    versions = (torch.__version__, transformers.__version__, onnxruntime.__version__)
    key = hashlib.sha256(repr((parts, versions)).encode()).hexdigest()[:32]
    folder = cache_folder("encoders") / "onnx" / key
    if not (folder / _FACTS).is_file():
        with replacing_folder(folder, known_by=_FACTS) as new, _silent():
            runtime = TorchRuntime(source, range(source.hidden_layers), decoder=decoder)
            _export(source, runtime, new / (_FLOAT if int8 else _GRAPH))
            if int8:
                _quantise(new / _FLOAT, new / _GRAPH, narrow=narrow)
                (new / _FLOAT).unlink()
            write_json(new / _FACTS, {"encoder": source.name, "digest": source.digest, "int8": int8})
    return folder / _GRAPH


class _Traced(nn.Module):
    """All hidden states as outputs of one graph."""

    def __init__(self, runtime: TorchRuntime) -> None:
        super().__init__()
        self.runtime = runtime
        self.module = runtime.module

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        return self.runtime._hidden(ids, mask)


def _export(source: EncoderSource, runtime: TorchRuntime, path: Path) -> None:
    """Write the graph of all hidden states, and see that it computes what torch computes on texts of other lengths."""
    outputs = [f"h{layer}" for layer in range(source.hidden_layers)]
    axes = {name: {0: "texts", 1: "tokens"} for name in ("ids", "mask", *outputs)}
    module: Any = runtime.module
    module.set_attn_implementation("eager")  # the plain formula: fused attention has no place in a graph
    try:
        # The exporter that follows this one needs two more packages and has no use here: nothing branches.
        torch.onnx.export(
            _Traced(runtime), _example(2, 7), str(path), input_names=["ids", "mask"], output_names=outputs,
            dynamic_axes=axes, opset_version=_OPSET, dynamo=False,
        )  # fmt: skip
        session = _open(path, 1)
        worst = 0.0
        for texts, longest in ((1, 3), (3, min(60, source.max_tokens or 60))):
            ids, mask = _example(texts, longest)
            right = runtime.states(ids, mask).transpose(1, 2)[mask].numpy()
            found = np.stack(session.run(outputs, {"ids": ids.numpy(), "mask": mask.numpy()}), 1)
            worst = max(worst, float(np.abs(found.transpose(0, 2, 1, 3)[mask.numpy()] - right).max()))
    except Exception as error:
        raise InputError(
            f"runtime onnx: the encoder {source.name} cannot be written as a graph ({first_line(error)}): set "
            "runtime to torch"
        ) from error
    if not worst <= _TOLERANCE:
        raise InputError(
            f"runtime onnx: the graph of the encoder {source.name} computes something else than torch (difference "
            f"{worst:.2g}): set runtime to torch"
        )


def _example(texts: int, longest: int) -> tuple[Tensor, Tensor]:
    """Return numbers of tokens that every vocabulary has, and which of them are valid."""
    ids = torch.arange(texts * longest).view(texts, longest) % 20
    mask = torch.arange(longest) < longest - torch.arange(texts)[:, None]
    return ids, mask


def _quantise(path: Path, new: Path, *, narrow: bool) -> None:
    """Write the graph with the weights of its linear maps in int8, each output with a scale of its own.

    Without the instructions of VNNI a sum of two products may overflow its 16 bits: weights of 7 bits then.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        path, new, weight_type=QuantType.QInt8, per_channel=True, reduce_range=narrow, op_types_to_quantize=["MatMul"]
    )


def _without_numbers(source: EncoderSource) -> nn.Module:
    with quiet(), torch.device("meta"):
        import transformers

        config = transformers.AutoConfig.from_pretrained(source.folder, local_files_only=True, trust_remote_code=False)
        module: nn.Module = transformers.AutoModel.from_config(config)
    return module


def _open(path: Path, threads: int) -> Any:
    onnxruntime = _onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _onnxruntime() -> Any:
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("runtime onnx or int8", "onnx") from error
    del onnx
    return onnxruntime


@contextmanager
def _silent() -> Iterator[None]:
    """Keep the exporter's hints from the user: what it makes is checked here."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
