"""Estimators in scikit-learn's shape whose parameters are a task's settings by their flat names."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

from sklearn.base import BaseEstimator

from gatewise.errors import SettingsError, did_you_mean
from gatewise.settings import RunSettings, flat_fields

#: Settings that a file-based run has and an estimator takes another way.
_NOT_PARAMETERS = ("name", "task", "files")


class SettingsEstimator(BaseEstimator):  # type: ignore[misc]
    """Base of the estimators: each setting of ``SETTINGS`` is a keyword, kept as it was given and checked by ``fit``.

    Raises
    ------
    SettingsError
        If a setting does not exist.
    """

    SETTINGS: ClassVar[type[RunSettings]]

    def __init__(self, **settings: Any) -> None:
        for name, default in self.defaults().items():
            setattr(self, name, settings.pop(name, default))
        if settings:
            name = next(iter(settings))
            raise SettingsError(f"{name}: unknown setting{did_you_mean(name, self.defaults())}")

    def __init_subclass__(cls) -> None:
        """Give the constructor a signature: scikit-learn reads the parameters there, and so does a person's editor."""

        def init(self: SettingsEstimator, **settings: Any) -> None:
            SettingsEstimator.__init__(self, **settings)

        keyword = inspect.Parameter.KEYWORD_ONLY
        names = [inspect.Parameter(name, keyword, default=value) for name, value in cls.defaults().items()]
        own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        init.__signature__ = inspect.Signature([own, *names])  # type: ignore[attr-defined]
        cls.__init__ = init  # type: ignore[method-assign]

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Return every parameter with its default, from the one place that defines them."""
        flat = cls.SETTINGS.model_validate({}).to_flat()
        return {name: flat[name] for name in flat_fields(cls.SETTINGS) if name not in _NOT_PARAMETERS}

    def flat_settings(self) -> dict[str, Any]:
        """Return the parameters as they were given."""
        return {name: getattr(self, name) for name in self.defaults()}

    @classmethod
    def of_settings(cls, settings: RunSettings) -> Any:
        """Make an estimator, not fitted, with the settings of a run."""
        flat = settings.to_flat()
        return cls(**{name: flat[name] for name in cls.defaults()})
