"""What text chooses from: losses over symbols, and the baselines that a model is held against."""

from __future__ import annotations

from gatewise.registry.table import Entry, Registry

TEXT_LOSSES = Registry(
    "text loss",
    [
        Entry("cross_entropy", "gatewise.tasks.generate.losses:CrossEntropy", "Minus the log of the right symbol"),
        Entry(
            "kl_divergence",
            "gatewise.tasks.generate.losses:KLDivergence",
            "Divergence of the (smoothed) target from the prediction; without smoothing the same as cross_entropy",
            "Kullback & Leibler 1951",
        ),
        Entry(
            "binary_focal",
            "gatewise.tasks.generate.losses:BinaryFocal",
            "A yes or no for every symbol, what is easy weighs less, mean over the symbols",
            "Lin et al. 2017, arXiv:1708.02002",
        ),
        Entry(
            "focal",
            "gatewise.tasks.generate.losses:Focal",
            "Cross-entropy in which what is easy weighs less",
            "Lin et al. 2017, arXiv:1708.02002",
        ),
    ],
    base="gatewise.tasks.generate.losses:TextLoss",
)

TEXT_BASELINES = Registry(
    "text baseline",
    [
        Entry("uniform", "gatewise.tasks.generate.baselines:Uniform", "Every known symbol is as likely"),
        Entry("unigram", "gatewise.tasks.generate.baselines:Unigram", "How often each symbol was seen"),
        Entry(
            "ngram",
            "gatewise.tasks.generate.baselines:NGram",
            "Interpolated Kneser-Ney n-grams, the best order up to 8 on the training part's end",
            "Kneser & Ney 1995; Chen & Goodman 1998",
        ),
        Entry("gzip", "gatewise.tasks.generate.baselines:Gzip", "Bytes that gzip adds for the held-out text"),
        Entry("xz", "gatewise.tasks.generate.baselines:Xz", "Bytes that xz adds for the held-out text"),
        Entry(
            "ppm",
            "gatewise.tasks.generate.baselines:PPM",
            "Bytes that PPMd adds for the held-out text",
            "Shkarin 2002",
        ),
    ],
    methods=("evaluate",),
)
