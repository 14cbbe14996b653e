"""What training chooses from: losses, optimisers and learning rate schedules."""

from __future__ import annotations

from gatewise.registry.table import Entry, Registry

LOSSES = Registry(
    "loss",
    [
        Entry("mse", "gatewise.training.losses:MeanSquaredError", "Mean squared error: the mean is its optimum"),
        Entry(
            "mae",
            "gatewise.training.losses:MeanAbsoluteError",
            "Mean absolute error: the median is its optimum",
        ),
        Entry(
            "mape",
            "gatewise.training.losses:MeanAbsolutePercentageError",
            "Mean absolute error in percent of the truth",
        ),
        Entry(
            "huber",
            "gatewise.training.losses:Huber",
            "Squared near zero, absolute beyond delta",
            "Huber 1964",
        ),
        Entry(
            "quantile",
            "gatewise.training.losses:Quantile",
            "Pinball loss over several quantiles",
            "Koenker & Bassett 1978",
        ),
        Entry(
            "gaussian",
            "gatewise.training.losses:Gaussian",
            "Negative log-likelihood of a normal distribution",
        ),
        Entry(
            "student_t",
            "gatewise.training.losses:StudentT",
            "Negative log-likelihood of a Student-t distribution",
        ),
    ],
    base="gatewise.training.losses:Loss",
)

OPTIMIZERS = Registry(
    "optimizer",
    [
        Entry(
            "adam",
            "gatewise.training.optimizers:adam",
            "Adam, epsilon 1e-7",
            "Kingma & Ba 2015, arXiv:1412.6980",
        ),
        Entry(
            "adamw",
            "gatewise.training.optimizers:adamw",
            "Adam with decoupled weight decay 0.004",
            "Loshchilov & Hutter 2019, arXiv:1711.05101",
        ),
        Entry(
            "adagrad",
            "gatewise.training.optimizers:adagrad",
            "Adagrad, accumulator starting at 0.1",
            "Duchi et al. 2011",
        ),
        Entry(
            "rmsprop",
            "gatewise.training.optimizers:rmsprop",
            "RMSprop, rho 0.9, epsilon inside the root",
            "Hinton 2012",
        ),
        Entry(
            "sgd",
            "gatewise.training.optimizers:sgd",
            "Stochastic gradient descent, optional momentum",
            "Robbins & Monro 1951",
        ),
    ],
    base="collections.abc:Callable",
)

SCHEDULES = Registry(
    "schedule",
    [
        Entry("constant", "gatewise.training.schedules:constant", "The learning rate stays as it is"),
        Entry(
            "cosine",
            "gatewise.training.schedules:cosine",
            "Falls to zero along half a cosine",
            "Loshchilov & Hutter 2017, arXiv:1608.03983",
        ),
        Entry(
            "warmup_cosine",
            "gatewise.training.schedules:warmup_cosine",
            "Rises for 10 % of the steps, then falls to zero along half a cosine",
            "Goyal et al. 2017, arXiv:1706.02677; Loshchilov & Hutter 2017, arXiv:1608.03983",
        ),
        Entry(
            "one_cycle",
            "gatewise.training.schedules:one_cycle",
            "Rises for 30 % of the steps, then falls to zero",
            "Smith & Topin 2018, arXiv:1708.07120",
        ),
        Entry(
            "plateau",
            "gatewise.training.schedules:plateau",
            "Halves when the validation loss has not improved",
        ),
    ],
    base="collections.abc:Callable",
)
