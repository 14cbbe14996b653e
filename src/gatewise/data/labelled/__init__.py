"""Labelled texts: read, cleaned by named steps, split with near-duplicates on one side, looked at. No torch."""

from gatewise.data.labelled.cleaning import CLEANING_VERSION, Cleaner
from gatewise.data.labelled.duplicates import near_duplicates
from gatewise.data.labelled.labelled import PARTS, Columns, Labelled, Texts
from gatewise.data.labelled.reading import labelled_of, read_labelled, read_texts, texts_of
from gatewise.data.labelled.splits import LabelledSplit, split_labelled

__all__ = [
    "CLEANING_VERSION",
    "Cleaner",
    "Columns",
    "Labelled",
    "LabelledSplit",
    "PARTS",
    "Texts",
    "labelled_of",
    "near_duplicates",
    "read_labelled",
    "read_texts",
    "split_labelled",
    "texts_of",
]
