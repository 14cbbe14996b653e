"""What classification chooses from: steps of cleaning, poolings, losses over classes, and baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gatewise.errors import SettingsError, did_you_mean
from gatewise.registry.table import Entry, Registry

_CLEANING = "gatewise.data.labelled.cleaning"
#: Steps in the order in which they are done, whatever order they are named in.
CLEANING_STEPS = Registry(
    "step of cleaning",
    [
        Entry("entities", f"{_CLEANING}:entities", "HTML entities become the characters they stand for"),
        Entry("normalize", f"{_CLEANING}:normalize", "Unicode normalisation NFC; line breaks and tabs become spaces"),
        Entry("retweets", f"{_CLEANING}:retweets", "The sign RT of a retweet is left out"),
        Entry("links", f"{_CLEANING}:links", "A link becomes <url>"),
        Entry("users", f"{_CLEANING}:users", "A name such as @anna becomes <user>"),
        Entry("emoji_token", f"{_CLEANING}:emoji_token", "An emoji becomes <emotion>"),
        Entry("emoji_names", f"{_CLEANING}:emoji_names", "An emoji becomes its name, such as face with tears of joy"),
        Entry("hashtag_signs", f"{_CLEANING}:hashtag_signs", "A hashtag loses its sign"),
        Entry("hashtag_words", f"{_CLEANING}:hashtag_words", "A hashtag loses its sign and is split into its words"),
        Entry("symbols", f"{_CLEANING}:symbols", "Quotes and stray signs such as & and | are left out"),
        Entry("repeats", f"{_CLEANING}:repeats", "A letter repeated more than twice is written twice"),
        Entry("lower", f"{_CLEANING}:lower", "Letters become small"),
        Entry("spaces", f"{_CLEANING}:spaces", "Runs of spaces become one; none at the ends"),
    ],
    base="collections.abc:Callable",
)

#: Steps under one name.
CLEANING_PRESETS: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "tweets": ("entities", "normalize", "retweets", "links", "users", "emoji_names", "hashtag_signs", "spaces"),
    "report": (
        "entities", "normalize", "retweets", "links", "users", "emoji_token", "hashtag_signs", "symbols", "lower",
        "spaces",
    ),
}  # fmt: skip


def cleaning_steps(names: Sequence[str]) -> tuple[str, ...]:
    """Return the steps that names ask for: steps, presets, ``-STEP`` to take one out, ``+STEP`` to put one in.

    Raises
    ------
    SettingsError
        If there is no such step or preset, one is taken out that is not in, or an emoji is to become two things.

    Examples
    --------
    >>> cleaning_steps(["tweets", "-users", "lower"])
    ('entities', 'normalize', 'retweets', 'links', 'emoji_names', 'hashtag_signs', 'lower', 'spaces')
    """
    asked: set[str] = set()
    for name in names:
        plain = name.lstrip("+-")
        if plain not in CLEANING_STEPS and plain not in CLEANING_PRESETS:
            known = [*CLEANING_PRESETS, *CLEANING_STEPS.names()]
            raise SettingsError(f"there is no step of cleaning {name!r}{did_you_mean(plain, known)}")
        steps = CLEANING_PRESETS.get(plain, (plain,))
        if not name.startswith("-"):
            asked.update(steps)
            continue
        if missing := [step for step in steps if step not in asked]:
            raise SettingsError(f"cleaning {name}: {missing[0]} is not among the steps, so it cannot be taken out")
        asked.difference_update(steps)
    if {"emoji_token", "emoji_names"} <= asked:
        raise SettingsError("an emoji becomes a token or its name: take one out with -emoji_token or -emoji_names")
    own = sorted(asked - set(CLEANING_STEPS.names()))  # a user's own steps see what the others leave
    return (*(step for step in CLEANING_STEPS.names() if step in asked), *own)


_POOLING = "gatewise.models.pooling"
POOLINGS = Registry(
    "pooling",
    [
        Entry("last", f"{_POOLING}:Last", "What each direction says after the last token it reads"),
        Entry("mean", f"{_POOLING}:Mean", "Mean over the tokens"),
        Entry("max", f"{_POOLING}:Max", "Largest value over the tokens"),
        Entry(
            "attention",
            f"{_POOLING}:Attention",
            "Mean over the tokens, weighted by a score that is learned",
            "Yang et al. 2016, N16-1174",
        ),
        Entry(
            "last_padded",
            f"{_POOLING}:LastPadded",
            "The last step of the padded batch, padding read like tokens: the report's way, kept to measure its cost",
        ),
    ],
    base="gatewise.models.pooling:Pooling",
)

CLASS_LOSSES = Registry(
    "class loss",
    [
        Entry("cross_entropy", "gatewise.tasks.classify.losses:CrossEntropy", "Minus the log of the right class"),
        Entry(
            "focal",
            "gatewise.tasks.classify.losses:Focal",
            "Cross-entropy in which what is easy weighs less",
            "Lin et al. 2017, arXiv:1708.02002",
        ),
        Entry(
            "logit_adjusted",
            "gatewise.tasks.classify.losses:LogitAdjusted",
            "Cross-entropy of logits to which the classes' log shares are added in training",
            "Menon et al. 2021, arXiv:2007.07314",
        ),
    ],
    base="gatewise.tasks.classify.losses:ClassLoss",
)

_BASELINES = "gatewise.tasks.classify.baselines"
CLASS_BASELINES = Registry(
    "class baseline",
    [
        Entry("majority", f"{_BASELINES}:Majority", "The commonest class, with the classes' shares as probabilities"),
        Entry(
            "tfidf_logistic",
            f"{_BASELINES}:TfidfLogistic",
            "Logistic regression on TF-IDF of words and characters",
        ),
        Entry(
            "tfidf_balanced",
            f"{_BASELINES}:TfidfBalanced",
            "The same, rare classes weighing more",
        ),
        Entry(
            "tfidf_svm", f"{_BASELINES}:TfidfSVM", "Linear support vector machine on TF-IDF, scores made probabilities"
        ),
        Entry(
            "encoder_logistic",
            f"{_BASELINES}:EncoderLogistic",
            "Logistic regression on the mean of the encoder's last states: no recurrence",
        ),
    ],
    methods=("fit", "log_probs"),
)
