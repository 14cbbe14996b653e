"""Weights published as ``pytorch_model.bin`` only: read as tensors and nothing else, and kept as safetensors.

Such a file is a pickle, and a pickle can run any code when it is read. torch's tensors-only loader runs none: it knows
tensors and plain containers, and refuses everything else. What it reads is written once into the cache; the user's own
folder is never changed.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from gatewise.caching import cache_folder
from gatewise.encoders.quiet import quiet
from gatewise.encoders.source import CONFIG, EncoderSource
from gatewise.errors import InputError
from gatewise.runs.atomic import replacing_folder


def weights_folder(source: EncoderSource) -> Path:
    """Return a folder with the encoder's configuration and its weights as safetensors.

    Raises
    ------
    InputError
        If the weights hold more than tensors, or are damaged.
    OutputError
        If the cache cannot be written.
    """
    files = [path for path in source.weights if path.suffix != ".json"]
    if files[0].suffix == ".safetensors":
        return source.folder
    folder = cache_folder("encoders") / "converted" / source.digest[:32]
    if not (folder / "model.safetensors").is_file():
        _convert(files, source, folder)
    return folder


def _convert(files: list[Path], source: EncoderSource, folder: Path) -> None:
    import torch
    from safetensors.torch import save_file

    tensors: dict[str, torch.Tensor] = {}
    for path in files:
        try:
            with quiet():
                read = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:
            raise InputError(
                f"encoder {source.name}: {path} is refused: torch's tensors-only loader does not read it, so it is "
                f"damaged or holds more than tensors, which could run code; ask its author for model.safetensors"
            ) from error
        if not isinstance(read, dict) or not all(isinstance(one, torch.Tensor) for one in read.values()):
            raise InputError(
                f"encoder {source.name}: {path} is no plain table of names and tensors, as an encoder's weights are; "
                f"save them with save_pretrained()"
            )
        # Tied weights share their memory, which safetensors does not allow: each name gets its own copy.
        tensors |= {str(name): one.detach().clone().contiguous() for name, one in read.items()}
    with replacing_folder(folder, known_by=CONFIG) as new:
        shutil.copyfile(source.folder / CONFIG, new / CONFIG)
        save_file(tensors, new / "model.safetensors", metadata={"format": "pt"})
