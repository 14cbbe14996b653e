"""A model folder of format 1: `python tests/golden/make_classify_model.py` writes classify_model_v1/.

It is made once for each version of the format and then kept as it is: later versions of gatewise must read it and give
the log-probabilities in ``expected.json``.
"""

import json
import shutil
from pathlib import Path

from gatewise import TextClassifier

FOLDER = Path(__file__).with_name("classify_model_v1")
SUBJECTS = ("cat", "dog", "café", "گربه", "river", "sky")
SIGNS = {3: ("awful", "vile"), 5: ("lovely", "kind"), 11: ("grey", "🙂")}


def rows():
    """Return texts and their codes."""
    texts, codes = [], []
    for number in range(120):
        code = (3, 5, 11)[number % 3]
        sign, subject = SIGNS[code][number // 3 % 2], SUBJECTS[number // 6 % 6]
        texts.append(f"RT @anna: the {subject} of no{number} is so {sign} &amp; that's {subject} https://a.b/{number}")
        codes.append(code)
    return texts, codes


def main():
    """Train the model, save it, and write down what it says of some texts."""
    texts, codes = rows()
    model = TextClassifier(
        cell="gru",
        units=5,
        layers=2,
        embedding=4,
        pooling=("last", "attention"),
        head=(6,),
        names={3: "bad", 5: "good", 11: "plain"},
        cleaning=("tweets", "lower"),
        epochs=40,
        least_steps=0,
        batch_size=16,
        learning_rate=0.02,
        test_size=0.3,
        validation_size=0.2,
        near_duplicates="apart",
        baselines=("majority", "tfidf_logistic"),
        wanted_recall={"bad": 0.8},
        explained=2,
        kernel="reference",
        threads=1,
    ).fit(texts, codes)
    if FOLDER.exists():
        shutil.rmtree(FOLDER)
    model.save(FOLDER)
    asked = ["The CAFÉ is lovely 🙂", "گربه awful", "@anna https://x.y", "", "never heard of that"]
    expected = {
        "texts": asked,
        "log_probs": model.predict_log_proba(asked).tolist(),
        "predicted": model.predict(asked).tolist(),
        "tuned": model.predict(asked, tuned=True).tolist(),
        "classes": model.classes_.tolist(),
        "test": model.result_["metrics"]["test"],
    }
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
