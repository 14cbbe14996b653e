"""A model folder of format 1: `python tests/golden/make_text_model.py` writes text_model_v1/.

It is made once for each version of the format and then kept as it is: later versions of gatewise must read it and give
the log-probabilities in ``expected.json``.
"""

import json
import shutil
from pathlib import Path

from gatewise import TextGenerator

FOLDER = Path(__file__).with_name("text_model_v1")
TEXT = "The Cat sat on the mat; سلام بر گربه. 'Who?' said the dog, \u00e9l perro 🙂.\n" * 12


def main():
    """Train the model, save it, and write down what it says of a text."""
    writer = TextGenerator(
        cell="lstm",
        units=6,
        layers=2,
        embedding=5,
        head=(5,),
        tied=True,
        initial_state="learned",
        lower=True,
        minimum_count=13,
        window=8,
        epochs=40,
        batch_size=4,
        learning_rate=0.01,
        baselines=("unigram", "gzip"),
        sample_length=0,
        kernel="reference",
        threads=1,
    ).fit(TEXT)
    if FOLDER.exists():
        shutil.rmtree(FOLDER)
    writer.save(FOLDER)
    text = "The mat Sat! 🙂 \u0416 سلام"
    expected = {
        "text": text,
        "log_probs": writer.log_probs(text).tolist(),
        "next_probs": writer.next_probs(text).tolist(),
        "written": writer.generate("the ", length=40, greedy=True)[0].text,
        "symbols": writer.symbols_,
        "test": writer.result_["metrics"]["test"],
    }
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
