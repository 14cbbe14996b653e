"""Learn to write like a text, say how well beside counting, and whether it writes or remembers."""

from gatewise import TextGenerator

writer = TextGenerator(
    cell="gru",
    units=64,
    window=32,
    batch_size=16,
    learning_rate=1e-2,
    epochs=10,
    baselines=["unigram", "ngram"],
)
writer.fit("sample:licence")  # about 14 kB that Python brings along; give a larger text of your own

test = writer.result_["metrics"]["test"]
ngram = writer.result_["baselines"]["ngram"]["test"]
print(f"{test['carried_nats_per_char']:.2f} nats a character, n-grams {ngram['carried_nats_per_char']:.2f}")
print(f"longest run of its texts that the training text has: {writer.result_['copying']['longest']} characters")

for piece in writer.stream("Python ", length=200, temperature=0.7, seed=1):
    print(piece, end="", flush=True)
print()
