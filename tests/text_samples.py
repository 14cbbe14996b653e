"""A small text and quick settings for the tests of text runs."""

QUICK = {
    "cell": "gru", "units": 6, "embedding": 4, "window": 8, "batch_size": 4, "epochs": 2, "learning_rate": 0.01,
    "baselines": ("unigram",), "sample_length": 0, "threads": 1,
}  # fmt: skip


def sentences(n, seed=0):
    """Return a text of about `n` characters that a network can learn from."""
    words = ["the", "cat", "sat", "on", "a", "mat", "and", "saw", "two", "red", "dogs", "run"]
    made, place = [], seed
    while sum(map(len, made)) + len(made) < n:
        place = (7 * place + 3 + len(made)) % 101
        made.append(words[place % len(words)] + ("." if place % 9 == 0 else ""))
    return " ".join(made)
