"""Equal budgets: every level gets the same epochs, the same minutes, or as many parameters.

::

    budget: {epochs: 20}             # as many epochs for all; nothing stops early unless patience is given here too
    budget: {minutes: 5}             # as long for all, one run at a time, so that a minute is a minute
    budget: {parameters: 500_000}    # units of each combination solved for; may stand beside one of the two
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from gatewise.settings import Count, RunSettings, Settings
from gatewise.studies.factors import Factor

UNITS = "model.units"


class BudgetSettings(Settings):
    """What every level gets equally much of."""

    epochs: Count | None = None
    """Epochs of every run; none stops early."""
    patience: Annotated[int, Field(ge=0)] | None = None
    """Beside epochs: let runs stop early after so many epochs without improvement; then epochs are the most."""
    minutes: Annotated[float, Field(gt=0)] | None = None
    """Minutes of training of every run, each alone on the machine."""
    parameters: Count | None = None
    """Trained weights of every network, as near as whole units come to it."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if self.epochs is not None and self.minutes is not None:
            raise ValueError("epochs and minutes cannot both be equal: choose one")
        if self.epochs is self.minutes is self.parameters is None:
            raise ValueError("says nothing: give epochs, minutes or parameters")
        if self.patience is not None and self.epochs is None:
            raise ValueError("patience stands beside epochs")
        return self

    def changes(self, base: RunSettings) -> dict[str, Any]:
        """Return the dotted settings that it lays over every run of a task."""
        found: dict[str, Any] = {}
        if self.epochs is not None:
            found = {"train.epochs": self.epochs, "train.patience": self.patience, "train.minutes": None}
        if self.minutes is not None:
            found = {"train.minutes": self.minutes, "train.patience": None}
        if self.epochs is not None and "least_steps" in type(base.at("train")).model_fields:
            found["train.least_steps"] = 0  # few texts would get more epochs than the others
        return found

    def problems(self, base: RunSettings, factors: tuple[Factor, ...]) -> list[str]:
        """Return one line for every factor that changes what is to be equal."""
        equal = {**self.changes(base), **({UNITS: None} if self.parameters is not None else {})}
        return [
            f"budget: {factor.name} changes {path}, which the budget sets for all; leave one of the two out"
            for factor in factors
            for path in sorted(factor.settings & set(equal))
        ]
