"""Learn which part of Python's library a docstring is from, and say whether the network beats counting words."""

from gatewise import TextClassifier

model = TextClassifier(
    units=32,
    embedding=48,
    head=[64],
    epochs=8,
    least_steps=0,
    test_size=0.3,
    baselines=["tfidf_logistic"],
    explained=0,
)
model.fit(files="sample:python-docstrings")  # texts that Python brings along; give a table of your own

test = model.result_["metrics"]["test"]
baseline = model.result_["baselines"]["tfidf_logistic"]["test"]
print(f"macro-F1 {test['f1_macro']:.3f}, TF-IDF {baseline['f1_macro']:.3f}: {model.result_['verdict']['says']}")

text = "Return the date and time of a clock in another time zone."
print(f"{text!r} is about {model.predict([text])[0]}")
for word in sorted(model.explain(text), key=lambda one: -abs(one.effect))[:3]:
    print(f"  without {word.word!r} its log-odds fall by {word.effect:+.2f}")
