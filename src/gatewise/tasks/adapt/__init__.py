"""Adapting an encoder to one's own texts: masked-language-model training goes on, and an encoder's folder comes out."""

from gatewise.tasks.adapt.run import run_adapt

__all__ = ["run_adapt"]
