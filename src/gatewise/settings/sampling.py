"""Settings of writing: how much, and how the next symbol is chosen from what the network says."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from gatewise.settings.base import Count, Seed, Settings, Verbatim

#: Most symbols that one call writes for one prompt.
LONGEST = 1_000_000
#: What the report divided its probabilities by.
REPORT_TEMPERATURE = 0.02


def _above_zero(value: float) -> float:
    if not value > 0 or math.isinf(value):
        raise ValueError(
            f"a temperature must be above 0 (found {value:g}): small ones choose the likeliest symbol more often, and "
            "greedy always"
        )
    return value


def _texts(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _none_is_empty(value: tuple[str, ...]) -> tuple[str, ...]:
    if "" in value:
        raise ValueError("an empty text stands everywhere: leave it out")
    return value


Temperature = Annotated[float, AfterValidator(_above_zero)]
Share = Annotated[float, Field(gt=0.0, le=1.0)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts), AfterValidator(_none_is_empty), Verbatim()]


class SamplingSettings(Settings):
    """How much is written, and how each symbol is chosen. All counts are counts of symbols, not of words."""

    length: Annotated[int, Field(ge=1, le=LONGEST)] = 200
    """Most new symbols."""
    min_length: Annotated[int, Field(ge=0)] = 0
    """A stop string that is complete before so many new symbols does not count."""
    greedy: bool = False
    """Always take the likeliest symbol; it soon repeats itself."""
    temperature: Temperature | None = None
    """What the logits are divided by: below 1 surer and more alike, above 1 more varied; 1 when absent."""
    top_k: Count | None = None
    """Choose among the so many likeliest symbols."""
    top_p: Share | None = None
    """Choose among the fewest symbols that have this probability together."""
    min_p: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    """Choose among symbols at least so likely as this share of the likeliest one's probability."""
    typical_p: Share | None = None
    """Choose among the fewest symbols with this probability together whose surprise is nearest to the mean one."""
    repetition_penalty: Annotated[float, Field(gt=0.0)] = 1.0
    """Make symbols that were written a short while ago less likely (above 1) or more (below 1)."""
    repetition_window: Count = 64
    """How many symbols back the repetition penalty looks, the prompt among them."""
    no_repeat_ngram_size: Count | None = None
    """Never write so many symbols in a row that stood in the prompt or the text before."""
    stop: Texts = ()
    """Texts at which writing ends; they are left out."""
    allowed: Annotated[str, Field(min_length=1)] | None = None
    """The only characters that may be written; all when absent."""
    banned: Texts = ()
    """Texts that are never written."""
    beams: Count = 1
    """Follow the so many likeliest texts in place of drawing one."""
    n: Count = 1
    """Texts for each prompt."""
    seed: Seed | None = None
    """Seed of the draws; a new one when absent."""
    sampler: Literal["temperature", "report"] = "temperature"
    """temperature: draws from softmax(logits / temperature); report: as the report did, from softmax(probabilities /
    temperature), with 0.02 when no temperature is given."""
    unknown: Literal["error", "skip"] = "error"
    """What happens to characters of a prompt that the network has never seen."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.min_length > self.length:
            raise ValueError(f"min_length: {self.min_length} symbols are more than length allows ({self.length})")
        if self.beams > 1 and self.n > self.beams:
            raise ValueError(f"n: {self.beams} beams give {self.beams} texts at most (found {self.n})")
        drawing = [name for name in ("temperature", "top_k", "top_p", "min_p", "typical_p") if getattr(self, name)]
        drawing += ["sampler"] if self.sampler == "report" else []
        for name, is_set in (("greedy", self.greedy), ("beams", self.beams > 1)):
            if is_set and drawing:
                raise ValueError(f"{drawing[0]}: nothing is drawn with {name}: leave one of them out")
        if self.greedy and self.beams > 1:
            raise ValueError("greedy: that is one beam: leave greedy or beams out")
        return self
